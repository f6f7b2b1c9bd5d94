package console

import "cmp"

// SensorState is how a sensor is doing: a withdrawn one is that, whatever it said last; of the others one that does not answer is
// unknown, one with a probe that runs is running.
func SensorState(probes []ProbeItem, withdrawn, heard bool) string {
	state := ""
	switch {
	case withdrawn:
		return "withdrawn"
	case !heard:
		return "unknown"
	}
	for _, p := range probes {
		switch {
		case p.State == "running":
			return "running"
		case p.State == "refused" || state == "":
			state = p.State
		}
	}
	return cmp.Or(state, "running") // it sends, and says nothing of its probes
}
