package hoalu.policies.level3.l3_net_log_01_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_net_log_01 as policy

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
	answer := policy.result with input as fixture.set("/sources/0/kinds/change", 0)
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

test_names_what_is_missing if {
	answer := policy.result with input as fixture.set("/sources/0/kinds", {"connection": fixture.now, "logon": fixture.now})
	answer.because == [{"code": "kinds_missing", "values": {"kinds": "fault, change", "sources": "NG-1"}}]
}

# That a device sends nothing here does not say that it records nothing.
test_never_sent if {
	answer := policy.result with input as fixture.set("/sources/0/last_event", 0)
	answer.state == "unknown"
	answer.because[0].code == "source_never"
}

test_no_source if {
	answer := policy.result with input as fixture.no_sources
	answer.state == "unknown"
	answer.because[0].code == "no_network_source"
}
