package hoalu.policies.level3.l3_ops_mon_05_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_ops_mon_05 as policy

test_met if {
	answer := policy.result with input as fixture.good
	answer.state == "met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_not_met if {
	answer := policy.result with input as fixture.set("/store/keep_days", 30)
	answer.state == "not_met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_unknown if {
	answer := policy.result with input as fixture.set("/store/oldest_event", fixture.now - 86400000)
	answer.state == "unknown"
	count(answer.because) > 0
}

test_not_applicable if {
	answer := policy.result with input as fixture.low_level
	answer.state == "not_applicable"
	count(answer.because) > 0
}
