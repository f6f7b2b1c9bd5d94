# METADATA
# scope: package
# title: "Keep and protect monitoring data"
# custom:
#   framework: level3
#   control: L3-OPS-MON-05
package hoalu.policies.level3.l3_ops_mon_05

import data.hoalu.lib

# Kept long enough for the level, the log's head signed lately, and the disk watched.
log := {"id": "evidence_log", "at": input.store.checkpoint, "max_age": 900000}

store := {"id": "store", "at": input.store.checked, "max_age": 600000}

result := lib.answer("not_met", [lib.reason("disk_nearly_full", {"days": format_int(input.store.disk_days, 10)})], [store]) if full_soon

result := lib.answer("unknown", [lib.reason("log_not_signed", {})], [store]) if {
	not full_soon
	input.store.checkpoint == 0
}

result := object.union(lib.retained(input.sources, "no_source"), {"evidence": array.concat(lib.retained(input.sources, "no_source").evidence, [log])}) if {
	not full_soon
	input.store.checkpoint > 0
}

full_soon if {
	input.store.disk_days >= 0
	input.store.disk_days < 7
}
