#!/usr/bin/env bash
# The `secrets` commands and the real `sops`, each on the files of the other: tests/conformance/secrets.sh SET BINARY
#
# Random documents (`short`: 20, `full`: 200) in three modes in turn, as in sops.sh; every file goes through edit, set,
# unset, rotate and updatekeys of both programs, and after each step both must read the same. Then the other formats, key
# groups, and selectors that go by comments.
set -euo pipefail
set_name=${1:?short or full}
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"

if ! need_sops; then
    finish
    exit
fi
(cd "$root" && cargo build --quiet --package clusterwright-tools --bin sops-driver)
driver=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/debug/sops-driver

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
        grep -v 'possibly unencrypted comment' err.log | head -5 || true
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
        grep -v 'possibly unencrypted comment' err.log | head -3 || true
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

# The other formats: every command of ours on what sops wrote, every command of sops on what we wrote, the data compared
# byte for byte after each step, but for blank lines, and the layout of INI, which sops makes its own.
cat >edit-any.sh <<'SH'
#!/bin/sh
sed 's/theone/edited/' "$1" >"$1.new" && cat "$1.new" >"$1" && rm "$1.new"
SH
chmod +x edit-any.sh
export EDITOR=$work/edit-any.sh
# same FILE: a plaintext without what sops does not keep: blank lines, and the whole layout of INI, which is then what sops
# reads in it.
same() {
    case $1 in
    *.ini)
        cat >layout.ini
        sops encrypt --age "$me" layout.ini 2>/dev/null |
            SOPS_AGE_KEY_FILE=$work/key.txt sops decrypt --input-type ini --output-type ini /dev/stdin 2>/dev/null
        ;;
    *.env) grep -v '^$' ;;
    *) cat ;;
    esac
}
agree() { # agree NAME FILE TEXT: both programs open the file, with the same data, and it has (or with ! has not) the text.
    if ! sops decrypt "$2" >theirs.out 2>err.log; then
        fail "$1: sops does not open it: $(tail -1 err.log)"
        return
    fi
    sops decrypt "$2" 2>/dev/null | same "$2" >theirs.out
    cw decrypt "$2" 2>err.log | same "$2" >ours.out || true
    case $2 in
    # The layout of JSON and the spelling of numbers are each program's own.
    *.json) check "$1: same data" python3 -c 'import json; a, b = (json.load(open(f), parse_int=float) for f in ("theirs.out", "ours.out")); assert a == b' ;;
    *) check "$1: same data" cmp -s theirs.out ours.out ;;
    esac
    case $3 in
    !*) check "$1: without ${3#!}" [ "$(grep -c -a -- "${3#!}" ours.out)" = 0 ] ;;
    *) check "$1: with $3" grep -q -a -- "$3" ours.out ;;
    esac
}
plain_of() { # plain_of SEED FORMAT: a document of that format.
    case $2 in
    json) "$driver" generate --json "$1" | sed '1s/{/{"first": "theone", "map": {"in": "x"},/' ;;
    env) printf '# about\nFIRST=theone\nN%s=two words = 3\nM=line\\nline\nQ="quoted"\nEMPTY=\n\n#x\nE=%s\n' "$1" 'é$(x)' ;;
    ini) printf 'root = r%s\n\n; about\n[first]\nfirst = theone\nquoted = `a;b#c`\nlong = """one\ntwo"""\nempty =\n\n[twice]\na = 1\n\n[twice]\na = 2\n[other s]\nn%s = a\\\nb\n' "$1" "$1" ;;
    bin) printf 'theone\n\0\377\376 %s\n' "$1"; head -c "$((seed * 37 % 4000))" /dev/urandom ;;
    esac
}
# at FORMAT: the path of the value that is set, as sops spells it.
at() {
    case $1 in
    json) echo '["first"]' ;;
    env) echo '["FIRST"]' ;;
    ini) echo '["first"]["first"]' ;;
    bin) echo '["data"]' ;;
    esac
}
new_at() {
    case $1 in
    json) echo '["map"]["new"]' ;;
    env) echo '["NEW"]' ;;
    ini) echo '["first"]["new"]' ;;
    esac
}
all_rules() { # all_rules KEYS: a rule for every file.
    printf 'creation_rules:\n  - %s\n' "$1" >.sops.yaml
}
key_groups() { # key_groups THRESHOLD RECIPIENT…: a rule with a key group for each.
    local threshold=$1
    shift
    printf 'creation_rules:\n  - shamir_threshold: %s\n    key_groups:\n' "$threshold" >.sops.yaml
    printf '      - age: [%s]\n' "$@" >>.sops.yaml
}
for seed in $(seq "${FIRST:-1}" "$((count / 4))"); do
    for format in json env ini bin; do
        file=any.$format
        name="$format seed $seed"
        path=$(at "$format")
        all_rules "age: $me"
        plain_of "$seed" "$format" >plain.any
        for writer in cw sops; do
            cp plain.any "$file"
            check "$name: $writer encrypt" "$writer" encrypt -i "$file"
            agree "$name: $writer encrypt" "$file" theone
            check "$name: $writer: status" cw status "$file"
            # Ours.
            check "$name: $writer, edit" cw edit --allow-disk "$file"
            agree "$name: $writer, edit" "$file" edited
            check "$name: $writer, set" cw set "$file" "$path" theone
            agree "$name: $writer, set" "$file" theone
            if [ "$format" != bin ]; then
                check "$name: $writer, set a new key" cw set "$file" "$(new_at "$format")" 'fresh; #value'
                agree "$name: $writer, set a new key" "$file" 'fresh; #value'
                check "$name: $writer, unset" cw unset "$file" "$(new_at "$format")"
                agree "$name: $writer, unset" "$file" '!fresh'
            fi
            check "$name: $writer, rotate" cw rotate -i "$file"
            agree "$name: $writer, rotate" "$file" theone
            all_rules "age: $me,$you"
            check "$name: $writer, updatekeys" cw updatekeys --yes "$file"
            agree "$name: $writer, updatekeys" "$file" theone
            SOPS_AGE_KEY_FILE=$work/second.txt agree "$name: $writer, updatekeys, the other" "$file" theone
            check "$name: $writer: sops finds nothing to update" grep -q 'already up to date' <(sops updatekeys -y "$file" 2>&1)
            all_rules "age: $me"
            check "$name: $writer, one goes" cw updatekeys --yes "$file"
            agree "$name: $writer, one goes" "$file" theone
            SOPS_AGE_KEY_FILE=$work/second.txt fails "$name: $writer, the one that went" 128 sops decrypt "$file"
            # Those of sops on the result, and ours on theirs.
            check "$name: $writer, sops edit" sops edit "$file"
            agree "$name: $writer, sops edit" "$file" edited
            check "$name: $writer, sops set" sops set "$file" "$path" '"theirs"'
            agree "$name: $writer, sops set" "$file" theirs
            check "$name: $writer, sops rotate" sops rotate -i --add-age "$you" "$file"
            agree "$name: $writer, sops rotate" "$file" theirs
            check "$name: $writer, our rotate on it" cw rotate -i --rm-age "$you" "$file"
            agree "$name: $writer, our rotate on it" "$file" theirs
            # Key groups.
            key_groups 2 "$me" "$you" "$me"
            check "$name: $writer, to groups" cw updatekeys --yes "$file"
            agree "$name: $writer, to groups" "$file" theirs
            SOPS_AGE_KEY_FILE=$work/second.txt fails "$name: $writer, one group alone" 128 sops decrypt "$file"
            check "$name: $writer: sops finds the groups right" grep -q 'already up to date' <(sops updatekeys -y "$file" 2>&1)
            check "$name: $writer, set in groups" cw set "$file" "$path" theone
            agree "$name: $writer, set in groups" "$file" theone
            check "$name: $writer, rotate groups" cw rotate -i "$file"
            agree "$name: $writer, rotate groups" "$file" theone
            key_groups 2 "$me" "$you" "$me, $you"
            check "$name: $writer, a group grows" cw updatekeys --yes "$file"
            agree "$name: $writer, a group grows" "$file" theone
            SOPS_AGE_KEY_FILE=$work/second.txt agree "$name: $writer, a group grows, the other" "$file" theone
            check "$name: $writer, sops rotate groups" sops rotate -i "$file"
            agree "$name: $writer, sops rotate groups" "$file" theone
            all_rules "age: $me"
            check "$name: $writer, groups go" cw updatekeys --yes "$file"
            agree "$name: $writer, groups go" "$file" theone
        done
    done
