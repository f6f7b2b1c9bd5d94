# METADATA
# scope: package
# title: "Log forwarding"
# custom:
#   framework: level3
#   control: L3-OPS-MON-02
package hoalu.policies.level3.l3_ops_mon_02

import data.hoalu.lib

# Forwarding is only forwarding when the lines can still be read; otherwise as for any set of sources.
result := lib.coverage(input.sources, "no_source") if count(garbled) == 0

garbled := [s | some s in input.sources; s.state == "garbled"; not s.planned_stop]

result := lib.answer("not_met", [lib.reason("source_garbled", object.union(lib.of(garbled, input.sources), {"percent": format_int(round(100 * max([s.unparsed | some s in garbled])), 10)}))], [lib.proof(s) | some s in garbled]) if count(garbled) > 0
