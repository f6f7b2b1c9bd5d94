# METADATA
# scope: package
# description: What several policies say in the same way.
package hoalu.lib

# An answer: state, reasons (code and values, worded by the console) and evidence with its age limit. The host turns a conclusion whose
# evidence is older than its limit into unknown.
answer(state, because, evidence) := {"state": state, "because": because, "evidence": evidence}

reason(code, values) := {"code": code, "values": values}

# The inventory itself as evidence: it is read in every round.
inventory := {"id": "inventory", "at": input.now, "max_age": 600000}

proof(s) := {"id": s.id, "at": s.last_event, "max_age": s.max_age, "value": s.name}

# At most five names: the count beside them says how many there are.
names(list) := concat(", ", [x.id | some x in array.slice(list, 0, 5)])

of(list, all) := {"sources": names(list), "count": format_int(count(list), 10), "of": format_int(count(all), 10)}

# How long the quietest of a list has said nothing, in minutes.
minutes(list) := format_int(floor((input.now - min([s.last_event | some s in list])) / 60000), 10)

quiet(s) if s.state == "silent"

quiet(s) if {
	s.last_event > 0
	input.now - s.last_event > s.max_age
}

never(s) if {
	s.state == "never"
	not s.planned_stop
}

never(s) if {
	s.last_event == 0
	not s.planned_stop
}

planned(sources) := [s | some s in sources; s.planned_stop]

# coverage concludes from a set of registered sources: none is a known absence, one that never sent is not met, one that went quiet
# or was stopped as planned leaves nothing to conclude.
coverage(sources, absent) := answer("not_met", [reason(absent, {})], [inventory]) if count(sources) == 0

coverage(sources, absent) := answer("not_met", [reason("source_never", of(list, sources))], [inventory]) if {
	count(sources) > 0
	list := [s | some s in sources; never(s)]
	count(list) > 0
}

coverage(sources, absent) := answer("unknown", [reason("planned_stop", of(planned(sources), sources))], [inventory]) if {
	count(planned(sources)) > 0
	count([s | some s in sources; never(s)]) == 0
}

coverage(sources, absent) := answer("unknown", [reason("source_silent", object.union(of(list, sources), {"minutes": minutes(list)}))], [proof(s) | some s in sources]) if {
	count(sources) > 0
	count(planned(sources)) == 0
	count([s | some s in sources; never(s)]) == 0
	list := [s | some s in sources; quiet(s)]
	count(list) > 0
}

coverage(sources, absent) := answer("met", [reason("all_receiving", {"count": format_int(count(sources), 10)})], [proof(s) | some s in sources]) if {
	count(sources) > 0
	count(planned(sources)) == 0
	count([s | some s in sources; never(s)]) == 0
	count([s | some s in sources; quiet(s)]) == 0
}

# retained concludes whether what is stored reaches back as far as the level asks. The kept time is the system's; how far the logs of a
# layer reach is told by the oldest source of it.
retained(sources, absent) := answer("unknown", [reason("level_not_set", {})], [inventory]) if input.system.level == 0

retained(sources, absent) := answer("not_applicable", [reason("no_floor_at_level", {"level": format_int(input.system.level, 10)})], []) if {
	input.system.level > 0
	input.retention_floor_days == 0
}

retained(sources, absent) := answer("not_met", [reason(absent, {})], [inventory]) if {
	input.retention_floor_days > 0
	count(sources) == 0
}

retained(sources, absent) := answer("not_met", [reason("retention_too_short", {"keep_days": format_int(input.store.keep_days, 10), "floor_days": floor_days})], [stored]) if {
	input.retention_floor_days > 0
	count(sources) > 0
	too_short
}

retained(sources, absent) := answer("unknown", [reason("too_young", {"days": format_int(reach(sources), 10), "floor_days": floor_days})], [stored]) if {
	input.retention_floor_days > 0
	count(sources) > 0
	not too_short
	reach(sources) < input.retention_floor_days
}

