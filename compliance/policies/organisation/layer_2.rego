# METADATA
# scope: package
# title: "Professional monitoring and protection"
# custom:
#   framework: organisation
#   control: LAYER-2
package hoalu.policies.organisation.layer_2

import data.hoalu.lib

# This appliance watches: proven automatically while every source is alive.
base := lib.coverage(input.sources, "no_source")

score := {"met": 3, "unknown": 1, "not_met": partly}

partly := 1 if {
	some s in input.sources
	s.last_event > 0
}

default partly := 0

result := object.union(base, {"score": score[base.state]})
