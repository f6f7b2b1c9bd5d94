#!/usr/bin/env bash
# The build prints one line a step and nothing else: no echoed command, no list of downloads, no advertisement, no warning. Real tools build
# the product here; tools that chatter, warn or fail stand in for them in a scratch copy, because the real ones do so on other days.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "quiet: $1" >&2
  sed 's/^/    /' "$work/out" "$work/err" >&2
  exit 1
}
steps='^(console: fetching what package-lock\.json names|console: built, [0-9]+ size budgets kept|hoalu: compiling bin/hoalu .+)$'

# build DIRECTORY: a build there, its output in $work/out and $work/err.
build() { make --no-print-directory -C "$1" build >"$work/out" 2>"$work/err"; }

# The product.
build . || fail "the build fails:"
[ ! -s "$work/err" ] || fail "the build warns, or prints what nobody asked for:"
! grep -vE "$steps" "$work/out" >/dev/null || fail "these lines of the build are no step of it:"
[ "$(sort "$work/out" | uniq -d | wc -l)" = 0 ] || fail "a step prints more than its line:"

# Tools that chatter: a first build, with everything to fetch.
copy=$work/copy tools=$work/tools
mkdir -p "$copy/console/ui/dist" "$copy/bin" "$tools"
cp Makefile "$copy"
echo '{}' >"$copy/console/ui/package-lock.json"
cat >"$tools/npm" <<'NPM'
#!/bin/sh
case " $* " in
*" ci "*)
  mkdir -p node_modules
  case " $* " in *" --no-update-notifier "*) ;; *) echo "npm notice New minor version of npm available!" >&2 ;; esac
  case " $* " in *" --loglevel=error "*) ;; *) echo "npm warn deprecated something" >&2 ;; esac
  case " $* " in *" --no-audit "*) ;; *) echo "found 0 vulnerabilities" ;; esac
  printf '\nadded 172 packages in 24s\n' ;;
*) echo "console: built, 21 size budgets kept" ;;
esac
[ -z "${FAULT_NPM:-}" ] || { echo "$FAULT_NPM" >&2; exit 1; }
NPM
cat >"$tools/go" <<'GO'
#!/bin/sh
echo "go: downloading example.org/module v1.0.0" >&2
[ -z "${WARNING:-}" ] || echo "$WARNING" >&2
[ -z "${FAULT_GO:-}" ] || { echo "$FAULT_GO" >&2; exit 1; }
GO
chmod +x "$tools"/*
PATH=$tools:$PATH
build "$copy" || fail "a build with tools that chatter fails:"
[ ! -s "$work/err" ] || fail "what the tools chatter comes through:"
! grep -vE "$steps" "$work/out" >/dev/null || fail "these lines of a first build are no step of it:"
[ "$(wc -l <"$work/out")" = 3 ] || fail "a first build has three steps, each with one line:"

# What a tool warns of, or why it fails, is not hidden, and its failure is the build's.
WARNING='warning: a fault to see' build "$copy" || fail "a warning ends the build:"
grep -q 'a fault to see' "$work/err" || fail "a warning of the compiler is hidden:"
! FAULT_GO='x.go:1: does not compile' build "$copy" || fail "the build goes on though the compiler failed:"
grep -q 'does not compile' "$work/err" || fail "why the compiler failed is hidden:"
rm -rf "$copy/console/ui/node_modules"
! FAULT_NPM='npm error not in sync' build "$copy" || fail "the build goes on though npm failed:"
grep -q 'not in sync' "$work/err" || fail "why npm failed is hidden:"
[ ! -e "$copy/console/ui/node_modules/.installed" ] || fail "what npm did not fetch counts as fetched:"
echo "quiet: the build prints a line a step"
