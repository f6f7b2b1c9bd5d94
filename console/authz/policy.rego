# METADATA
# title: Rights of the console
# description: |
#   Deny by default. grants says, for each role, which actions it may do and on which rows; pages says what its menu shows.
#   The table is that of docs/console.md ("who sees which page"); authz_test.go compares it cell by cell.
#
#   Row classes:
#     all       every row, also events of no system (the SOC)
#     province  every row of a system
#     own       rows of systems whose owner or operator is the actor's unit
#     personal  rows that touch citizens' identifiers, shown masked
#     self      the actor's own deeds
#     unmask    deeds that show or search citizens' identifiers
package hoalu.authz

default allow := false

allow if some _ in classes

# classes of rows the actor's roles give for the action.
classes contains class if {
	some role in input.actor.roles
	class := grants[role][input.action]
	not incomplete(class)
}

# An owner without a unit owns nothing.
incomplete("own") if object.get(input.actor, "unit", "") == ""

# visible is partially evaluated with input.row unknown: what is left over is the row filter (equality only).
visible if "all" in classes

visible if {
	"province" in classes
	input.row.assigned == true
}

visible if {
	"own" in classes
	input.row.unit == input.actor.unit
}

visible if {
	"own" in classes
	input.row.operator == input.actor.unit
}

visible if {
	"personal" in classes
	input.row.personal == true
}

visible if {
	"self" in classes
	input.row.actor == input.actor.id
}

visible if {
	"unmask" in classes
	input.row.unmask == true
}

# able are the roles that may do the action, for the person who may not.
able contains role if {
	some role, actions in grants
	actions[input.action]
}

# why says what decided, as a stable code.
why := "no_role" if count(input.actor.roles) == 0

else := "no_such_action" if count(able) == 0

else := "no_unit" if {
	not allow
	some role in input.actor.roles
	grants[role][input.action] == "own"
}

else := "role_lacks" if not allow

else := "granted"

# masked: the actor sees these rows only because they touch personal data, so accounts, addresses and evidence are masked.
default masked := false

masked if classes == {"personal"}

# two_roles: operate, administer and protect belong to different people (L3-ORG-02).
default two_roles := false

two_roles if count({duty | some role in input.actor.roles; duty := duties[role]}) > 1

duties := {
	"analyst": "operate",
	"lead": "operate",
	"administrator": "administer",
	"dpo": "protect",
}

# conflicts are pairs of roles that one person should not hold: who works on alerts or runs the machine is not whom they serve, nor
# who watches over them.
apart := {
	"analyst": {"owner", "auditor", "dpo", "administrator"},
	"lead": {"owner", "auditor", "dpo", "administrator"},
	"administrator": {"auditor", "dpo"},
	"owner": {"auditor"},
}

conflicts contains pair if {
	some role in input.actor.roles
	some other in input.actor.roles
	other in apart[role]
	pair := [role, other]
}

# deeds are all actions the actor may do; menu the pages with the best right of the actor's roles.
deeds contains action if {
	some role in input.actor.roles
	some action, class in grants[role]
	not incomplete(class)
}

menu[page] := right if {
	some page in {p | some role in input.actor.roles; some p, _ in pages[role]}
	best := max({order[pages[role][page]] | some role in input.actor.roles})
	some right
	order[right] == best
}

order := {"counts": 1, "self": 2, "personal": 3, "own": 4, "ask": 5, "read": 6, "write": 7}

everyone := {
	"me.read": "all",
	"me.write": "all",
	"status.read": "all",
	"overview.read": "all",
}

handle_alerts(class) := {
	"alerts.read": class,
	"alerts.note": class,
	"alerts.acknowledge": class,
	"alerts.assign": class,
	"alerts.close": class,
	"alerts.reopen": class,
}

grants.analyst := object.union_n([everyone, handle_alerts("all"), {
	"events.search": "all",
	"systems.read": "all",
	"posture.read": "all",
	"sources.read": "all",
	"sources.write": "all",
	"ledger.read": "all",
	"quarantine.read": "all",
	"quarantine.replay": "all",
	"rules.read": "all",
	"national.read": "all",
	"audit.read": "self",
}])

