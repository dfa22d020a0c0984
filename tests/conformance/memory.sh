#!/usr/bin/env bash
# Plaintext, keys and data keys in memory that is given back: tests/conformance/memory.sh SET BINARY [NAME]
#
# Every command that sees plaintext runs with freed.c preloaded, which looks through each block that is freed, moved or
# shortened, and through heap and stack at exit. The secrets are canaries: values, a comment, two private keys as text and
# as the bytes they stand for, and the data key of the file. On the heap nothing may be found at all; on the stack only
# what `known` lists. With FREED_TRACE=1 the stacks of what was found are printed, for `addr2line`; NAME judges only the
# commands whose name matches.
set -euo pipefail
shopt -s lastpipe
binary=$(realpath "${2:?path of the clusterwright binary}")
only=${3:-*}
. "$(dirname "$0")/tools.sh"
here=$(cd "$(dirname "$0")" && pwd)

# known WHERE CANARY COMMAND: how often it may be found.
known() {
    case "$1 $2 $3" in
        # Blocks of the last values, such as the registers that held them: what is saved after the stack was wiped.
        "stack value"* | "stack other "* | "stack comment "*) echo 8 ;;
        # The environment, which the system puts there.
        "stack x25519-text key from a variable") echo 1 ;;
        *) echo 0 ;;
    esac
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
if [ "$(uname -s)" != Linux ] || ! command -v cc >/dev/null; then
    skip memory "needs Linux and a C compiler, cc"
    finish
    exit
fi
if ! cc -O2 -shared -fPIC -Wall -Wextra -o freed.so "$here/freed.c" 2>cc.log; then
    skip memory "freed.c does not compile here: $(head -1 cc.log)"
    finish
    exit
fi
need_age || true

hex() { od -An -v -tx1 | tr -d ' \n'; }
# The bytes that the bech32 text on stdin stands for, in hex.
unbech() {
    awk '{
        text = tolower($0); sub(/.*1/, "", text); text = substr(text, 1, length(text) - 6)
        for (i = 1; i <= length(text); i++) {
            value = index("qpzry9x8gf2tvdw0s3jn54khce6mua7l", substr(text, i, 1)) - 1
            for (bit = 16; bit >= 1; bit /= 2) bits = bits (int(value / bit) % 2)
        }
        for (i = 1; i + 3 <= 256; i += 4)
            printf "%x", 8 * substr(bits, i, 1) + 4 * substr(bits, i + 1, 1) + 2 * substr(bits, i + 2, 1) + substr(bits, i + 3, 1)
    }'
}
# canary NAME: adds what is on stdin to the canaries.
canary() { FREED_CANARIES="${FREED_CANARIES:+$FREED_CANARIES }$1=$(hex)"; }
# key NAME: adds the private key on stdin, in both forms.
key() {
    local text
    text=$(grep -o 'AGE-SECRET-KEY-.*')
    printf %s "${text:30:24}" | canary "$1-text"
    printf %s "${text:30:24}" | tr '[:upper:]' '[:lower:]' | canary "$1-lower"
    # Not the first and last bytes, which X25519 changes.
    FREED_CANARIES+=" $1-raw=$(unbech <<<"$text" | cut -c 9-56)"
}
# data_key FILE: the canaries, and the data key of a file if age is there to open it.
data_key() {
    local found=
    if command -v age >/dev/null; then
        found=$(sed -n '/BEGIN AGE/,/END AGE/{s/^ *//;p}' "$1" | age -d -i age.key 2>/dev/null | hex)
    fi
    echo "$FREED_CANARIES${found:+ data-key=$found}"
}
# watched PROGRAM CANARIES COMMAND…: runs a command and watches PROGRAM in it.
watched() {
    local program=$1 canaries=$2
    shift 2
    FREED_PROGRAM=$(basename "$program") FREED_CANARIES=$canaries FREED_REPORT=$work/report LD_PRELOAD=$work/freed.so "$@"
}
# look NAME FILE COMMAND…: runs a command, which must not fail, and judges what it leaves. The data key is that of FILE.
look() {
    local name=$1 file=$2 where what count most clean=yes
    shift 2
    # shellcheck disable=SC2053
    if ! [[ $name == $only ]]; then
        "$@" >out.log 2>err.log </dev/null || true
        return
    fi
    rm -f "$work/report"
    if ! watched "$binary" "$(data_key "$file")" "$@" >out.log 2>err.log </dev/null; then
        fail "$name: $* failed"
        head -5 err.log
        return
    fi
    if [ ! -e "$work/report" ]; then
        fail "$name: nothing looked into the memory of $*"
        return
    fi
    while read -r where what count _; do
        [ "$where" != trace ] || continue
        most=$(known "$where" "$what" "$name")
        if [ "$count" -gt "$most" ]; then
            fail "$name: $where $what: $count, at most $most"
            clean=no
        fi
    done <"$work/report"
    [ "$clean" = no ] || pass
    if [ -n "${FREED_TRACE:-}" ]; then grep '^trace' "$work/report" || true; fi
}