done

# Selectors that go by comments: both programs choose the same values, or we say that the places of comments are not
# plain. Sops hides comments in lists as items, so positions are left out.
chosen() { cw textconv "$1" | grep -v '^sops\.\|<encrypted comment' | sed -E 's/\[[0-9]+\]/[]/g; s/ <encrypted.*/ hidden/; s/ [^h].*/ shown/' ; }
refused=0
for seed in $(seq "${FIRST:-1}" "$((count * 2))"); do
    for selector in encrypted_comment_regex unencrypted_comment_regex; do
        name="$selector seed $seed"
        all_rules "{age: $me, $selector: secret}"
        "$driver" generate --markers "$seed" >marked.yaml
        cp marked.yaml theirs.yaml
        if ! cw encrypt -i marked.yaml >out.log 2>err.log; then
            if grep -q 'comments decide what is encrypted here\|matches no value' err.log; then
                refused=$((refused + 1))
            else
                fail "$name: $(head -1 err.log)"
            fi
            continue
        fi
        check "$name: sops opens ours" sops decrypt marked.yaml
        check "$name: sops encrypts" sops encrypt -i theirs.yaml
        if sops decrypt theirs.yaml >out.log 2>err.log; then
            check "$name: we open theirs" cw decrypt theirs.yaml
            chosen marked.yaml >ours.chosen || fail "$name: nothing is shown of ours"
            chosen theirs.yaml >theirs.chosen || fail "$name: nothing is shown of theirs"
            check "$name: the same values" diff ours.chosen theirs.chosen
            cp theirs.yaml before.txt
            check "$name: set in theirs" cw set theirs.yaml first new
            check "$name: sops opens what we set" sops decrypt theirs.yaml
            check "$name: rotate theirs" cw rotate -i theirs.yaml
            check "$name: sops opens what we rotated" sops decrypt theirs.yaml
        else
            skipped=$((skipped + 1))
        fi
    done
