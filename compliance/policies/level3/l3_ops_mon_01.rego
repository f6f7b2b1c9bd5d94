# METADATA
# scope: package
# title: "Monitored objects"
# custom:
#   framework: level3
#   control: L3-OPS-MON-01
package hoalu.policies.level3.l3_ops_mon_01

import data.hoalu.lib

# Coverage is by registered object: each must have sent an event within 24 hours.
day := 86400000

# Objects that could not be looked up: nothing is known of them.
untold := [a | some a in input.assets; told_error(a) != ""]

told_error(a) := object.get(a, "error", "")

missing := [a | some a in input.assets; told_error(a) == ""; a.last_event == 0]

old := [a | some a in input.assets; a.last_event > 0; input.now - a.last_event > day]

hosts(list) := concat(", ", [a.host | some a in array.slice(list, 0, 5)])

result := lib.answer("unknown", [lib.reason("no_object_registered", {})], [lib.inventory]) if count(input.assets) == 0

result := lib.answer("not_met", [lib.reason("object_not_seen", {"objects": hosts(missing), "count": format_int(count(missing), 10), "of": format_int(count(input.assets), 10)})], [lib.inventory]) if count(missing) > 0

result := lib.answer("unknown", [lib.reason("object_not_told", {"objects": hosts(untold), "count": format_int(count(untold), 10), "of": format_int(count(input.assets), 10), "cause": told_error(untold[0])})], [lib.inventory]) if {
	count(missing) == 0
	count(untold) > 0
}

result := lib.answer("unknown", [lib.reason("object_silent", {"objects": hosts(old), "count": format_int(count(old), 10), "of": format_int(count(input.assets), 10)})], [lib.inventory]) if {
	count(missing) == 0
	count(untold) == 0
	count(old) > 0
}

result := object.union(lib.coverage(input.sources, "no_source"), {"because": array.concat([lib.reason("objects_seen", {"count": format_int(count(input.assets), 10)})], lib.coverage(input.sources, "no_source").because)}) if {
	count(input.assets) > 0
	count(missing) == 0
	count(untold) == 0
	count(old) == 0
}
