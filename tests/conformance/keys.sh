#!/usr/bin/env bash
# For whom a repository is sealed, with the real `sops` and `age`; SSH keys and plugins, with a real plugin:
# tests/conformance/keys.sh SET BINARY
#
# The latter needs a build with the cargo features `ssh` and `plugin`, which takes minutes: only in the full set.
set -euo pipefail
set_name=${1:?short or full}
binary=$(realpath "${2:?path of the clusterwright binary}")
. "$(dirname "$0")/tools.sh"

# For whom a repository is sealed, opened with the real `sops` and `age`.
if need_sops && need_age; then
    repo=$(mktemp -d)
    export HOME=$repo/home XDG_CONFIG_HOME=$repo/home
    unset SOPS_AGE_KEY SOPS_AGE_KEY_CMD SOPS_AGE_KEY_FILE SOPS_AGE_RECIPIENTS SOPS_CONFIG
    "$binary" demo "$repo/r" >/dev/null
    for name in bob carol; do age-keygen -o "$repo/$name" 2>/dev/null; done
    public() { age-keygen -y "$1"; }
    own=$(public "$repo/r/age.key")
    own_file=bootstrap/sops-age.sops.yaml
    cw_in() { "$binary" -C "$repo/r" "$@"; }
    listed() { # listed RECIPIENTS
        sed -i '/^age_recipients:/d' "$repo/r/cluster.yaml"
        echo "age_recipients: [$1]" >>"$repo/r/cluster.yaml"
    }
    sealed() { (cd "$repo/r" && find bootstrap kubernetes -name '*.sops.yaml' | sort); }
    sops_opens() { (cd "$repo/r" && SOPS_AGE_KEY_FILE=$1 sops decrypt "$2" >/dev/null 2>&1); }
    # 128 is the exit code of a key that fits nothing: a missing file is refused as well, but for another reason.
    sops_refuses() {
        local code=0
        sops_opens "$1" "$2" || code=$?
        [ "$code" = 128 ]
    }
    # age itself, on the wrapped data keys of the file: prints how many the key opens, of how many.
    age_tries() { # age_tries KEY FILE
        local blob opened=0 all=0
        rm -f "$repo"/blob*
        sed -n '/BEGIN AGE/,/END AGE/p' "$repo/r/$2" |
            awk -v out="$repo/blob" '/BEGIN AGE/ { n++ } { sub(/^ */, ""); print > (out n) }'
        for blob in "$repo"/blob*; do
            [ -e "$blob" ] || continue
            all=$((all + 1))
            if age -d -i "$1" "$blob" >/dev/null 2>"$repo/said"; then
                opened=$((opened + 1))
            else
                # Another reason is no refusal.
                grep -q 'no identity matched' "$repo/said" || return
            fi
        done
        echo "$opened of $all"
    }
    age_opens() { [[ $(age_tries "$@") == [1-9]*" of "* ]]; }
    age_refuses() { [[ $(age_tries "$@") == "0 of "[1-9]* ]]; }
    opened_by() { # opened_by WHAT KEY OTHERS OWN: whether the key opens other files, and the own key's (opens, refuses)
        local file
        check "$1: the own key is sealed" grep -qx $own_file <(sealed)
        check "$1: and others are" grep -qvx $own_file <(sealed)
        for file in $(sealed); do
            if [ "$file" = $own_file ]; then check "$1: $4 $file" "sops_$4" "$2" "$file"; else check "$1: $3 $file" "sops_$3" "$2" "$file"; fi
        done
    }
    listed "$own, $(public "$repo/bob")"
    check "configure for two" cw_in configure --yes
    opened_by "own key" "$repo/r/age.key" opens opens
    opened_by "a recipient" "$repo/bob" opens refuses
    check "age: the own key opens the own key's file" age_opens "$repo/r/age.key" $own_file
    check "age: a recipient does not open the own key" age_refuses "$repo/bob" $own_file
    opened_by "a stranger" "$repo/carol" refuses refuses
    cp "$repo/r/$own_file" "$repo/before"
    check "sops updatekeys" bash -c "cd '$repo/r' && SOPS_AGE_KEY_FILE=age.key sops updatekeys --yes $own_file"
    check "sops updatekeys gives the own key to nobody" sops_refuses "$repo/bob" $own_file
    check "updatekeys finds nothing to do" cw_in secrets updatekeys --check
    listed "$own, $(public "$repo/carol")"
    check "configure after a swap" cw_in configure --yes
    opened_by "who was removed" "$repo/bob" refuses refuses
    opened_by "who came" "$repo/carol" opens refuses
    check "age: whoever looks must see something" age_opens "$repo/carol" "$(sealed | grep -vx $own_file | head -1)"
    fails "age: no key opens a file without data keys" 1 age_opens "$repo/carol" cluster.yaml
    fails "age: and none is refused by it" 1 age_refuses "$repo/bob" cluster.yaml
    for file in $(sealed); do check "age: who was removed does not open $file" age_refuses "$repo/bob" "$file"; done
    listed "$(public "$repo/carol")"
    fails "nothing is sealed without the own key" 1 cw_in configure --yes
    opened_by "own key after a refusal" "$repo/r/age.key" opens opens
    listed "$own"
    check "configure for the own key alone" cw_in configure --yes
    opened_by "who was removed next" "$repo/carol" refuses refuses
    check "nothing to do" cw_in configure --check
    rm -rf "$repo"
