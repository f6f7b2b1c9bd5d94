#!/usr/bin/env bash
# Installs what the tests need: Debian's chromium (browser tests), rsyslog with its Elasticsearch output (a real sender), clang and
# libbpf headers (the BPF objects are compiled again and compared), PostgreSQL (the state suites run on it as on SQLite), gcc (Go's race
# detector needs it; the product is built without), DuckDB of PyPI (the query that docs/formats/parquet.md gives), the official
# Elasticsearch clients of PyPI and npm (they send as docs/en/sources.md says). Without the right to install, says what is missing; in CI that fails.
set -euo pipefail
need=()
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
have chromium || need+=(chromium)
have rsyslogd || need+=(rsyslog)
[ -x /lib/systemd/systemd-journal-remote ] || need+=(systemd-journal-remote) # journalctl too
module() { ls /usr/lib/*/rsyslog/"$1".so >/dev/null 2>&1; }
module omelasticsearch || need+=(rsyslog-elasticsearch)
module lmnsd_ossl || need+=(rsyslog-openssl)
have clang || need+=(clang)
have llvm-strip || need+=(llvm)
[ -e /usr/include/bpf/bpf_helpers.h ] || need+=(libbpf-dev)
have ip || need+=(iproute2)
have openssl || need+=(openssl)
have curl || need+=(curl)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need+=(postgresql)
duckdb=${XDG_CACHE_HOME:-$HOME/.cache}/hoalu-peers/python
if have pip3 && ! PYTHONPATH=$duckdb python3 -c 'import duckdb' 2>/dev/null; then
  pip3 install --quiet --disable-pip-version-check --target "$duckdb" duckdb==2.0.1 || echo "DuckDB of PyPI could not be installed; the documented query is not run" >&2
fi
if have pip3 && [ ! -d "$duckdb/elasticsearch" ]; then
  pip3 install --quiet --disable-pip-version-check --target "$duckdb" elasticsearch==9.5.1 || echo "elasticsearch of PyPI could not be installed; the documented client is not run" >&2
fi
node=${XDG_CACHE_HOME:-$HOME/.cache}/hoalu-peers/node
if have npm && [ ! -d "$node/node_modules/@elastic/elasticsearch" ]; then
  mkdir -p "$node"
  npm install --silent --no-save --no-audit --no-fund --prefix "$node" @elastic/elasticsearch@9.5.1 || echo "@elastic/elasticsearch of npm could not be installed; the documented client is not run" >&2
fi
{ have gcc && [ -e /usr/include/stdlib.h ]; } || need+=(gcc libc6-dev)
[ ${#need[@]} -eq 0 ] && exit 0
echo "test peers missing: ${need[*]}"
sudo=
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo=sudo; else
    echo "no right to install them; run as root: apt-get install -y --no-install-recommends ${need[*]}" >&2
    [ -n "${CI:-}" ] && exit 1
    exit 0
  fi
fi
if ! command -v apt-get >/dev/null; then
  echo "no apt-get here; install these with your package manager: ${need[*]}" >&2
  [ -n "${CI:-}" ] && exit 1
  exit 0
fi
$sudo apt-get update -q
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "${need[@]}"