done
# A time that lost its quotes: sops refuses the file, `status` tells, and sops opens whatever we write.
all_rules "age: $me"
printf 'stringData:\n  first: theone\n  other: x\n' >plain.any
cp plain.any bare.yaml
check "bare time: encrypt" cw encrypt -i bare.yaml
sed -i -E 's/(lastmodified: )"(.*)"/\1\2/' bare.yaml
cp bare.yaml bare.txt
fails "bare time: sops refuses it" 1 sops decrypt bare.yaml
fails "bare time: status" 1 cw status bare.yaml
while read -r what command; do
    cp bare.txt bare.yaml
    all_rules "age: $me"
    [ "$what" != newcomer ] || all_rules "age: $me,$you"
    # shellcheck disable=SC2086 # words
    check "bare time: $what" cw $command
    check "bare time: sops opens what $what wrote" sops decrypt bare.yaml
    check "bare time: status after $what" cw status bare.yaml
done <<'TXT'
set set bare.yaml stringData.first new
unset unset bare.yaml stringData.first
rotate rotate -i bare.yaml
edit edit --allow-disk bare.yaml
updatekeys updatekeys --yes bare.yaml
newcomer updatekeys --yes bare.yaml
merge merge bare.txt bare.yaml bare.txt
TXT
all_rules "age: $me"

# Line ends of YAML 1.1 and `<<` as text: both read the same, or we refuse. One file a line, as printf writes it.
while IFS= read -r line; do
    # shellcheck disable=SC2059 # it is the format
    printf "$line" >ends.yaml
    cp ends.yaml theirs.yaml
    if ! cw encrypt --age "$me" -i ends.yaml >why.log 2>&1; then
        check "line ends: refused for what it is: $line" grep -q 'a raw U+\|write back as a merge\|not valid YAML' why.log
        continue
    fi
    check "line ends: sops opens ours: $line" sops decrypt --output-type json ends.yaml
    cp out.log ours.out
    check "line ends: sops encrypts: $line" sops encrypt -i theirs.yaml
    check "line ends: sops opens its own: $line" sops decrypt --output-type json theirs.yaml
    cp out.log theirs.out
    check "line ends: the same values: $line" cmp -s ours.out theirs.out
done <<'TXT'
# c\u2028k: v\na: x\n
# c\u0085k: v\na: x\n
a: x # c\u2029b: z\n
a: x\u2028b: z\n
a: "x\u2028y"\nb: z\n
a: 'x\u2029y'\nb: z\n
a: ["x\u2028y", z]\n
a: "x\u0085y"\n
a: 'x \u2028y'\n
a: 'x\u2028    y'\n
a: |\n  x\u2028  y\n
a: >\n  x\u2028  y\n
a: "x\\Ly\\P\\N"\n
a: x\u00a0y\n
b:\n  "<<": {k: v}\n
b:\n  "<<": v\n
TXT

echo "$refused of $((count * 4)) files with comments that decide were refused"
[ "$refused" -lt "$((count * 3))" ] || fail "$refused of $((count * 4)) files with comments were refused"
finish
