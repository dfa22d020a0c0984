#!/usr/bin/env bash
# Lets the real `sops` judge the SOPS files we write, and reads the ones it writes: tests/conformance/sops.sh SET BINARY
#
# The files come from examples/sops.rs, for BINARY cannot encrypt a file of one's choice. Random documents (`short`: 50,
# `full`: 1,000, and 100 more with the release before) are tried in three modes in turn: MAC over encrypted values, MAC
# over everything, whole document. In the last two modes the MAC covers every value, so that a success says that both
# sides read every scalar alike, not only the encrypted ones. KEEP names a directory for the files of failures.
set -euo pipefail
set_name=${1:?short or full}
. "$(dirname "$0")/tools.sh"

if ! need_sops; then
    finish
    exit
fi
older=no
if [ "$set_name" = full ] && need_older_sops; then older=yes; fi
# The unoptimised build, of which `cargo test` has built all but the last step.
(cd "$root" && cargo build --quiet --example sops)
driver=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/debug/examples/sops

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Nothing of the person who runs this is read.
export HOME=$work XDG_CONFIG_HOME=$work SOPS_AGE_KEY_FILE=$work/key.txt
unset SOPS_AGE_KEY SOPS_AGE_KEY_CMD SOPS_AGE_RECIPIENTS SOPS_CONFIG

# check NAME COMMAND…: the command must succeed; what it prints goes to its own place.
check() {
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
# reads NAME FILE TEXT: we must find the text in a file that sops rewrote, if sops can read it itself: 3.10 loses a
# plain "\n", 3.13.2 fails on comments in lists (getsops/sops#2243).
reads() {
    if ! "$sops" decrypt "$2" >out.log 2>err.log; then
        unread=$((unread + 1)) skipped=$((skipped + 1))
    else
        check "$1" contains "$2" "$3"
    fi
}
# fails NAME CODE COMMAND…: the command must fail with this exit code.
fails() {
    local name=$1 code=$2 found=0
    shift 2
    "$@" >out.log 2>err.log || found=$?
    if [ "$found" = "$code" ]; then
        pass
    else
        fail "$name: $* (exit $found, not $code)"
    fi
}
into() { # into FILE COMMAND…
    local file=$1
    shift
    "$@" >"$file"
}
contains() { "$driver" decrypt "$1" | grep -q "$2"; }
same() { cmp -s "$1" "$2"; }
# rules RECIPIENTS: one rule per mode, by file name.
rules() {
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

"$driver" keygen >key.txt
"$driver" keygen >second.txt
me=$(sed -n 's/^# public key: //p' key.txt)
you=$(sed -n 's/^# public key: //p' second.txt)

# The editor of an `edit` that changes one value.
cat >editor.sh <<'SH'
#!/bin/sh
sed -i.bak 's/first: value/first: edited/' "$1"
SH
chmod +x editor.sh

documents() { # documents SOPS COUNT
    sops=$1 unread=0
    local modes=(only full whole) seed mode name
    for seed in $(seq 1 "$2"); do
        mode=${modes[$((seed % 3))]}
        name="$sops: $mode seed $seed"
        plain=$mode.yaml enc=$mode.enc.yaml
        rules "$me"
        "$driver" generate "$seed" >"$plain"

        # What we write.
        check "$name: encrypt" into "$enc" "$driver" encrypt "$plain"
        check "$name: sops decrypts" into dec.txt "$sops" decrypt "$enc"
        check "$name: sops opens our value" grep -q 'first: value' dec.txt
        check "$name: we decrypt" contains "$enc" 'first: value'
        check "$name: no change, same bytes" into "$mode.same.yaml" "$driver" update "$enc" "$plain"
        check "$name: no change, same bytes" same "$enc" "$mode.same.yaml"
        fails "$name: sops edit without a change" 200 env EDITOR=true "$sops" edit "$enc"

        # What sops makes of it.
        cp "$enc" "$mode.edit.yaml"
        check "$name: sops edit" env EDITOR="$work/editor.sh" "$sops" edit "$mode.edit.yaml"
        reads "$name: we read an edit" "$mode.edit.yaml" 'first: edited'
        cp "$enc" "$mode.set.yaml"
        check "$name: sops set" "$sops" set "$mode.set.yaml" '["stringData"]["first"]' '"set"'
        reads "$name: we read a set" "$mode.set.yaml" 'first: set'
        cp "$enc" "$mode.rotate.yaml"
        check "$name: sops rotate" "$sops" rotate -i "$mode.rotate.yaml"
        reads "$name: we read a rotation" "$mode.rotate.yaml" 'first: value'
        check "$name: sops filestatus" "$sops" filestatus "$enc"

        # Our update of our file, and of the file that sops edited.
        sed 's/first: "value"/first: updated/' "$plain" >"$mode.new.yaml"
        for from in "$enc" "$mode.edit.yaml"; do
            "$sops" decrypt "$from" >out.log 2>err.log || continue
            check "$name: update $from" into "$mode.updated.yaml" "$driver" update "$from" "$mode.new.yaml"
            check "$name: sops decrypts the update of $from" into dec.txt "$sops" decrypt "$mode.updated.yaml"
            check "$name: sops opens the updated value" grep -q 'first: updated' dec.txt
        done

        # Recipients.
        rules "$me,$you"
        cp "$enc" "$mode.keys.yaml"
        check "$name: sops updatekeys" "$sops" updatekeys -y "$mode.keys.yaml"
        SOPS_AGE_KEY_FILE=$work/second.txt reads "$name: we read new keys" "$mode.keys.yaml" 'first: value'
        check "$name: add a recipient" into "$mode.added.yaml" "$driver" update "$enc" "$plain"
        check "$name: it can open" env SOPS_AGE_KEY_FILE="$work/second.txt" "$sops" decrypt "$mode.added.yaml"
        rules "$you"
        check "$name: remove a recipient" into "$mode.removed.yaml" "$driver" update "$mode.added.yaml" "$plain"
        check "$name: one can open" env SOPS_AGE_KEY_FILE="$work/second.txt" "$sops" decrypt "$mode.removed.yaml"
        fails "$name: the other cannot" 128 "$sops" decrypt "$mode.removed.yaml"
        rules "$me"

        # Both notice a change by hand.
        sed 's/lastmodified: "20/lastmodified: "19/' "$enc" >"$mode.bad.yaml"
        fails "$name: sops notices" 51 "$sops" decrypt "$mode.bad.yaml"
        fails "$name: we notice" 1 "$driver" decrypt "$mode.bad.yaml"

        # What sops writes.
        if "$sops" encrypt "$plain" >"$mode.theirs.yaml" 2>err.log &&
            "$sops" decrypt "$mode.theirs.yaml" >dec.txt 2>err.log; then
            reads "$name: we decrypt what sops encrypts" "$mode.theirs.yaml" 'first: value'
            check "$name: we update what sops encrypts" into "$mode.updated.yaml" "$driver" update "$mode.theirs.yaml" "$plain"
            check "$name: sops reads that" "$sops" decrypt "$mode.updated.yaml"
        else
            unread=$((unread + 1)) skipped=$((skipped + 1))
        fi
    done
    echo "$("$sops" --version --disable-version-check 2>/dev/null | head -1): $2 documents, $unread files that it writes and cannot read itself"
}

case $set_name in
short) documents sops 50 ;;
*)
    documents sops 1000
    if [ $older = yes ]; then documents sops-3.12 100; fi
    ;;
esac
finish