(cd "$root" && cargo build --quiet --package clusterwright-tools --bin sops-driver)
driver=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/debug/sops-driver
export HOME=$work XDG_CONFIG_HOME=$work
unset SOPS_AGE_KEY SOPS_AGE_KEY_CMD SOPS_AGE_KEY_FILE SOPS_AGE_RECIPIENTS SOPS_CONFIG SOPS_EDITOR NO_COLOR
cw() { "$binary" "$@"; }

mkdir one && cd one && git init -q .
"$driver" keygen >age.key
"$driver" keygen --pq >pq.key
me=$(sed -n 's/^# public key: //p' age.key)
pq=$(sed -n 's/^# public key: //p' pq.key)
FREED_CANARIES=
key x25519 <age.key
key post-quantum <pq.key
for name in value other; do printf %s "canary-$name-8f3a1c77" | canary "$name"; done
printf %s "canary comment 5566aabb" | canary comment
printf %s "canary-value-8f3a1c77" | base64 | cut -c 1-24 | tr -d '\n' | canary value-base64

rules() {
    cat >.sops.yaml <<YAML
creation_rules:
  - path_regex: yaml$
    encrypted_regex: ^(data|stringData)$
    mac_only_encrypted: true
    age: $1
  - age: $1
YAML
}
rules "$me"
cat >plain.yaml <<'YAML'
# a head
kind: Secret
metadata:
  name: x
stringData:
  # canary comment 5566aabb
  password: canary-value-8f3a1c77
  list: [canary-value-8f3a1c77-two, "canary-value-8f3a1c77\tthree"]
  anchored: &it canary-value-8f3a1c77 # canary comment 5566aabb
  again: *it
  long: |
    some canary-value-8f3a1c77
    lines
  folded: >-
    other canary-value-8f3a1c77
    lines
  url: https://user:canary-value-8f3a1c77@example.com/x?y=1
data:
  base64: Y2FuYXJ5LXZhbHVlLThmM2ExYzc3
YAML
printf '{"a": {"b": "canary-value-8f3a1c77", "c": ["x canary-value-8f3a1c77 \\t"]}}\n' >plain.json
printf '# canary comment 5566aabb\nA=canary-value-8f3a1c77\nB=x canary-value-8f3a1c77\n' >plain.env
printf '; canary comment 5566aabb\n[section]\nA=canary-value-8f3a1c77\n' >plain.ini
printf 'text canary-value-8f3a1c77\n\000text\n' >plain.txt
printf '%s' canary-other-8f3a1c77 >value
cat >editor.sh <<'SH'
#!/bin/sh
sed 's/: canary-value-8f3a1c77/: canary-other-8f3a1c77/' "$1" >"$1.new" && cat "$1.new" >"$1"
SH
chmod +x editor.sh
export EDITOR=$PWD/editor.sh

# The driver of these tests has the same code on the allocator of the system: there must be something to find.
cp plain.yaml x.yaml && cw secrets encrypt -i x.yaml 2>/dev/null
SOPS_AGE_KEY_FILE=age.key watched "$driver" "$FREED_CANARIES" "$driver" decrypt --ignore-mac x.yaml >out.log
if grep -q '^freed value ' "$work/report" 2>/dev/null; then
    pass
elif [ ! -e "$work/report" ]; then
    skip memory "LD_PRELOAD does not work here"
    finish
    exit
else
    fail "the control run left nothing in memory"
fi
for kind in yaml json env ini txt; do
    cp plain.$kind x.$kind
    look "encrypt $kind" /dev/null cw secrets encrypt -i x.$kind
    look "decrypt $kind" x.$kind cw secrets decrypt x.$kind
    look "textconv $kind" x.$kind cw secrets textconv --reveal x.$kind
