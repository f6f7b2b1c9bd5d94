package hoalu.policies.level3.l3_ops_mon_01_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_ops_mon_01 as policy

test_met if {
	answer := policy.result with input as fixture.good
	answer.state == "met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_not_met if {
	answer := policy.result with input as fixture.set("/assets/0/last_event", 0)
	answer.state == "not_met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_unknown if {
	answer := policy.result with input as fixture.set("/assets/0/last_event", fixture.now - 172800000)
	answer.state == "unknown"
	count(answer.because) > 0
}

# This check never concludes not_applicable: no fact leads there.
test_never_not_applicable if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level] { not concludes_not_applicable(facts) }
}

concludes_not_applicable(facts) if {
	answer := policy.result with input as facts
	answer.state == "not_applicable"
}

# An object that could not be looked up is not one that was never seen.
test_unknown_where_it_could_not_be_told if {
	answer := policy.result with input as json.patch(fixture.good, [{"op": "replace", "path": "/assets/0/last_event", "value": 0}, {"op": "add", "path": "/assets/0/error", "value": "store is down"}])
	answer.state == "unknown"
	answer.because[0].code == "object_not_told"
	answer.because[0].values.cause == "store is down"
}
