#!/usr/bin/env bash
# Add a decoder: one YAML file with its test lines.
source "$(dirname "$0")/lib.sh"
most=1
section='A decoder'
file=collector/decoders/walk/sample.yml

step "what it reads" "walk.sample|walk/sample" what_it_reads
what_it_reads() {
  mkdir -p collector/decoders/walk
  cat >$file <<'YML'
dataset: walk.sample
product: Walk Sample
detect:
  json: [walkSample, walkAddress]
parse: json
fields:
  walkAddress: [source.ip, source.address]
  walkUser: user.name
logsource: {product: walk, service: sample}
YML
}
step "its test lines" "(walk/)?sample.*(test|want)" its_lines
its_lines() {
  mkdir -p collector/decoders/walk
  cat >>$file <<'YML'
tests:
  - raw: '{"walkSample":1,"walkAddress":"203.0.113.9","walkUser":"an"}'
    want: {source.ip: 203.0.113.9, user.name: an, sigma.logsource.service: sample}
YML
}
walk
