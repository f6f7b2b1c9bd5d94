package hoalu.policies.level3.l3_srv_log_02_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_srv_log_02 as policy

test_met if {
	answer := policy.result with input as fixture.good
	answer.state == "met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_not_met if {
	answer := policy.result with input as fixture.set("/sources/1/offset_ms", 94000)
	answer.state == "not_met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

test_unknown if {
	answer := policy.result with input as fixture.silent
	answer.state == "unknown"
	count(answer.because) > 0
}

# Nothing is known of the clock of a source: neither in step nor off.
test_unknown_clock_not_measured if {
	answer := policy.result with input as fixture.set("/sources/1/timed", false)
	answer.state == "unknown"
	answer.because[0].code == "clock_untimed"
}

# This check never concludes not_applicable: no fact leads there.
test_never_not_applicable if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level] { not concludes_not_applicable(facts) }
}

concludes_not_applicable(facts) if {
	answer := policy.result with input as facts
	answer.state == "not_applicable"
}
