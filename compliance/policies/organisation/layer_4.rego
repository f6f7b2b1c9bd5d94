# METADATA
# scope: package
# title: "Link to the national monitoring system"
# custom:
#   framework: organisation
#   control: LAYER-4
#   about: appliance
package hoalu.policies.organisation.layer_4

import data.hoalu.lib

import data.hoalu.policies.level3.l3_gov_con_01 as link

score := {"met": 3, "unknown": 1, "not_met": 0}

result := object.union(link.result, {"score": score[link.result.state]})
