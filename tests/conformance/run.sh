#!/usr/bin/env bash
# Judges clusterwright by the real tools: tests/conformance/run.sh short|full BINARY
# A tool that cannot be had is reported as skipped, by name, and never counts as passed.
set -uo pipefail
set_name=${1:?short or full}
case $set_name in short | full) ;; *) echo "the set is short or full" >&2; exit 1 ;; esac
binary=$(realpath "${2:?path of the clusterwright binary}")
here=$(cd "$(dirname "$0")" && pwd)
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for script in "$here"/[a-z]*.sh; do
  name=$(basename "$script" .sh)
  case $name in run | tools) continue ;; esac
  start=$SECONDS
  printf '\n-- %s\n' "$name"
  bash "$script" "$set_name" "$binary" | tee -a "$log"
  [ "${PIPESTATUS[0]}" = 0 ] || failed=1
  echo "in $((SECONDS - start)) s"
done
awk '/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p += $1; f += $3; s += $5 }
  END { printf "\nconformance: %d passed, %d failed, %d skipped\n", p, f, s }' "$log"
exit "$failed"
