# METADATA
# scope: package
# title: "Technical layer database"
# custom:
#   framework: technical
#   control: TECH-DATABASE
package hoalu.policies.technical.tech_database

import data.hoalu.lib

# Without a database there is no such layer; a system whose database nobody declared may have one.
sources := lib.with_layer("database")

result := lib.answer("not_applicable", [lib.reason("no_database", {})], []) if {
	input.system.engine == "none"
	count(sources) == 0
}

result := lib.answer("unknown", [lib.reason("engine_not_declared", {})], [lib.inventory]) if {
	input.system.engine == ""
	count(sources) == 0
}

result := lib.coverage(sources, "no_database_source") if declared_or_seen

declared_or_seen if count(sources) > 0

declared_or_seen if not input.system.engine in {"", "none"}
