package hoalu.policies.level3.l3_ast_02_test

import data.hoalu.fixture
import data.hoalu.policies.level3.l3_ast_02 as policy

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

# This check never concludes not_applicable: no fact leads there.
test_never_not_applicable if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources, fixture.low_level, fixture.unclassified] { not concludes_not_applicable(facts) }
}

concludes_not_applicable(facts) if {
	answer := policy.result with input as facts
	answer.state == "not_applicable"
}

test_no_flow_among_sources if {
	answer := policy.result with input as json.patch(fixture.good, [{"op": "remove", "path": "/sources/0/kinds/flow"}, {"op": "remove", "path": "/sources/1/kinds/flow"}])
	answer.state == "not_met"
	answer.because[0].code == "no_flow_source"
}

# Flows stopped three hours ago while the source goes on: the host finds this evidence too old.
test_flows_age_by_themselves if {
	answer := policy.result with input as fixture.set("/sources/0/kinds/flow", fixture.now - 10800000)
	some e in answer.evidence
	fixture.now - e.at > e.max_age
}
