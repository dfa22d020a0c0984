#!/usr/bin/env bash
# The `secrets` commands and the real `sops`, each on the files of the other: tests/conformance/secrets.sh SET BINARY
#
# Random documents (`short`: 20, `full`: 200) in three modes in turn, as in sops.sh; every file goes through edit, set,
# unset, rotate and updatekeys of both programs, and after each step both must read the same.
set -euo pipefail
set_name=${1:?short or full}
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"

if ! need_sops; then
    finish
    exit
fi
(cd "$root" && cargo build --quiet --example sops)
driver=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/debug/examples/sops

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work XDG_CONFIG_HOME=$work SOPS_AGE_KEY_FILE=$work/key.txt
unset SOPS_AGE_KEY SOPS_AGE_KEY_CMD SOPS_AGE_RECIPIENTS SOPS_CONFIG SOPS_EDITOR

check() { # check NAME COMMAND…: the command must succeed; the files of a failure are kept below KEEP.
    local name=$1
    shift
    if "$@" >out.log 2>err.log; then
        pass
    else
        fail "$name: $* (exit $?)"
        grep -v 'possibly unencrypted comment' err.log | head -5
        mkdir -p "${KEEP:-$work/failed}" && cp ./*.yaml "${KEEP:-$work/failed}" 2>/dev/null || true
    fi
}
fails() { # fails NAME CODE COMMAND…: the command must fail with this exit code.
    local name=$1 code=$2 found=0
    shift 2
    "$@" >out.log 2>err.log || found=$?
    if [ "$found" = "$code" ]; then pass; else fail "$name: $* (exit $found, not $code)"; fi
}
cw() { "$binary" secrets "$@"; }
# value FILE: the value at stringData.first, as each program extracts it.
theirs() { sops decrypt --extract '["stringData"]["first"]' "$1"; }
ours() { cw decrypt --extract '["stringData"]["first"]' "$1"; }
# both NAME FILE VALUE: both programs open the file, MAC included, and find the value. sops 3.13.2 cannot read what it
# writes itself when lists hold comments (getsops/sops#2243); such a file is counted as skipped.
both() {
    if ! sops decrypt "$2" >out.log 2>err.log; then
        if [ "${4:-}" = by-sops ]; then
            skipped=$((skipped + 1))
            return 1
        fi
        fail "$1: sops does not open it"
        grep -v 'possibly unencrypted comment' err.log | head -3
        return 0
    fi
    check "$1: sops finds the value" [ "$(theirs "$2" 2>/dev/null)" = "$3" ]
    check "$1: we find the value" [ "$(ours "$2" 2>/dev/null)" = "$3" ]
}
rules() { # rules RECIPIENTS
    cat >.sops.yaml <<YAML
stores: {yaml: {indent: 2}}
creation_rules:
  - path_regex: ^only
    age: $1
    encrypted_regex: ^(data|stringData)$
    mac_only_encrypted: true
  - path_regex: ^full
    age: $1
    encrypted_regex: ^(data|stringData)$
  - path_regex: ^whole
    age: $1
YAML
}
cat >editor.sh <<'SH'
#!/bin/sh
sed "s/first: \"*[a-z]*\"*/first: edited/" "$1" >"$1.new" && cat "$1.new" >"$1"
SH
chmod +x editor.sh
export EDITOR=$work/editor.sh

"$driver" keygen >key.txt
"$driver" keygen >second.txt
me=$(sed -n 's/^# public key: //p' key.txt)
you=$(sed -n 's/^# public key: //p' second.txt)

modes=(only full whole)
case $set_name in short) count=20 ;; *) count=200 ;; esac
for seed in $(seq "${FIRST:-1}" "$count"); do
    mode=${modes[$((seed % 3))]}
    name="$mode seed $seed"
    file=$mode.yaml
    rules "$me"
    "$driver" generate "$seed" >"$file"
    cp "$file" plain.txt

    # Our commands one after another; sops reads each result.
    check "$name: encrypt" cw encrypt -i "$file"
    both "$name: encrypt" "$file" value
    check "$name: status" cw status "$file"
    cp "$file" before.txt
    check "$name: equal set" cw set "$file" '["stringData"]["first"]' '"value"'
    check "$name: equal set writes nothing" cmp -s "$file" before.txt
    check "$name: set" cw set "$file" '["stringData"]["first"]' '"one"'
    both "$name: set" "$file" one
    check "$name: set a new key" cw set "$file" '["stringData"]["added"]["deep"]' 'a: b # c'
    both "$name: set a new key" "$file" one
    check "$name: unset" cw unset "$file" '["stringData"]["added"]'
    both "$name: unset" "$file" one
    check "$name: edit" cw edit --allow-disk "$file"
    both "$name: edit" "$file" edited
    check "$name: rotate" cw rotate -i "$file"
    both "$name: rotate" "$file" edited
    rules "$me,$you"
    fails "$name: updatekeys --check" 2 cw updatekeys --check "$file"
    check "$name: updatekeys" cw updatekeys --yes "$file"
    both "$name: updatekeys" "$file" edited
    SOPS_AGE_KEY_FILE=$work/second.txt both "$name: updatekeys, the other" "$file" edited
    check "$name: sops finds nothing to update" grep -q 'already up to date' <(sops updatekeys -y "$file" 2>&1)
    rules "$me"
    check "$name: updatekeys, one goes" cw updatekeys --yes "$file"
    both "$name: updatekeys, one goes" "$file" edited
    SOPS_AGE_KEY_FILE=$work/second.txt fails "$name: the one that went" 128 sops decrypt "$file"

    # sops on our file, then we again.
    check "$name: sops set" sops set "$file" '["stringData"]["first"]' '"two"'
    if both "$name: sops set" "$file" two by-sops; then
        check "$name: our set on it" cw set "$file" '["stringData"]["first"]' '"three"'
        both "$name: our set on it" "$file" three by-sops
        check "$name: sops edit" sops edit "$file"
        check "$name: our unset on it" cw unset "$file" '["stringData"]["first"]'
        check "$name: our set of it" cw set "$file" '["stringData"]["first"]' '"four"'
        both "$name: our unset and set on it" "$file" four by-sops
        check "$name: sops rotate" sops rotate -i --add-age "$you" "$file"
        check "$name: our rotate on it" cw rotate -i --rm-age "$you" "$file"
        both "$name: rotations" "$file" four by-sops
    fi

    # A merge of what each of us changed.
    cp plain.txt "$file"
    check "$name: encrypt" cw encrypt -i "$file"
    cp "$file" base.yaml && cp "$file" theirs.yaml
    check "$name: our side" cw set "$file" stringData.first merged
    check "$name: their side" sops set theirs.yaml '["stringData"]["zz_theirs"]' '"five"'
    if sops decrypt theirs.yaml >out.log 2>err.log; then
        check "$name: merge" cw merge base.yaml "$file" theirs.yaml
        both "$name: merge" "$file" merged
        check "$name: merge, their value" [ "$(sops decrypt --extract '["stringData"]["zz_theirs"]' "$file" 2>/dev/null)" = five ]
    else
        skipped=$((skipped + 1))
    fi
done
finish
