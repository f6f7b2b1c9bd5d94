package hoalu.policies.technical.tech_database_test

import data.hoalu.fixture
import data.hoalu.policies.technical.tech_database as policy

test_met if {
	answer := policy.result with input as fixture.good
	answer.state == "met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_not_met if {
	answer := policy.result with input as fixture.no_sources
	answer.state == "not_met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_unknown if {
	answer := policy.result with input as fixture.silent
	answer.state == "unknown"
	count(answer.because) > 0
}

test_not_applicable if {
	answer := policy.result with input as fixture.set("/system/engine", "")
	answer.state == "not_applicable"
	count(answer.because) > 0
}
