# METADATA
# scope: package
# title: "Technical layer database"
# custom:
#   framework: technical
#   control: TECH-DATABASE
package hoalu.policies.technical.tech_database

import data.hoalu.lib

# A system without a database engine has no such layer.
result := lib.answer("not_applicable", [lib.reason("no_database", {})], []) if input.system.engine == ""

result := lib.coverage(lib.with_layer("database"), "no_layer_source") if input.system.engine != ""
