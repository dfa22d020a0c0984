#!/usr/bin/env bash
# Lets the real `sops` judge the SOPS files we write, and reads the ones it writes: tests/conformance/sops.sh SET BINARY
#
# The files come from crates/sops/sops-driver.rs, for BINARY cannot encrypt a file of one's choice. Random documents (`short`: 50,
# `full`: 1,000 with each of two releases) go in both directions, in three modes in turn: MAC over encrypted values, MAC
# over everything, whole document. In the last two modes the MAC covers every value, so that a success says that both
# sides read every scalar alike, not only the encrypted ones. Every other three documents are JSON instead of YAML, and
# every other six have a post-quantum key. dotenv, INI, binary files and key groups follow. KEEP names a directory for
# the files of failures.
set -euo pipefail
set_name=${1:?short or full}
. "$(dirname "$0")/tools.sh"

if ! need_sops; then
    finish
    exit
fi
older=no
if [ "$set_name" = full ] && need_release 3.12.2; then older=yes; fi
# The unoptimised build, of which `cargo test` has built all but the last step; in the full set that of the binary, for
# an unoptimised build needs as long for a post-quantum key as for everything else together.
profile=dev kind=debug
case $set_name-${2:-} in full-*/release/*) profile=release kind=release ;; esac
(cd "$root" && cargo build --quiet --profile $profile --package clusterwright-tools --bin sops-driver)
driver=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/$kind/sops-driver

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
        { grep -v 'possibly unencrypted comment' err.log || true; } | cut -c1-300 | head -5
        mkdir -p "${KEEP:-$work/failed}" && cp ./*.yaml ./*.json "${KEEP:-$work/failed}" 2>/dev/null || true
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

# keys x25519|pq: two people with keys of a kind.
keys() {
    local flag=()
    if [ "$1" = pq ]; then flag=(--pq); fi
    "$driver" keygen "${flag[@]}" >key.txt
    "$driver" keygen "${flag[@]}" >second.txt
    me=$(sed -n 's/^# public key: //p' key.txt)
    you=$(sed -n 's/^# public key: //p' second.txt)
}
# holds FILE: how the first value of a document is written, in YAML or JSON.
holds() { printf '"\\{0,1\\}first"\\{0,1\\}: "\\{0,1\\}%s' "$1"; }

# The editor of an `edit` that changes one value.
cat >editor.sh <<'SH'
#!/bin/sh
sed -i.bak 's/\(first"*: "*\)value/\1edited/' "$1"
SH
chmod +x editor.sh

# documents SOPS COUNT: in as many jobs as there are processors.
documents() {
    sops=$1
    local jobs job what key count unread=0 refused=0
    local -A made=()
    jobs=$(nproc 2>/dev/null || echo 2)
    for job in $(seq "$jobs"); do
        mkdir -p "$work/$sops.$job"
        (
            cd "$work/$sops.$job"
            export SOPS_AGE_KEY_FILE=$PWD/key.txt
            passed=0 failed=0 skipped=0 counting=$BASH_SUBSHELL known=() last=
            for seed in $(seq "$job" "$jobs" "$2"); do document "$seed"; done
            for what in passed failed skipped unread refused; do echo "$what::${!what}"; done >counts
            for key in "${!made[@]}"; do echo "made:$key:${made[$key]}"; done >>counts
            for key in "${!known[@]}"; do echo "known:$key:${known[$key]}"; done >>counts
        ) &
    done
    wait
    for job in $(seq "$jobs"); do
        [ -s "$work/$sops.$job/counts" ] || fail "$sops: job $job ended before its counts"
    done
    while IFS=: read -r what key count; do
        case $what in
        made) made[$key]=$((${made[$key]:-0} + count)) ;;
        known) known[$key]=$((${known[$key]:-0} + count)) ;;
        *) printf -v "$what" %d $((${!what} + count)) ;;
        esac
    done < <(cat "$work/$sops".*/counts)
    echo "$("$sops" --version --disable-version-check 2>/dev/null | head -1): $2 documents" \
        "(YAML $((${made[yaml/x25519]:-0} + ${made[yaml/pq]:-0})), JSON $((${made[json/x25519]:-0} + ${made[json/pq]:-0}));" \
        "X25519 $((${made[yaml/x25519]:-0} + ${made[json/x25519]:-0})), post-quantum $((${made[yaml/pq]:-0} + ${made[json/pq]:-0}))):" \
        "$unread files that it writes and cannot read itself, $refused that we refuse"
}

