# METADATA
# scope: package
# title: "Central security monitoring with SIEM"
# custom:
#   framework: level3
#   control: L3-ARC-11
package hoalu.policies.level3.l3_arc_11

import data.hoalu.lib

# This appliance is the central monitoring; the requirement is as true as its sources are alive.
result := lib.coverage(input.sources, "no_source")