retained(sources, absent) := answer("met", [reason("retention_reached", {"days": format_int(reach(sources), 10), "floor_days": floor_days})], [stored]) if {
	input.retention_floor_days > 0
	count(sources) > 0
	not too_short
	reach(sources) >= input.retention_floor_days
}

floor_days := format_int(input.retention_floor_days, 10)

stored := {"id": "store", "at": input.store.checked, "max_age": 600000}

too_short if {
	input.store.keep_days > 0
	input.store.keep_days < input.retention_floor_days
}

# Days between now and the oldest event that can be searched and is of these sources.
reach(sources) := floor((input.now - max([input.store.oldest_event, first])) / 86400000) if {
	input.store.oldest_event > 0
	begun := [s.first_event | some s in sources; s.first_event > 0]
	count(begun) > 0
	first := min(begun)
} else := 0

# skew concludes about clocks from the difference of event time and receipt. A source whose difference is not known (it tells no time of its
# own, or too seldom) leaves nothing to conclude, unless the clock of another one is off.
skew_limit_ms := 1000

off(sources) := [s | some s in sources; s.timed; abs(s.offset_ms) > skew_limit_ms]

untimed(sources) := [s | some s in sources; not s.timed]

worst(sources) := format_int(max([abs(s.offset_ms) | some s in sources]), 10)

skew(sources, absent) := answer("not_met", [reason("clock_off", object.union(of(off(sources), sources), {"limit_ms": "1000", "worst_ms": worst(off(sources))}))], [proof(s) | some s in sources]) if {
	base := coverage(sources, absent)
	base.state == "met"
	count(off(sources)) > 0
}

skew(sources, absent) := answer("unknown", [reason("clock_untimed", of(untimed(sources), sources))], [proof(s) | some s in sources]) if {
	base := coverage(sources, absent)
	base.state == "met"
	count(off(sources)) == 0
	count(untimed(sources)) > 0
}

skew(sources, absent) := answer("met", [reason("clock_ok", {"count": format_int(count(sources), 10), "limit_ms": "1000", "worst_ms": worst(sources)})], [proof(s) | some s in sources]) if {
	base := coverage(sources, absent)
	base.state == "met"
	count(off(sources)) == 0
	count(untimed(sources)) == 0
}

skew(sources, absent) := base if {
	base := coverage(sources, absent)
	base.state != "met"
}

with_layer(layer) := [s | some s in input.sources; layer in s.layers]

# Devices and hosts that log about themselves; a sensor sees what others do.
reporting(layer) := [s | some s in with_layer(layer); s.kind != "sensor"]

month := 30 * 86400000

# kinds says which of the wanted kinds of log came from these sources within 30 days. Not seen is not the same as not recorded, so a
# kind that is missing leaves the question open.
kinds(sources, absent, wanted) := answer("unknown", [reason(absent, {})], [inventory]) if count(sources) == 0

kinds(sources, absent, wanted) := object.union(base, {"state": "unknown"}) if {
	count(sources) > 0
	base := coverage(sources, absent)
	base.state != "met"
}

kinds(sources, absent, wanted) := answer("unknown", [reason("kinds_missing", {"kinds": concat(", ", missing), "sources": names([s | some s in sources; lacks(s, wanted)])})], [proof(s) | some s in sources]) if {
	count(sources) > 0
	coverage(sources, absent).state == "met"
	missing := [k | some k in wanted; lacking(sources, k)]
	count(missing) > 0
}

kinds(sources, absent, wanted) := answer("met", [reason("kinds_seen", {"kinds": concat(", ", wanted), "count": format_int(count(sources), 10)})], array.concat(
	[proof(s) | some s in sources],
	[{"id": concat(":", ["kind", k]), "at": min([s.kinds[k] | some s in sources]), "max_age": month} | some k in wanted],
)) if {
	count(sources) > 0
	coverage(sources, absent).state == "met"
	every s in sources {
		every k in wanted { recent(s, k) }
	}
}

recent(s, kind) if input.now - s.kinds[kind] <= month

lacks(s, wanted) if {
	some k in wanted
	not recent(s, k)
}

lacking(sources, kind) if {
	some s in sources
	not recent(s, kind)
}
