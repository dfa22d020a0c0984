#!/usr/bin/env bash
# Compares what crates/kustomize builds with what kustomize builds: tests/conformance/build.sh SET BINARY
#
# Trees come from crates/kustomize/tests/generate, by their seeds (`short`: 200, `full`: 2,000): every feature of a build file,
# and faults. The objects must be equal and in the same order, numbers by their value; where kustomize refuses a tree, we must
# too. Its fixtures are compared with what kustomize prints today. KEEP names a directory for the trees that differ.
set -euo pipefail
set_name=${1:?short or full}
. "$(dirname "$0")/tools.sh"

if ! need_kustomize; then
    finish
    exit
fi
(cd "$root" && cargo build --quiet --package clusterwright-tools --bin kustomize-driver)
driver=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/debug/kustomize-driver
kustomize=$(command -v kustomize)
count=200
if [ "$set_name" = full ]; then count=2000; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the person who runs this is read.
export HOME=$work XDG_CONFIG_HOME=$work
jobs=$(nproc 2>/dev/null || echo 2)
for job in $(seq "$jobs"); do
    first=$((count * (job - 1) / jobs + 1)) last=$((count * job / jobs))
    "$driver" compare "$kustomize" "$first" "$last" "${KEEP:-$work/failed}" >"$work/$job.log" 2>&1 &
done
wait
for job in $(seq "$jobs"); do
    alike=$(sed -n 's/^trees: \([0-9]*\) of .*/\1/p' "$work/$job.log")
    [ -n "$alike" ] || fail "job $job ended before its counts: $(tail -1 "$work/$job.log")"
    passed=$((passed + ${alike:-0}))
    while read -r line; do fail "$line"; done < <(sed -n '/^seed /p' "$work/$job.log" | cut -c1-400)
done
# By feature, of all jobs together.
sed -n 's/^\(.*\): \([0-9]*\) of \([0-9]*\) alike, \([0-9]*\) refused by kustomize$/\1|\2|\3|\4/p' "$work"/*.log |
    awk -F'|' '{ a[$1] += $2; n[$1] += $3; r[$1] += $4 }
        END { for (f in n) printf "%s: %d of %d alike, %d refused by kustomize\n", f, a[f], n[f], r[f] }' | sort
check "fixtures" "$driver" fixtures "$kustomize" "$root/crates/kustomize/tests/trees"
finish
