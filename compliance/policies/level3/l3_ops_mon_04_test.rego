package hoalu.policies.level3.l3_ops_mon_04_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_ops_mon_04 as policy

# This check never concludes met: no fact leads there.
test_never_met if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level, fixture.unclassified] { not concludes_met(facts) }
}

concludes_met(facts) if {
	answer := policy.result with input as facts
	answer.state == "met"
}

test_not_met if {
	answer := policy.result with input as json.patch(fixture.good, [{"op": "remove", "path": "/sources/0/kinds/process"}, {"op": "remove", "path": "/sources/1/kinds/process"}])
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

test_too_early if {
	some_days := json.patch(fixture.good, [{"op": "remove", "path": "/sources/1"}, {"op": "replace", "path": "/sources/0/first_event", "value": fixture.now - 86400000}, {"op": "replace", "path": "/sources/0/kinds", "value": {"logon": fixture.now}}])
	answer := policy.result with input as some_days
	answer.state == "unknown"
	answer.because[0].code == "kinds_too_early"
}

test_alerts_may_be_rare if {
	answer := policy.result with input as json.patch(fixture.good, [{"op": "remove", "path": "/sources/0/kinds/alert"}, {"op": "remove", "path": "/sources/1/kinds/alert"}])
	answer.state == "unknown"
	answer.because[0].code == "no_alert_log"
}

test_silent if {
	answer := policy.result with input as fixture.silent
	answer.state == "unknown"
	answer.because[0].code == "source_silent"
}

test_no_source if {
	answer := policy.result with input as fixture.no_sources
	answer.state == "not_met"
	answer.because[0].code == "no_source"
}