grants.lead := object.union_n([everyone, handle_alerts("all"), {
	"events.search": "all",
	"systems.read": "all",
	"posture.read": "all",
	"sources.read": "all",
	"sources.write": "all",
	"sources.delete": "all",
	"ledger.read": "all",
	"quarantine.read": "all",
	"quarantine.replay": "all",
	"rules.read": "all",
	"national.read": "all",
	"national.test": "all",
	"national.act": "all",
	"audit.read": "all",
}])

grants.owner := object.union_n([everyone, {
	"alerts.read": "own",
	"alerts.note": "own",
	"events.search": "own",
	"systems.read": "own",
	"posture.read": "own",
	"sources.read": "own",
	"ledger.read": "own",
	"quarantine.read": "own",
	"audit.read": "self",
}])

grants.auditor := object.union_n([everyone, {
	"alerts.read": "province",
	"events.search": "province",
	"systems.read": "province",
	"posture.read": "province",
	"sources.read": "all",
	"ledger.read": "all",
	"quarantine.read": "all",
	"rules.read": "all",
	"national.read": "all",
	"audit.read": "all",
}])

grants.dpo := object.union_n([everyone, {
	"alerts.read": "personal",
	"systems.read": "province",
	"posture.read": "province",
	"audit.read": "unmask",
}])

grants.administrator := object.union_n([everyone, {
	"systems.read": "province",
	"posture.read": "province",
	"inventory.write": "province",
	"sources.read": "all",
	"sources.write": "all",
	"sources.key": "all",
	"sources.delete": "all",
	"ledger.read": "all",
	"quarantine.read": "all",
	"quarantine.replay": "all",
	"rules.read": "all",
	"national.read": "all",
	"national.test": "all",
	"national.endpoint": "all",
	"audit.read": "all",
	"accounts.read": "all",
	"accounts.write": "all",
	"tokens.read": "all",
	"tokens.write": "all",
	"parts.read": "all",
}])

grants.liaison := object.union_n([everyone, {
	"alerts.read": "province",
	"events.search": "province",
	"systems.read": "province",
	"posture.read": "province",
	"sources.read": "all",
	"ledger.read": "all",
	"quarantine.read": "all",
	"rules.read": "all",
	"national.read": "all",
	"national.test": "all",
	"national.act": "all",
	"audit.read": "self",
}])

pages.analyst := {
	"overview": "write", "alerts": "write", "cases": "write", "search": "write", "hunts": "write", "entities": "write",
	"systems": "read", "sources": "write", "sensors": "write", "ledger": "read", "rules": "read", "exceptions": "ask",
	"intel": "write", "national": "read", "evidence": "read", "reports": "read", "privacy": "ask", "audit": "self",
}

pages.lead := {
	"overview": "write", "alerts": "write", "cases": "write", "search": "write", "hunts": "write", "entities": "write",
	"systems": "write", "sources": "write", "sensors": "write", "ledger": "read", "rules": "write", "exceptions": "write",
	"intel": "write", "national": "write", "evidence": "write", "reports": "write", "privacy": "ask", "audit": "read",
}

pages.owner := {
	"overview": "write", "alerts": "own", "cases": "own", "search": "own", "systems": "own", "sources": "own",
	"sensors": "own", "ledger": "own", "evidence": "own", "reports": "own", "privacy": "counts", "audit": "self",
}

pages.auditor := {
	"overview": "read", "alerts": "read", "cases": "read", "search": "read", "hunts": "read", "entities": "read",
	"systems": "read", "sources": "read", "sensors": "read", "ledger": "read", "rules": "read", "exceptions": "read",
	"intel": "read", "national": "read", "evidence": "write", "reports": "write", "privacy": "read", "audit": "read",
}

pages.dpo := {
	"overview": "read", "alerts": "personal", "cases": "personal", "systems": "read", "evidence": "own", "reports": "own",
	"privacy": "write", "audit": "read",
}

pages.administrator := {
	"overview": "read", "systems": "write", "sources": "write", "sensors": "write", "ledger": "write", "rules": "write",
	"national": "write", "audit": "read", "admin": "write",
}

pages.liaison := {
	"overview": "read", "alerts": "read", "cases": "read", "search": "read", "hunts": "read", "entities": "read",
	"systems": "read", "sources": "read", "sensors": "read", "ledger": "read", "rules": "read", "exceptions": "read",
	"intel": "write", "national": "write", "evidence": "read", "reports": "read", "audit": "self",
}