else
    skip "recipients of a repository" "sops or age is missing"
fi

if [ "$set_name" != full ]; then
    skip "SSH keys and plugins" "they need a build of their own; the full set makes it"
    finish
    exit
fi
if ! need_sops || ! need_age ||
    ! go_peer age-plugin-pq filippo.io/age/extra/age-plugin-pq@v1.3.1 || ! command -v ssh-keygen >/dev/null; then
    skip "SSH keys and plugins" "sops, age, age-plugin-pq or ssh-keygen is missing"
    finish
    exit
fi
(cd "$root" && CARGO_PROFILE_DEV_DEBUG=0 cargo build --quiet --features ssh,plugin --target-dir "$peers/features")
cw=$peers/features/debug/clusterwright

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work XDG_CONFIG_HOME=$work
unset SOPS_AGE_KEY SOPS_AGE_KEY_CMD SOPS_AGE_KEY_FILE SOPS_AGE_RECIPIENTS SOPS_CONFIG \
    SOPS_AGE_SSH_PRIVATE_KEY_FILE SOPS_AGE_SSH_PRIVATE_KEY_CMD
printf 'kind: Secret\nstringData:\n  a: hello\n' >plain.yaml

# both RECIPIENT: encrypts with both programs, as ours.yaml and theirs.yaml.
both() {
    printf 'creation_rules:\n  - age: "%s"\n    encrypted_regex: ^stringData$\n' "$1" >.sops.yaml
    cp plain.yaml ours.yaml && cp plain.yaml theirs.yaml
    check "encrypt for ${1:0:12}" "$cw" secrets encrypt -i ours.yaml
    check "sops encrypts for ${1:0:12}" sops encrypt -i theirs.yaml
}
ours() { [ "$("$cw" secrets decrypt --extract stringData.a "$1")" = hello ]; }
theirs() { [ "$(sops decrypt --extract '["stringData"]["a"]' "$1")" = hello ]; }
explains() { "$cw" secrets explain ours.yaml | grep -qF "$1"; }

for kind in ed25519 rsa; do
    ssh-keygen -q -t $kind -N '' -f $kind
    both "$(cat $kind.pub)"
    for file in ours.yaml theirs.yaml; do
        SOPS_AGE_SSH_PRIVATE_KEY_FILE=$kind check "$kind: sops opens $file" theirs $file
        SOPS_AGE_SSH_PRIVATE_KEY_FILE=$kind check "$kind: we open $file" ours $file
        SOPS_AGE_SSH_PRIVATE_KEY_CMD="cat $kind" check "$kind: sops opens $file by a command" theirs $file
        SOPS_AGE_SSH_PRIVATE_KEY_CMD="cat $kind" check "$kind: we open $file by a command" ours $file
    done
    mkdir -p .ssh && cp $kind .ssh/id_$kind
    check "$kind: from the home" ours theirs.yaml
    rm -r .ssh
    SOPS_AGE_SSH_PRIVATE_KEY_CMD="false" check "$kind: a command that fails is told" explains 'ended with exit code 1'
done
ssh-keygen -q -t ed25519 -N passphrase -f locked
both "$(cat locked.pub)"
SOPS_AGE_SSH_PRIVATE_KEY_FILE=locked check "a key behind a passphrase says so" explains \
    'is protected by a passphrase, and there is no terminal to ask for it'

age-keygen -pq 2>/dev/null >key.txt
age-plugin-pq -identity key.txt >plugin.txt
both "$(sed -n 's/^# public key: //p' key.txt)"
for file in ours.yaml theirs.yaml; do
    SOPS_AGE_KEY_FILE=plugin.txt check "plugin: sops opens $file" theirs $file
    SOPS_AGE_KEY_FILE=plugin.txt check "plugin: we open $file" ours $file
done
SOPS_AGE_KEY_FILE=plugin.txt PATH=/usr/bin:/bin check "plugin: a missing program is named" explains \
    '`age-plugin-pq` is not in PATH'
finish
