package hoalu.policies.level3.l3_srv_log_01_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_srv_log_01 as policy

test_met if {
	answer := policy.result with input as fixture.good
	answer.state == "met"
	count(answer.because) > 0
	count(answer.evidence) > 0
}

# This check never concludes not_met: no fact leads there.
test_never_not_met if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level, fixture.unclassified] { not concludes_not_met(facts) }
}

concludes_not_met(facts) if {
	answer := policy.result with input as facts
	answer.state == "not_met"
}

test_unknown if {
	answer := policy.result with input as fixture.set("/sources/1/kinds/process", fixture.now - 2678400001)
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

test_no_source if {
	answer := policy.result with input as fixture.no_sources
	answer.state == "unknown"
	answer.because[0].code == "no_server_source"
}

test_data_missing if {
	answer := policy.result with input as fixture.set("/sources/1/kinds/data", 0)
	answer.state == "unknown"
	answer.because[0].code == "kinds_missing"
}
