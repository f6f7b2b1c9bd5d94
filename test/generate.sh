#!/usr/bin/env bash
# make generate: all generated code. On a clean tree it changes nothing. Golden test data is not generated code: it is written by
# `go test ./that/package -update` by whoever changes what it shows.
set -euo pipefail
cd "$(dirname "$0")/.."

# HTTP API: operations → OpenAPI → types of the web console.
go test -count 1 -run '^TestOpenAPI$' ./console -update >/dev/null
[ -e console/ui/node_modules/.installed ] || make --no-print-directory console/ui/node_modules/.installed
(cd console/ui && npm run --silent generate)

# SQL → Go. sqlc is a long build, so state/sqlc.sum says whether anything it reads or writes has changed.
if sha256sum --quiet -c state/sqlc.sum >/dev/null 2>&1 && go test -count 1 -run '^TestGenerated$' ./state >/dev/null 2>&1; then
  echo "generate: SQL and its Go code fit state/sqlc.sum"
elif PATH=$PATH:$(go env GOPATH)/bin command -v sqlc >/dev/null 2>&1; then
  PATH=$PATH:$(go env GOPATH)/bin go generate ./state
  echo "generate: SQL had changed; its Go code and state/sqlc.sum are new"
else
  echo "generate: SQL or its Go code does not fit state/sqlc.sum, and sqlc is not installed:" >&2
  echo "  go install github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1" >&2
  exit 1
fi

# What is built in of others: their versions and licences.
go run ./internal/licences/collect

# BPF: C → objects, compiled elsewhere first and copied only where they differ.
if command -v clang >/dev/null && command -v llvm-strip >/dev/null; then
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
  sensors/bpf/build.sh "$out"
  for o in sensors/bpf/*/*.bpf.o; do
    new=$out/${o#sensors/bpf/}
    cmp -s "$o" "$new" || { cp "$new" "$o"; echo "generate: $o is new"; }
  done
else
  echo "generate: clang or llvm is not installed; the BPF objects stay as they are (apt-get install clang llvm libbpf-dev)" >&2
  [ -z "${CI:-}" ]
fi
