#!/usr/bin/env bash
# Lets yaml-language-server, which editors run, read the schema: tests/conformance/editor.sh SET BINARY
set -euo pipefail
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"
if need_language_server; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    check "demo" "$binary" --root "$work" demo demo
    counts=$(node "$root/tests/conformance/editor.mjs" "$server" "$root" "$work/demo/cluster.yaml") || true
    sed '$d' <<<"$counts"
    if [[ $(tail -1 <<<"$counts") =~ ^([1-9][0-9]*)\ ([0-9]+)$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    else
        fail "the conversation with the server ended before its counts"
    fi
fi
finish
