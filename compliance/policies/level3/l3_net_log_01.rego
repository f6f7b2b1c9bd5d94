# METADATA
# scope: package
# title: "Device logging on"
# custom:
#   framework: level3
#   control: L3-NET-LOG-01
package hoalu.policies.level3.l3_net_log_01

import data.hoalu.lib

# Each device's own log within 30 days; a sensor is no device.
result := lib.kinds(lib.reporting("network"), "no_network_source", ["connection", "logon", "fault", "change"])
