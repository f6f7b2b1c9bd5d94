# METADATA
# scope: package
# title: "Technical layer endpoint"
# custom:
#   framework: technical
#   control: TECH-ENDPOINT
package hoalu.policies.technical.tech_endpoint

import data.hoalu.lib

result := lib.coverage(lib.with_layer("endpoint"), "no_server_source")
