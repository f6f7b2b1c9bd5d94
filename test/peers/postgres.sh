#!/usr/bin/env bash
# Runs a command beside a real PostgreSQL: a cluster of its own in a temporary folder, reached by a socket there, gone when the command
# ends. The command finds its DSN in HOALU_TEST_POSTGRES. Without PostgreSQL the command runs all the same and its tests skip by name;
# in CI they fail.
#   test/peers/postgres.sh go test ./state/...
set -euo pipefail
[ -n "${HOALU_TEST_POSTGRES:-}" ] && exec "$@"
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true)
if [ -z "$bin" ]; then
  echo "no PostgreSQL here; test/peers/install.sh installs it" >&2
  exec "$@"
fi
dir=$(mktemp -d)
as() { "$@"; } # PostgreSQL refuses to run as root
if [ "$(id -u)" = 0 ]; then
  chown postgres "$dir"
  as() { (cd / && runuser -u postgres -- "$@"); }
fi
stop() { as "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap stop EXIT
as "$bin/initdb" -D "$dir/data" -U hoalu -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir.initdb" 2>&1 || { cat "$dir.initdb" >&2; rm -f "$dir.initdb"; exit 1; }
rm -f "$dir.initdb"
# Durability is not what these tests are about; the suites of several packages run at once.
as "$bin/pg_ctl" -D "$dir/data" -s -w -t 60 -l "$dir/log" -o "-k $dir -c listen_addresses='' -c fsync=off -c max_connections=400" start || { cat "$dir/log" >&2; exit 1; }
export HOALU_TEST_POSTGRES="postgres://hoalu@/postgres?host=$(printf %s "$dir" | sed 's|/|%2F|g')&sslmode=disable"
"$@"
