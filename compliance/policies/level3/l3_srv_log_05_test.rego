package hoalu.policies.level3.l3_srv_log_05_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_srv_log_05 as policy

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
	answer := policy.result with input as fixture.set("/store/oldest_event", fixture.now - 86400000)
	answer.state == "unknown"
	count(answer.because) > 0
}

test_not_applicable if {
	answer := policy.result with input as fixture.low_level
	answer.state == "not_applicable"
	count(answer.because) > 0
}

test_keeps_too_short if {
	answer := policy.result with input as fixture.set("/store/keep_days", 30)
	answer.state == "not_met"
	answer.because[0].code == "retention_too_short"
}

test_level_not_set if {
	answer := policy.result with input as fixture.unclassified
	answer.state == "unknown"
	answer.because[0].code == "level_not_set"
}

# The store is old enough, the source of this layer is not.
test_source_too_young if {
	answer := policy.result with input as fixture.set("/sources/1/first_event", fixture.now - 86400000)
	answer.state == "unknown"
	answer.because[0].code == "too_young"
}

test_stops_being_silent_for_no_floor if {
	answer := policy.result with input as fixture.silent
	answer.state == "met"
	answer.because[0].code == "retention_reached"
}
