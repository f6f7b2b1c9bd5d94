# METADATA
# scope: package
# title: "Flow collection"
# custom:
#   framework: level3
#   control: L3-AST-02
package hoalu.policies.level3.l3_ast_02

import data.hoalu.lib

# Sources that see connections on the wire (sensor, Zeek, Suricata); a firewall's log of its own decisions is not a flow record.
flows := [s | some s in input.sources; s.kinds.flow > 0]

result := lib.answer("not_met", [lib.reason("no_flow_source", {})], [lib.inventory]) if count(flows) == 0

result := base if {
	count(flows) > 0
	base := lib.coverage(flows, "no_flow_source")
	base.state != "met"
}

# The source lives, yet flows stopped: the age of the newest flow decides.
result := lib.answer("met", [lib.reason("flows_collected", {"sources": lib.names(flows), "count": format_int(count(flows), 10)})], [{"id": s.id, "at": s.kinds.flow, "max_age": max([s.max_age, 3600000]), "value": s.name} | some s in flows]) if {
	count(flows) > 0
	lib.coverage(flows, "no_flow_source").state == "met"
}
