#!/usr/bin/env bash
# make bench, make bench-<area>: measures the built binary and prints a table an area. All areas: about ten minutes.
#   HOALU_TESTDATA       large data sets (default ../shared/data)
#   HOALU_BENCH_DIR      where data directories are made; name a real disk (default: the system's temporary folder)
#   HOALU_BENCH_EVENTS   events of the store area (7200000 is an hour at 2,000 events/s)
#   HOALU_BENCH_ALERTS   alerts of the console area (default 50000; 1000000 is the design's)
#   HOALU_KILLS          kills of the kill area (default 100)
#   BENCH_FLAGS          flags of test/bench, such as -time 60s or -profile chain.pprof
set -euo pipefail
cd "$(dirname "$0")/.."
area=${1:-all}
mkdir -p bin
go build -o bin/bench ./test/bench
if [ "$area" != all ]; then exec bin/bench ${BENCH_FLAGS:-} "$area"; fi
failed=0
for a in detection packet store queue start chain latency rss console kill; do
  bin/bench ${BENCH_FLAGS:-} "$a" || failed=1
done
exit $failed
