#!/usr/bin/env bash
# Fails on a function that nothing reaches from a main package: built, perhaps tested, and never wired. test/check/unreachable.txt
# lists the exceptions, each with its reason; a line there that is no longer true fails as well, so that the list only gets shorter.
# deadcode is pinned in test/peers/tools.
set -euo pipefail
cd "$(dirname "$0")/../.."
list=test/check/unreachable.txt
found=$(go tool -modfile=test/peers/tools/go.mod deadcode -f '{{range .Funcs}}{{printf "%s.%s\n" $.Path .Name}}{{end}}' ./cmd/... | sed '/^$/d; s|^hoalu/||' | sort -u)
excepted=$(sed 's/[[:space:]]*#.*//; /^$/d' "$list" | sort -u)
bad=0
while read -r f; do
  echo "$f: nothing reaches it from a command. Wire it, delete it, or write it into $list with the reason." >&2
  bad=1
done < <(comm -23 <(printf '%s\n' "$found") <(printf '%s\n' "$excepted") | sed '/^$/d')
while read -r f; do
  echo "$f: is reached now, or gone. Take it out of $list." >&2
  bad=1
done < <(comm -13 <(printf '%s\n' "$found") <(printf '%s\n' "$excepted") | sed '/^$/d')
while read -r line; do
  echo "$list: $line: has no reason" >&2
  bad=1
done < <(grep -vE '^[[:space:]]*(#|$)' "$list" | grep -vE '[[:space:]]# .{10,}' || true)
exit $bad
