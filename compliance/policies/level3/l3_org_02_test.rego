package hoalu.policies.level3.l3_org_02_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_org_02 as policy

# This check never concludes met: no fact leads there.
test_never_met if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level, fixture.unclassified] { not concludes_met(facts) }
}

concludes_met(facts) if {
	answer := policy.result with input as facts
	answer.state == "met"
}

test_not_met if {
	answer := policy.result with input as fixture.set("/access/two_roles", 1)
	answer.state == "not_met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_unknown if {
	answer := policy.result with input as fixture.good
	answer.state == "unknown"
	count(answer.because) > 0
}

# This check never concludes not_applicable: no fact leads there.
test_never_not_applicable if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level, fixture.unclassified] { not concludes_not_applicable(facts) }
}

concludes_not_applicable(facts) if {
	answer := policy.result with input as facts
	answer.state == "not_applicable"
}
