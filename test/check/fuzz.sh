#!/usr/bin/env bash
# Lets every fuzz test of the parsers look for new inputs for a few seconds (FUZZTIME, 5s). What it finds is written by Go into the
# package's testdata/fuzz and belongs into the repository together with the mend.
set -euo pipefail
cd "$(dirname "$0")/../.."
n=0
while IFS=: read -r file name; do
  n=$((n + 1))
  echo "fuzz $(dirname "$file") $name"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-5s}" "./$(dirname "$file")" >/tmp/fuzz.$$ 2>&1 || { cat /tmp/fuzz.$$; rm -f /tmp/fuzz.$$; exit 1; }
done < <(git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sed 's/func //')
rm -f /tmp/fuzz.$$
[ "$n" -gt 0 ] || { echo "no fuzz test found: wrong folder?" >&2; exit 1; }
