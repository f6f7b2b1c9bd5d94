# METADATA
# scope: package
# title: "Server time sync"
# custom:
#   framework: level3
#   control: L3-SRV-LOG-02
package hoalu.policies.level3.l3_srv_log_02

import data.hoalu.lib

result := lib.skew(lib.with_layer("endpoint"), "no_server_source")
