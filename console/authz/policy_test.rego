package hoalu.authz_test

import data.hoalu.authz

asking(roles, unit, action) := {"actor": {"id": "ng-1", "roles": roles, "unit": unit}, "action": action}

test_nobody_may_nothing if {
	not authz.allow with input as asking([], "", "me.read")
	authz.why == "no_role" with input as asking([], "", "me.read")
}

test_unknown_action_is_denied if {
	not authz.allow with input as asking(["analyst", "administrator"], "", "everything")
	authz.why == "no_such_action" with input as asking(["analyst"], "", "everything")
}

test_administrator_reads_neither_events_nor_alerts if {
	every action in ["events.search", "alerts.read", "alerts.note", "alerts.close"] {
		not authz.allow with input as asking(["administrator"], "", action)
	}
	authz.why == "role_lacks" with input as asking(["administrator"], "", "alerts.read")
}

test_two_roles_together if {
	authz.allow with input as asking(["administrator", "analyst"], "", "alerts.read")
	authz.allow with input as asking(["administrator", "analyst"], "", "accounts.write")
	authz.two_roles with input as asking(["administrator", "analyst"], "", "")
	not authz.two_roles with input as asking(["analyst", "lead"], "", "")
}

test_owner_sees_own_rows_only if {
	authz.visible with input as object.union(asking(["owner"], "DV-01", "alerts.read"), {"row": {"unit": "DV-01"}})
	authz.visible with input as object.union(asking(["owner"], "DV-01", "alerts.read"), {"row": {"unit": "DV-02", "operator": "DV-01"}})
	not authz.visible with input as object.union(asking(["owner"], "DV-01", "alerts.read"), {"row": {"unit": "DV-02", "operator": "DV-03"}})
}

test_owner_without_unit_sees_nothing if {
	not authz.allow with input as asking(["owner"], "", "systems.read")
	authz.why == "no_unit" with input as asking(["owner"], "", "systems.read")
	not authz.visible with input as object.union(asking(["owner"], "", "systems.read"), {"row": {"unit": "", "operator": ""}})
}

test_owner_notes_but_does_not_close if {
	authz.allow with input as asking(["owner"], "DV-01", "alerts.note")
	not authz.allow with input as asking(["owner"], "DV-01", "alerts.close")
}

test_unassigned_is_for_the_soc if {
	row := {"row": {"assigned": false}}
	authz.visible with input as object.union(asking(["analyst"], "", "events.search"), row)
	not authz.visible with input as object.union(asking(["auditor"], "", "events.search"), row)
	not authz.visible with input as object.union(asking(["liaison"], "", "events.search"), row)
}

test_dpo_sees_personal_alerts_masked if {
	authz.masked with input as asking(["dpo"], "", "alerts.read")
	authz.visible with input as object.union(asking(["dpo"], "", "alerts.read"), {"row": {"personal": true}})
	not authz.visible with input as object.union(asking(["dpo"], "", "alerts.read"), {"row": {"personal": false}})
	not authz.masked with input as asking(["dpo", "analyst"], "", "alerts.read")
	not authz.allow with input as asking(["dpo"], "", "events.search")
}

test_menu_takes_the_better_right if {
	authz.menu.systems == "write" with input as asking(["analyst", "administrator"], "", "")
	not authz.menu.admin with input as asking(["analyst"], "", "")
	not authz.menu.alerts with input as asking(["administrator"], "", "")
}