# document SEED
document() {
    local seed=$1 mode name ext=yaml kind=x25519 flag=() plain enc new
    local modes=(only full whole)
    mode=${modes[$((seed % 3))]}
    if [ $((seed / 3 % 2)) = 1 ]; then ext=json flag=(--json); fi
    if [ $((seed / 6 % 2)) = 1 ]; then kind=pq; fi
    if [ "$kind" != "$last" ]; then keys "$kind"; last=$kind; fi
    name="$sops: $mode $ext $kind seed $seed"
    plain=$mode.$ext enc=$mode.enc.$ext new=$plain
    rules "$me"
    "$driver" generate "${flag[@]}" "$seed" >"$plain"
    if ! "$driver" encrypt "$plain" >"$enc" 2>err.log && grep -q 'outside the encrypted scope' err.log; then
        # We refuse what sops would show in plain text: an alias of a secret outside of the scope.
        refused=$((refused + 1)) skipped=$((skipped + 1))
        return
    fi
    made[$ext/$kind]=$((${made[$ext/$kind]:-0} + 1))
    if [ "$sops" != sops ] && ! "$driver" status "$enc" | grep -q 'inexact: \[\]'; then
        differs "JSON numbers that SOPS before 3.13.2 reads as floats of other digits" 51 "$sops" decrypt "$enc"
        new=$mode.exact.$ext
    else
        check "$name: encrypt" into "$enc" "$driver" encrypt "$plain"
        ours
    fi
    theirs
}

# ours: what we write, and what sops makes of it.
ours() {
    local from
    check "$name: sops decrypts" into dec.txt "$sops" decrypt "$enc"
    check "$name: sops opens our value" grep -q "$(holds value)" dec.txt
    check "$name: we decrypt" contains "$enc" "$(holds value)"
    check "$name: no change, same bytes" into "$mode.same.$ext" "$driver" update "$enc" "$plain"
    check "$name: no change, same bytes" same "$enc" "$mode.same.$ext"
    fails "$name: sops edit without a change" 200 env EDITOR=true "$sops" edit "$enc"

    cp "$enc" "$mode.edit.$ext"
    check "$name: sops edit" env EDITOR="$work/editor.sh" "$sops" edit "$mode.edit.$ext"
    reads "$name: we read an edit" "$mode.edit.$ext" "$(holds edited)"
    cp "$enc" "$mode.set.$ext"
    check "$name: sops set" "$sops" set "$mode.set.$ext" '["stringData"]["first"]' '"set"'
    reads "$name: we read a set" "$mode.set.$ext" "$(holds set)"
    cp "$enc" "$mode.rotate.$ext"
    check "$name: sops rotate" "$sops" rotate -i "$mode.rotate.$ext"
    reads "$name: we read a rotation" "$mode.rotate.$ext" "$(holds value)"
    check "$name: sops filestatus" "$sops" filestatus "$enc"

    # Our update of our file, and of the file that sops edited.
    sed 's/\("*first"*\): "value"/\1: "updated"/' "$plain" >"$mode.new.$ext"
    for from in "$enc" "$mode.edit.$ext"; do
        "$sops" decrypt "$from" >out.log 2>err.log || continue
        check "$name: update $from" into "$mode.updated.$ext" "$driver" update "$from" "$mode.new.$ext"
        check "$name: sops decrypts the update of $from" into dec.txt "$sops" decrypt "$mode.updated.$ext"
        check "$name: sops opens the updated value" grep -q "$(holds updated)" dec.txt
    done

    # Recipients.
    rules "$me,$you"
    cp "$enc" "$mode.keys.$ext"
    check "$name: sops updatekeys" "$sops" updatekeys -y "$mode.keys.$ext"
    SOPS_AGE_KEY_FILE=$PWD/second.txt reads "$name: we read new keys" "$mode.keys.$ext" "$(holds value)"
    check "$name: add a recipient" into "$mode.added.$ext" "$driver" update "$enc" "$plain"
    check "$name: it can open" env SOPS_AGE_KEY_FILE="$PWD/second.txt" "$sops" decrypt "$mode.added.$ext"
    rules "$you"
    check "$name: remove a recipient" into "$mode.removed.$ext" "$driver" update "$mode.added.$ext" "$plain"
    check "$name: one can open" env SOPS_AGE_KEY_FILE="$PWD/second.txt" "$sops" decrypt "$mode.removed.$ext"
    fails "$name: the other cannot" 128 "$sops" decrypt "$mode.removed.$ext"
    rules "$me"

    # Both notice a change by hand.
    sed 's/\(lastmodified"*: "\)20/\119/' "$enc" >"$mode.bad.$ext"
    fails "$name: sops notices" 51 "$sops" decrypt "$mode.bad.$ext"
    fails "$name: we notice" 1 "$driver" decrypt "$mode.bad.$ext"
}

# theirs: what sops writes.
theirs() {
    if "$sops" encrypt "$plain" >"$mode.theirs.$ext" 2>err.log &&
        "$sops" decrypt "$mode.theirs.$ext" >dec.txt 2>err.log; then
        reads "$name: we decrypt what sops encrypts" "$mode.theirs.$ext" "$(holds value)"
        if [ "$new" != "$plain" ]; then "$driver" decrypt "$mode.theirs.$ext" >"$new"; fi
        check "$name: we update what sops encrypts" into "$mode.updated.$ext" "$driver" update "$mode.theirs.$ext" "$new"
        check "$name: sops reads that" "$sops" decrypt "$mode.updated.$ext"
    else
        unread=$((unread + 1)) skipped=$((skipped + 1))
    fi
}

