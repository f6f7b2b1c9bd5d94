# METADATA
# scope: package
# title: "Central server logs"
# custom:
#   framework: level3
#   control: L3-SRV-LOG-04
package hoalu.policies.level3.l3_srv_log_04

import data.hoalu.lib

# Server logs, by sources that prove the endpoint layer.
result := lib.coverage(lib.with_layer("endpoint"), "no_server_source")
