package hoalu.policies.organisation.layer_4_test

import data.hoalu.fixture
import data.hoalu.policies.organisation.layer_4 as policy

test_met if {
	answer := policy.result with input as fixture.good
	answer.state == "met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_not_met if {
	answer := policy.result with input as fixture.set("/national/endpoint", false)
	answer.state == "not_met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_unknown if {
	answer := policy.result with input as fixture.set("/national/last_accepted", 0)
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
