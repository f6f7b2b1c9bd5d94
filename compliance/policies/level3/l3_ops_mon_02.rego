# METADATA
# scope: package
# title: "Log forwarding"
# custom:
#   framework: level3
#   control: L3-OPS-MON-02
package hoalu.policies.level3.l3_ops_mon_02

import data.hoalu.lib

# A planned stop leaves nothing to conclude for its time.
planned := [s | some s in input.sources; s.planned_stop]

result := lib.answer("unknown", [lib.reason("planned_stop", {"sources": lib.names(planned)})], [lib.inventory]) if count(planned) > 0

result := lib.coverage(input.sources, "no_source") if {
	count(planned) == 0
	count(garbled) == 0
}

garbled := [s | some s in input.sources; s.state == "garbled"]

result := lib.answer("not_met", [lib.reason("source_garbled", {"sources": lib.names(garbled)})], [lib.proof(s) | some s in garbled]) if {
	count(planned) == 0
	count(garbled) > 0
}
