# METADATA
# scope: package
# title: "Central log store"
# custom:
#   framework: level3
#   control: L3-NET-LOG-03
package hoalu.policies.level3.l3_net_log_03

import data.hoalu.lib

# Network devices' logs, by sources that prove the network layer.
result := lib.coverage(lib.with_layer("network"), "no_network_source")
