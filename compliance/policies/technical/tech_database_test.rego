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
	answer := policy.result with input as fixture.set("/sources/1/layers", ["endpoint"])
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
	answer := policy.result with input as json.patch(fixture.good, [{"op": "replace", "path": "/system/engine", "value": "none"}, {"op": "replace", "path": "/sources/1/layers", "value": ["endpoint"]}])
	answer.state == "not_applicable"
	count(answer.because) > 0
}

test_engine_not_declared if {
	answer := policy.result with input as json.patch(fixture.good, [{"op": "replace", "path": "/system/engine", "value": ""}, {"op": "replace", "path": "/sources/1/layers", "value": ["endpoint"]}])
	answer.state == "unknown"
	answer.because[0].code == "engine_not_declared"
}

# Logs of a database prove that there is one, whatever is declared.
test_seen_though_not_declared if {
	answer := policy.result with input as fixture.set("/system/engine", "none")
	answer.state == "met"
}
