package hoalu.policies.organisation.layer_1_test

import data.hoalu.fixture
import data.hoalu.policies.organisation.layer_1 as policy

# This check never concludes met: no fact leads there.
test_never_met if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level] { not concludes_met(facts) }
}

concludes_met(facts) if {
	answer := policy.result with input as facts
	answer.state == "met"
}

# This check never concludes not_met: no fact leads there.
test_never_not_met if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level] { not concludes_not_met(facts) }
}

concludes_not_met(facts) if {
	answer := policy.result with input as facts
	answer.state == "not_met"
}

test_unknown if {
	answer := policy.result with input as fixture.good
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
