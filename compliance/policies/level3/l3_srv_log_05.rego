# METADATA
# scope: package
# title: "Server log retention"
# custom:
#   framework: level3
#   control: L3-SRV-LOG-05
package hoalu.policies.level3.l3_srv_log_05

import data.hoalu.lib

result := lib.retained(lib.with_layer("endpoint"), "no_server_source")
