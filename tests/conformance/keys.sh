#!/usr/bin/env bash
# SSH keys and plugins, with the real `sops` and a real plugin: tests/conformance/keys.sh SET BINARY
#
# Needs a build with the cargo features `ssh` and `plugin`, which takes minutes: only in the full set.
set -euo pipefail
set_name=${1:?short or full}
. "$(dirname "$0")/tools.sh"

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
