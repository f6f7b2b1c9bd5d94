#!/usr/bin/env bash
# Compiles the probes' objects, which are committed beside their C. Output is the same on any machine with the same clang: no debug
# paths, only BTF. Usage: build.sh OUT_DIR, or none to write beside the sources.
set -euo pipefail
cd "$(dirname "$0")"
for src in */*.bpf.c; do
  probe=$(dirname "$src")
  out=${1:-.}/$probe
  mkdir -p "$out"
  clang -O2 -g -target bpf -mcpu=v3 -Wall -Werror -ffile-prefix-map="$PWD"=. -c "$src" -o "$out/$probe.bpf.o"
  llvm-strip -g "$out/$probe.bpf.o"
done
