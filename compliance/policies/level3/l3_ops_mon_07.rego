# METADATA
# scope: package
# title: "Watch, alert, tune"
# custom:
#   framework: level3
#   control: L3-OPS-MON-07
package hoalu.policies.level3.l3_ops_mon_07

import data.hoalu.lib

# Rules run, alerts are taken up within a day (own figure), rules were tuned within six months.
watch := {"id": "watch", "at": input.watch.checked, "max_age": 600000}

half_year := 184 * 86400000

late if {
	input.watch.oldest_unacknowledged > 0
	input.now - input.watch.oldest_unacknowledged > 86400000
}

untuned if input.now - input.watch.rules_changed > half_year

tuned_days := format_int(floor((input.now - input.watch.rules_changed) / 86400000), 10)

result := lib.answer("not_met", [lib.reason("no_rules", {})], [watch]) if input.watch.rules == 0

result := lib.answer("not_met", [lib.reason("alert_not_taken", {"hours": format_int(floor((input.now - input.watch.oldest_unacknowledged) / 3600000), 10)})], [watch]) if {
	input.watch.rules > 0
	late
}

result := lib.answer("not_met", [lib.reason("rules_not_tuned", {"days": tuned_days})], [watch]) if {
	input.watch.rules > 0
	not late
	untuned
}

base := lib.coverage(input.sources, "no_source")

result := object.union(base, {"evidence": array.concat(base.evidence, [watch])}) if {
	input.watch.rules > 0
	not late
	not untuned
	base.state != "met"
}

result := lib.answer("met", [lib.reason("watched", {"rules": format_int(input.watch.rules, 10), "days": tuned_days})], array.concat(base.evidence, [watch])) if {
	input.watch.rules > 0
	not late
	not untuned
	base.state == "met"
}
