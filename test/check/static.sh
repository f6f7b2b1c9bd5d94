#!/usr/bin/env bash
# Runs staticcheck (pinned in test/peers/tools) over all packages. Which checks run, and why some do not, stands in staticcheck.conf; a
# single exception stands beside its line as //lint:ignore CHECK reason.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec go tool -modfile=test/peers/tools/go.mod staticcheck ./...
