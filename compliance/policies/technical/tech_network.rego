# METADATA
# scope: package
# title: "Technical layer network"
# custom:
#   framework: technical
#   control: TECH-NETWORK
package hoalu.policies.technical.tech_network

import data.hoalu.lib

result := lib.coverage(lib.with_layer("network"), "no_network_source")
