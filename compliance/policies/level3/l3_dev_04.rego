# METADATA
# scope: package
# title: "Approved level dossier"
# custom:
#   framework: level3
#   control: L3-DEV-04
package hoalu.policies.level3.l3_dev_04

import data.hoalu.lib

# The state of the dossier as declared in the inventory. That it is not approved is known; that it is, only the decision itself proves.
state := input.system.dossier

result := lib.answer("unknown", [lib.reason("level_not_set", {})], [lib.inventory]) if input.system.level == 0

result := lib.answer("unknown", [lib.reason("dossier_not_declared", {})], [lib.inventory]) if {
	input.system.level > 0
	state == ""
}

result := lib.answer("unknown", [lib.reason("dossier_before_operation", {"dossier": state})], [lib.inventory]) if {
	input.system.level > 0
	input.system.investing
	state in pending
}

result := lib.answer("not_met", [lib.reason("dossier_not_approved", {"dossier": state})], [lib.inventory]) if {
	input.system.level > 0
	not input.system.investing
	state in pending
}

result := lib.answer("unknown", [lib.reason("dossier_decision_missing", {})], [lib.inventory]) if {
	input.system.level > 0
	state == "approved"
}

pending := {"drafting", "submitted", "appraised"}
