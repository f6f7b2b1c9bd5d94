# METADATA
# scope: package
# title: "Minimum kinds of log"
# custom:
#   framework: level3
#   control: L3-OPS-MON-04
package hoalu.policies.level3.l3_ops_mon_04

import data.hoalu.lib

# Access, process and application logs come daily where they are sent at all, so a week without is known absence; another product's
# alerts may be rare. That each record has its required fields is not checked, so this is never met.
week := 7 * 86400000

seen(kinds) if {
	some s in input.sources
	some k in kinds
	input.now - s.kinds[k] <= week
}

wanted := {"access": ["access", "connection", "logon"], "process": ["process"], "application": ["access"]}

absent := [name | some name, kinds in wanted; not seen(kinds)]

begun := [s.first_event | some s in input.sources; s.first_event > 0]

base := lib.coverage(input.sources, "no_source")

result := base if base.state != "met"

result := lib.answer("unknown", [lib.reason("kinds_too_early", {"kinds": concat(", ", absent)})], [lib.proof(s) | some s in input.sources]) if {
	base.state == "met"
	count(absent) > 0
	input.now - min(begun) < week
}

result := lib.answer("not_met", [lib.reason("kinds_absent", {"kinds": concat(", ", absent)})], [lib.proof(s) | some s in input.sources]) if {
	base.state == "met"
	count(absent) > 0
	input.now - min(begun) >= week
}

result := lib.answer("unknown", [lib.reason("no_alert_log", {})], [lib.proof(s) | some s in input.sources]) if {
	base.state == "met"
	count(absent) == 0
	not seen(["alert"])
}

result := lib.answer("unknown", [lib.reason("fields_not_checked", {})], [lib.proof(s) | some s in input.sources]) if {
	base.state == "met"
	count(absent) == 0
	seen(["alert"])
}
