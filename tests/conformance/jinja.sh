#!/usr/bin/env bash
# Lets Jinja2 judge the templates in tests/jinja: tests/conformance/jinja.sh SET BINARY
#
# Every case must expect what Jinja2 gives with makejinja's settings, and the binary must give the same in raw mode.
set -euo pipefail
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"

if ! need_jinja; then
    finish
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
judge=$root/tests/conformance/jinja.py

if said=$("$jinja" "$judge" check "$work" 2>&1); then
    pass
else
    fail "the cases are not what Jinja2 gives"
    head -20 <<<"$said"
fi
for tree in "$work"/*/; do
    code=0
    (cd "$tree" && env -i PATH="$PATH" HOME="$work" "$binary" configure --raw --yes >log 2>&1) || code=$?
    echo "$code" >"$tree/code"
    if [ "$code" != 0 ] && [ "$(cat "$tree/expects")" = output ]; then
        fail "a tree of cases does not render"
        grep -A6 '^error' "$tree/log" | head -20
    fi
done
said=$("$jinja" "$judge" compare "$work" 2>&1 || true)
grep -q '^COUNT [1-9]' <<<"$said" || fail "nothing was compared: $(tail -1 <<<"$said")"
while read -r line; do
    case $line in
    FAIL*) fail "${line#FAIL }" ;;
    COUNT*) passed=$((passed + ${line#COUNT })) ;;
    esac
done <<<"$said"
finish
