#!/usr/bin/env bash
# Judges clusterwright by the real tools: tests/conformance/run.sh short|full BINARY
# A tool that cannot be had is reported as skipped, by name, and never counts as passed.
set -uo pipefail
set_name=${1:?short or full}
binary=$(realpath "${2:?path of the clusterwright binary}")
here=$(cd "$(dirname "$0")" && pwd)
failed=0
for script in "$here"/[a-z]*.sh; do
  [ "$(basename "$script")" = run.sh ] && continue
  [ "$(basename "$script")" = tools.sh ] && continue
  printf '\n-- %s\n' "$(basename "$script" .sh)"
  bash "$script" "$set_name" "$binary" || failed=1
done
[ "$failed" = 0 ] && printf '\nconformance: all that could run passed\n'
exit "$failed"
