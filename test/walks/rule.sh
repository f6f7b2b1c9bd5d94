#!/usr/bin/env bash
# Add a Sigma rule: its YAML and its events.
source "$(dirname "$0")/lib.sh"
most=2
section='A Sigma rule'
name=proc_creation_lnx_walk_sample
rule=detections/rules/linux/process_creation/$name.yml
events=detections/testdata/$name.ndjson

step "the rule" "testdata/$name.ndjson: no rule of this name" the_rule
the_rule() {
  cat >$rule <<'YML'
title: Sample Of A Walk
id: 0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d
status: test
description: A program that no system has.
author: Hoa Lư
date: 2026-11-30
logsource:
    category: process_creation
    product: linux
detection:
    selection:
        Image|endswith: '/walk-sample'
    condition: selection
level: low
YML
}
step "its texts in both languages and the run-book" "$name.yml: hoalu.runbook.vi has 0 steps" its_texts
its_texts() {
  [ -e $rule ] || return 0
  cat >>$rule <<'YML'
hoalu:
    vi:
        title: Chương trình mẫu chạy trên máy chủ
        why: Chương trình này chỉ có trong phép thử.
    en:
        title: The sample program runs on the server
        why: This program exists in a test only.
    runbook:
        vi: [Xem chứng cứ., Hỏi đơn vị vận hành., Báo trưởng ca.]
        en: [Look at the evidence., Ask the operator., Tell the shift lead.]
YML
}
step "an event that matches" "$name.yml: case \"match\" holds no event" a_match
a_match() { echo '{"case":"match","logsource":{"product":"linux","category":["process_creation"]},"event":{"process.executable":"/opt/walk-sample"}}' >>$events; }
step "an event that nearly does" "$name.yml: case \"miss\" holds no event" a_miss
a_miss() { echo '{"case":"miss","logsource":{"product":"linux","category":["process_creation"]},"event":{"process.executable":"/opt/walk-sample-2"}}' >>$events; }

walk
