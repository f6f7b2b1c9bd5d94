#!/usr/bin/env bash
# Starts the built appliance with sample data and an exercise, and lets a real browser do what a person would (console/ui/browser).
# Arguments go to vitest: `test/browser.sh hostile` runs a-first.test.ts and hostile.test.ts; without any all suites run.
# With HOALU_SCREENSHOTS=DIR it also saves a picture of each page in both languages and themes.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ $# = 0 ] && [ -z "${HOALU_SCREENSHOTS:-}" ]; then # all: in three parts side by side, each with an appliance of its own, since a browser mostly waits
  parts=("pages sheet flows work" "layers hostile") # the rest of about the same length is the third
  rest=()
  for f in console/ui/browser/*.test.ts; do
    name=$(basename "$f" .test.ts)
    [ "$name" = a-first ] || [[ " ${parts[*]} " == *" $name "* ]] || rest+=("$name")
  done
  parts+=("${rest[*]}")
  logs=$(mktemp -d)
  pids=()
  for i in "${!parts[@]}"; do
    # a name with its dot: a word alone would also name the files that hold it
    test/browser.sh $(printf '%s.test ' ${parts[i]}) >"$logs/$i" 2>&1 &
    pids+=($!)
  done
  code=0
  for i in "${!parts[@]}"; do
    wait "${pids[i]}" || code=$?
    cat "$logs/$i"
  done
  rm -rf "$logs"
  exit $code
fi
dir=$(mktemp -d)
pid=
stop() { [ -z "$pid" ] || { kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; }; rm -rf "$dir"; }
trap stop EXIT
free() { # a free port on loopback
  node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'
}
export HOALU_SYSLOG=127.0.0.1:$(free)
bulk=127.0.0.1:$(free)
export HOALU_BULK=http://$bulk
cat >"$dir/hoalu.yml" <<YML
listen:
  console: 127.0.0.1:$(free)
  syslog_udp: 127.0.0.1:$(free)
  syslog_tcp: $HOALU_SYSLOG
  syslog_tls: 127.0.0.1:$(free)
  bulk: $bulk
  bulk_trust: true
  sensors: 127.0.0.1:$(free)
detections:
  rules: [$PWD/console/ui/browser/rules.yml, $dir/live.yml]
YML
for i in $(seq 0 $((${HOALU_LIVE_RULES:-40} - 1))); do # a rule that makes more than 30 alerts a minute is folded: live.test.ts needs many
  cat <<YML
---
title: Đăng nhập thử $i
id: 5b0a1c02-7d5e-4d0f-9a51-0d3f5f1d$(printf %04d "$i")
status: test
logsource: {product: linux, service: sshd}
detection:
  selection:
    user.name|startswith: live-$i-
  condition: selection
level: medium
YML
done >"$dir/live.yml"
export HOME=$dir
bin/hoalu serve --config "$dir/hoalu.yml" --data "$dir/data" >"$dir/log" 2>&1 &
pid=$!
for _ in $(seq 150); do
  link=$(cat "$dir/data/first-link" 2>/dev/null || true)
  [ -n "$link" ] && break
  kill -0 "$pid" 2>/dev/null || { cat "$dir/log"; exit 1; }
  sleep 0.2
done
[ -n "$link" ] || { echo "the appliance did not start within 30 s"; cat "$dir/log"; exit 1; }
bin/hoalu demo load --data "$dir/data" >/dev/null
bin/hoalu try --data "$dir/data" >"$dir/try" || { cat "$dir/try"; echo "the exercise did not show all its alerts"; exit 1; }
export HOALU_STATE=$dir/account.json HOALU_URL=${link%%/first*} HOALU_FIRST_LINK=$link HOALU_DATA=$dir/data HOALU_BIN=$PWD/bin/hoalu
cd console/ui
npm run --silent browser -- ${@:+a-first "$@"} || { echo "--- appliance log"; tail -50 "$dir/log"; exit 1; }
if [ -n "${HOALU_SCREENSHOTS:-}" ]; then npm run --silent screenshots; fi
