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

proof(s) := {"id": s.id, "at": s.last_event, "max_age": s.max_age}

names(list) := concat(", ", [x | some s in list; x := s.id])

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

coverage(sources, absent) := answer("not_met", [reason("source_never", {"sources": names(list), "count": format_int(count(list), 10), "of": format_int(count(sources), 10)})], [inventory]) if {
	count(sources) > 0
	list := [s | some s in sources; never(s)]
	count(list) > 0
}

coverage(sources, absent) := answer("unknown", [reason("planned_stop", {"sources": names(planned(sources))})], [inventory]) if {
	count(planned(sources)) > 0
	count([s | some s in sources; never(s)]) == 0
}

coverage(sources, absent) := answer("unknown", [reason("source_silent", {"sources": names(list), "count": format_int(count(list), 10), "of": format_int(count(sources), 10)})], [proof(s) | some s in sources]) if {
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

# retained concludes whether what is stored reaches back as far as the level asks.
retained := answer("not_applicable", [reason("no_floor_at_level", {"level": format_int(input.system.level, 10)})], []) if input.retention_floor_days == 0

retained := answer("not_met", [reason("retention_too_short", {"keep_days": format_int(input.store.keep_days, 10), "floor_days": format_int(input.retention_floor_days, 10)})], [{"id": "store", "at": input.store.checked, "max_age": 600000}]) if {
	input.retention_floor_days > 0
	input.store.keep_days > 0
	input.store.keep_days < input.retention_floor_days
}

retained := answer("unknown", [reason("too_young", {"days": format_int(age_days, 10), "floor_days": format_int(input.retention_floor_days, 10)})], [{"id": "store", "at": input.store.checked, "max_age": 600000}]) if {
	input.retention_floor_days > 0
	not too_short
	age_days < input.retention_floor_days
}

retained := answer("met", [reason("retention_reached", {"days": format_int(age_days, 10), "floor_days": format_int(input.retention_floor_days, 10)})], [{"id": "store", "at": input.store.checked, "max_age": 600000}]) if {
	input.retention_floor_days > 0
	not too_short
	age_days >= input.retention_floor_days
}

too_short if {
	input.store.keep_days > 0
	input.store.keep_days < input.retention_floor_days
}

default age_days := 0

age_days := floor((input.now - input.store.oldest_event) / 86400000) if input.store.oldest_event > 0

# skewed concludes about clocks from the difference of event time and receipt.
skew_limit_ms := 1000

skew(sources, absent) := answer("not_met", [reason("clock_off", {"sources": names(list), "limit_ms": "1000", "worst_ms": format_int(max([abs(s.offset_ms) | some s in list]), 10)})], [proof(s) | some s in sources]) if {
	base := coverage(sources, absent)
	base.state == "met"
	list := [s | some s in sources; abs(s.offset_ms) > skew_limit_ms]
	count(list) > 0
}

skew(sources, absent) := answer("met", [reason("clock_ok", {"limit_ms": "1000"})], [proof(s) | some s in sources]) if {
	base := coverage(sources, absent)
	base.state == "met"
	count([s | some s in sources; abs(s.offset_ms) > skew_limit_ms]) == 0
}

skew(sources, absent) := base if {
	base := coverage(sources, absent)
	base.state != "met"
}

with_layer(layer) := [s | some s in input.sources; layer in s.layers]