# both NAME FILE TYPE: a file goes in both directions and comes back byte for byte, as sops itself gives it back.
both() {
    local name="$sops: $1" file=$2 type=$3 ours=ours.$2 theirs=theirs.$2
    check "$name: encrypt" into "$ours" "$driver" encrypt "$file"
    check "$name: sops decrypts" into ours.dec "$sops" decrypt --input-type "$type" --output-type "$type" "$ours"
    check "$name: sops encrypts" into "$theirs" "$sops" encrypt --input-type "$type" --output-type "$type" "$file"
    check "$name: sops decrypts its own" into theirs.dec "$sops" decrypt --input-type "$type" --output-type "$type" "$theirs"
    check "$name: the same plaintext" same ours.dec theirs.dec
    check "$name: we decrypt" into mine.dec "$driver" decrypt "$theirs"
    check "$name: we encrypt that again" into "$ours" "$driver" encrypt_as "$file" mine.dec
    check "$name: sops decrypts that" into again.dec "$sops" decrypt --input-type "$type" --output-type "$type" "$ours"
    check "$name: the same plaintext again" same again.dec theirs.dec
}

stores() { # stores SOPS
    sops=$1
    keys x25519
    rules "$me"
    sed -i.bak 's/creation_rules:/creation_rules:\n  - path_regex: whole\n    age: '"$me"'/' .sops.yaml
    printf '# top\nKEY=value\nEMPTY=\nMULTI=a\\nb\n#c2\nQ="quoted"\nS= spaced \nA_unencrypted=shown\n' >whole.env
    both dotenv whole.env dotenv
    printf '[sec]\n; c\na = b\nq="two words"\ne=\n; d\nlast = z\n\n[other]\nx = y\nt = `a;b`\na_unencrypted = shown\n' >whole.ini
    both INI whole.ini ini
    printf '\000\001binary\377\n' >whole.bin
    both binary whole.bin binary
    : >whole.nothing
    both 'empty file' whole.nothing binary

    # Key groups: both of two, one of them post-quantum.
    "$driver" keygen --pq >second.txt
    you=$(sed -n 's/^# public key: //p' second.txt)
    cat key.txt second.txt >together.txt
    printf 'creation_rules:\n  - shamir_threshold: 2\n    encrypted_regex: ^(data|stringData)$\n    key_groups:\n      - age: [%s]\n      - age: [%s]\n' "$me" "$you" >.sops.yaml
    "$driver" generate 7 >groups.yaml
    check "$sops: key groups: encrypt" into groups.enc.yaml "$driver" encrypt groups.yaml
    check "$sops: key groups: sops decrypts" env SOPS_AGE_KEY_FILE="$work/together.txt" "$sops" decrypt groups.enc.yaml
    fails "$sops: key groups: one key is not enough" 128 "$sops" decrypt groups.enc.yaml
    check "$sops: key groups: sops encrypts" into groups.theirs.yaml "$sops" encrypt groups.yaml
    check "$sops: key groups: we decrypt" env SOPS_AGE_KEY_FILE="$work/together.txt" "$driver" decrypt groups.theirs.yaml
    fails "$sops: key groups: one key is not enough for us" 1 "$driver" decrypt groups.theirs.yaml
    check "$sops: key groups: no change" env SOPS_AGE_KEY_FILE="$work/together.txt" "$driver" update groups.enc.yaml groups.yaml
}

# age and we open each other's files and agree on the public halves of keys.
age_files() {
    local kind flag
    for kind in x25519 pq; do
        flag=()
        if [ "$kind" = pq ]; then flag=(-pq); fi
        check "age: $kind key" into theirs.txt age-keygen "${flag[@]}"
        keys "$kind"
        check "age: $kind public half" into public.txt age-keygen -y key.txt
        check "age: $kind public half is ours" grep -qx "$me" public.txt
        rules "$(sed -n 's/^# public key: //p' theirs.txt)"
        printf 'stringData: {first: value}\n' >only.yaml
        check "age: $kind encrypt to its key" into only.enc.yaml "$driver" encrypt only.yaml
        check "age: $kind open with its key" env SOPS_AGE_KEY_FILE="$work/theirs.txt" "$driver" decrypt only.enc.yaml
    done
}

case $set_name in
short) documents sops 50 ;;
*)
    documents sops 1000
    if [ $older = yes ]; then documents sops-3.12.2 1000; fi
    ;;
esac
stores sops
if [ $older = yes ]; then stores sops-3.12.2; fi
if need_age; then age_files; fi
finish
