# METADATA
# scope: package
# title: "Connect monitoring to national or provincial centre"
# custom:
#   framework: level3
#   control: L3-GOV-CON-01
#   about: appliance
package hoalu.policies.level3.l3_gov_con_01

import data.hoalu.lib

# A receiving point, and something accepted there within 24 hours; what waits longer is not connected.
day := 86400000

link := {"id": "national", "at": input.national.last_accepted, "max_age": day}

checked := {"id": "national_settings", "at": input.national.checked, "max_age": 600000}

result := lib.answer("not_met", [lib.reason("no_endpoint", {})], [checked]) if not input.national.endpoint

result := lib.answer("unknown", [lib.reason("nothing_accepted_yet", {})], [checked]) if {
	input.national.endpoint
	input.national.last_accepted == 0
}

result := lib.answer("not_met", [lib.reason("backlog_old", {"hours": format_int(floor((input.now - input.national.oldest_waiting) / 3600000), 10)})], [checked]) if {
	input.national.endpoint
	input.national.last_accepted > 0
	backlog
}

result := lib.answer("met", [lib.reason("centre_accepts", {"minutes": format_int(floor((input.now - input.national.last_accepted) / 60000), 10)})], [link, checked]) if {
	input.national.endpoint
	input.national.last_accepted > 0
	not backlog
}

backlog if {
	input.national.oldest_waiting > 0
	input.now - input.national.oldest_waiting > day
}
