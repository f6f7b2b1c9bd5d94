# METADATA
# scope: package
# title: "Access to the monitoring system"
# custom:
#   framework: level3
#   control: L3-OPS-MON-03
package hoalu.policies.level3.l3_ops_mon_03

import data.hoalu.lib

# Every account of the appliance has a second factor, and deeds are recorded.
checked := {"id": "accounts", "at": input.access.checked, "max_age": 600000}

result := lib.answer("unknown", [lib.reason("no_account", {})], [checked]) if input.access.accounts == 0

result := lib.answer("not_met", [lib.reason("account_without_second_factor", {"count": format_int(input.access.without_second_factor, 10)})], [checked]) if {
	input.access.accounts > 0
	input.access.without_second_factor > 0
}

result := lib.answer("unknown", [lib.reason("no_deed_recorded", {})], [checked]) if {
	input.access.accounts > 0
	input.access.without_second_factor == 0
	input.access.last_deed == 0
}

result := lib.answer("met", [lib.reason("access_limited_recorded", {"accounts": format_int(input.access.accounts, 10)})], [checked]) if {
	input.access.accounts > 0
	input.access.without_second_factor == 0
	input.access.last_deed > 0
}
