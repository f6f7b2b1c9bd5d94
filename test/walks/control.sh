#!/usr/bin/env bash
# Add the check of a control: its policy and its cases.
source "$(dirname "$0")/lib.sh"
most=2
section='The check of a control'
# the first automatic control of the catalogue that has no policy yet
id=$(cd "$root/compliance/policies/level3" && grep -oE '^ *-? *id: *"?L3-[A-Z0-9-]+' controls.yaml | grep -oE 'L3-[A-Z0-9-]+' | while read -r c; do
  f=$(echo "$c" | tr 'A-Z-' 'a-z_'); [ -e "$f.rego" ] || { echo "$c"; break; }; done)
base=$(echo "$id" | tr 'A-Z-' 'a-z_')
dir=compliance/policies/level3

step "the policy" "$base" the_policy
the_policy() {
  cat >$dir/$base.rego <<REGO
# METADATA
# scope: package
# title: "Sample of a walk"
# custom:
#   framework: level3
#   control: $id
package hoalu.policies.level3.$base

import data.hoalu.lib

result := lib.answer("not_met", [lib.reason("no_sources", {})], [lib.inventory]) if count(input.sources) == 0

result := lib.coverage(input.sources, "no_sources") if count(input.sources) > 0
REGO
}
step "its cases" "$base.rego has no ${base}_test.rego" its_cases
its_cases() {
  cat >$dir/${base}_test.rego <<REGO
package hoalu.policies.level3.${base}_test

import data.hoalu.fixture
import data.hoalu.policies.level3.$base as policy

test_met if policy.result.state == "met" with input as fixture.good

test_not_met if policy.result.state == "not_met" with input as fixture.no_sources

test_unknown if policy.result.state == "unknown" with input as fixture.silent

test_never_not_applicable if {
	every facts in [fixture.good, fixture.silent, fixture.no_sources] { not concludes_not_applicable(facts) }
}

concludes_not_applicable(facts) if {
	answer := policy.result with input as facts
	answer.state == "not_applicable"
}
REGO
}
walk