done
for kind in yaml json; do
    look "edit $kind" x.$kind cw secrets edit --allow-disk x.$kind
    look "diff $kind" x.$kind cw secrets diff x.$kind x.$kind
    look "status $kind" x.$kind cw secrets status x.$kind
done
cp plain.yaml x.yaml && cw secrets encrypt -i x.yaml 2>/dev/null
git add x.yaml && git -c user.name=x -c user.email=x@example.com commit -qm x
look "decrypt to a file" x.yaml cw secrets decrypt --to out.yaml x.yaml
look "decrypt as json" x.yaml cw -o json secrets decrypt x.yaml
look "decrypt a value" x.yaml cw secrets decrypt --extract stringData.password x.yaml
look "set from a file" x.yaml cw secrets set --value-file value x.yaml stringData.password
look "set from stdin" x.yaml bash -c 'exec "$0" "$@" <value' "$binary" secrets set --value-stdin x.yaml stringData.new.deep
look "diff with git" x.yaml cw secrets diff x.yaml
look "diff in clear" x.yaml cw secrets diff --reveal x.yaml
look "textconv hidden" x.yaml cw secrets textconv x.yaml
look "explain" x.yaml cw secrets explain x.yaml
git show HEAD:x.yaml >base.yaml && cp base.yaml theirs.yaml
cw secrets set --value-file value theirs.yaml stringData.theirs 2>/dev/null
look "merge" x.yaml cw secrets merge base.yaml x.yaml theirs.yaml
look "unset" x.yaml cw secrets unset x.yaml stringData.new
look "rotate" x.yaml cw secrets rotate -i x.yaml
rules "$me,$pq"
look "updatekeys" x.yaml cw secrets updatekeys --yes x.yaml
look "scan" /dev/null bash -c '"$0" secrets scan plain.yaml age.key; [ $? = 1 ]' "$binary"
look "key from a variable" x.yaml env SOPS_AGE_KEY="$(grep AGE-SEC age.key)" "$binary" secrets decrypt x.yaml
mv age.key own.key
look "key from a command" x.yaml env SOPS_AGE_KEY_CMD="cat own.key" "$binary" secrets decrypt x.yaml
look "post-quantum key" x.yaml env SOPS_AGE_KEY_FILE="$PWD/pq.key" "$binary" secrets decrypt x.yaml
mv own.key age.key

# A cluster: all its secrets are canaries.
mkdir ../cluster && cp age.key ../cluster && cd ../cluster && git init -q .
sed -E 's/test-(cloudflare-token|bgp-password|[a-z0-9-]*(secret|key|password|token|path))/canary-value-8f3a1c77-\1/' \
    "$root/tests/clusters/everything.yaml" >cluster.yaml
printf 'canary-value-8f3a1c77' >github-push-token.txt
cp "$root/tests/support/github-deploy.key" .
sed -n 5p github-deploy.key | cut -c 1-40 | tr -d '\n' | canary deploy-key
sed -n 5p github-deploy.key | base64 -w0 | cut -c 1-40 | tr -d '\n' | canary deploy-key-base64
tunnel=$(printf 'canary-other-8f3a1c77-32-bytes!!' | base64 | tr -d '\n')
printf '{"AccountTag":"0af1b2c3d4e5f60718293a4b5c6d7e8f","TunnelSecret":"%s","TunnelID":"6ff42ae2-765d-4adf-8112-31c55c1551ef"}' \
    "$tunnel" >cloudflare-tunnel.json
printf %s "$tunnel" | canary tunnel
printf '/cluster.yaml\n/age.key\n/github-push-token.txt\n/github-deploy.key\n/cloudflare-tunnel.json\n' >.gitignore
file=/dev/null
for what in "validate" "plan" "check" "configure --dry-run" "configure --yes" "configure again" "diff" "check" "render"; do
    # shellcheck disable=SC2086
    look "$what" "$file" cw ${what/again/--yes}
    [ ! -e kubernetes ] || file=$(grep -rl '^sops:' kubernetes | head -1)
done
cw secrets encrypt -i cluster.yaml 2>/dev/null
look "validate, encrypted" cluster.yaml cw validate
look "configure, encrypted" cluster.yaml cw configure --yes
finish
