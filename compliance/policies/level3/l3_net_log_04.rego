# METADATA
# scope: package
# title: "Minimum log retention"
# custom:
#   framework: level3
#   control: L3-NET-LOG-04
package hoalu.policies.level3.l3_net_log_04

import data.hoalu.lib

result := lib.retained(lib.with_layer("network"), "no_network_source")
