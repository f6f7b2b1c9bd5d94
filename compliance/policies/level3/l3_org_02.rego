# METADATA
# scope: package
# title: "Separate operate/administer/protect teams"
# custom:
#   framework: level3
#   control: L3-ORG-02
#   about: appliance
package hoalu.policies.level3.l3_org_02

import data.hoalu.lib

# One person who administers the appliance and watches with it is known here; that sections are apart is in the decision on duties.
checked := {"id": "accounts", "at": input.access.checked, "max_age": 600000}

result := lib.answer("not_met", [lib.reason("two_roles", {"count": format_int(input.access.two_roles, 10)})], [checked]) if input.access.two_roles > 0

result := lib.answer("unknown", [lib.reason("duties_not_shown", {})], [checked]) if input.access.two_roles == 0
