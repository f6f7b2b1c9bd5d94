# METADATA
# scope: package
# title: "Time server"
# custom:
#   framework: level3
#   control: L3-NET-LOG-02
package hoalu.policies.level3.l3_net_log_02

import data.hoalu.lib

# How far device clocks are off shows whether they are kept, not by which server.
result := lib.skew(lib.reporting("network"), "no_network_source")
