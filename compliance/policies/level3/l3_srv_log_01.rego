# METADATA
# scope: package
# title: "Server logging on"
# custom:
#   framework: level3
#   control: L3-SRV-LOG-01
package hoalu.policies.level3.l3_srv_log_01

import data.hoalu.lib

# "data" stands for access to important data; "process" is what the new standard adds.
result := lib.kinds(lib.reporting("endpoint"), "no_server_source", ["connection", "logon", "fault", "change", "data", "process"])
