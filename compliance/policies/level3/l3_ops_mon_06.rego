# METADATA
# scope: package
# title: "Time sync"
# custom:
#   framework: level3
#   control: L3-OPS-MON-06
package hoalu.policies.level3.l3_ops_mon_06

import data.hoalu.lib

# The monitoring system's own clock first, then the sources'.
clock := {"id": "clock", "at": input.clock.checked, "max_age": 900000}

result := lib.answer("unknown", [lib.reason("clock_state_unknown", {})], [clock]) if not input.clock.known

result := lib.answer("not_met", [lib.reason("own_clock_not_synchronised", {})], [clock]) if {
	input.clock.known
	not input.clock.synchronised
}

result := object.union(base, {"evidence": array.concat(base.evidence, [clock])}) if {
	input.clock.known
	input.clock.synchronised
	base := lib.skew(input.sources, "no_source")
}
