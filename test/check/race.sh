#!/usr/bin/env bash
# Runs the tests of every package whose own code starts goroutines under Go's race detector. It needs a C compiler (test/peers/install.sh);
# the product is built without one.
# Arguments narrow the packages: test/check/race.sh ./collector/...
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v gcc >/dev/null; then
  echo "no gcc here: Go's race detector cannot run (apt-get install gcc libc6-dev)" >&2
  [ -n "${CI:-}" ] && exit 1
  exit 0
fi
# internal/app and test run the whole appliance with other limits of time than a program ten times slower can keep.
mapfile -t packages < <(go list -f '{{.ImportPath}} {{.Dir}} {{join .GoFiles " "}}' "${@:-./...}" | while read -r path dir files; do
  case $path in hoalu/internal/app | hoalu/test* | hoalu/cmd/*) continue ;; esac
  for f in $files; do
    if grep -qE '^[[:space:]]*go (func|[a-zA-Z_.]+\()|\.Go\(' "$dir/$f"; then
      echo "$path"
      break
    fi
  done
done)
[ ${#packages[@]} -ge 1 ] || { echo "no package starts a goroutine: wrong folder?" >&2; exit 1; }
CGO_ENABLED=1 exec go test -race -timeout 20m "${packages[@]}"
