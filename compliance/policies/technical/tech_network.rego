# METADATA
# scope: package
# title: "Technical layer network"
# custom:
#   framework: technical
#   control: TECH-NETWORK
package hoalu.policies.technical.tech_network

import data.hoalu.lib

result := lib.coverage(lib.with_layer("network"), "no_layer_source") if not lib.layer_planned("network")

result := lib.answer("unknown", [lib.reason("planned_stop", {"sources": "network"})], [lib.inventory]) if lib.layer_planned("network")
