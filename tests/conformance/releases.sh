#!/usr/bin/env bash
# Lets releases of `sops` since 3.7 read what we write, and reads what they write: tests/conformance/releases.sh SET BINARY
#
# Every release encrypts the inputs in crates/sops/tests/fixtures in every format and with every kind of selector it knows; we
# must open that, and it must open ours. Only in the full set, because building a release takes minutes.
#
# `tests/conformance/releases.sh fixtures` writes the files of releases in crates/sops/tests/fixtures/releases anew.
set -euo pipefail
set_name=${1:?short, full or fixtures}
. "$(dirname "$0")/tools.sh"

releases=(3.7.3 3.8.1 3.9.4 3.11.0 3.12.2 3.13.3)
newest=3.13.3
inputs=$root/crates/sops/tests/fixtures

if [ "$set_name" = short ]; then
    skip "releases of sops" "building them takes minutes; the full set does"
    finish
    exit
fi
have=()
for release in "${releases[@]}"; do
    if [ "$release" = $newest ]; then need_sops && have+=("$release"); else need_release "$release" && have+=("$release"); fi
done
(cd "$root" && cargo build --quiet --package clusterwright-tools --bin sops-driver)
driver=$(realpath "${CARGO_TARGET_DIR:-$root/target}")/debug/sops-driver

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work XDG_CONFIG_HOME=$work SOPS_AGE_KEY_FILE=$work/keys.txt
unset SOPS_AGE_KEY SOPS_AGE_KEY_CMD SOPS_AGE_RECIPIENTS SOPS_CONFIG
cat "$inputs/key.txt" "$inputs/releases/second-key.txt" >keys.txt
me=$(sed -n 's/^# public key: //p' "$inputs/key.txt")
second=$(sed -n 's/^# public key: //p' "$inputs/releases/second-key.txt")
# Nobody has its private half.
third=age1ndh5q7yr8d7rwa5p8fk2weg6gjx95ejve869ljguydcu289gsulsrekewa
cat >.sops.yaml <<YAML
creation_rules:
  - {path_regex: ^encrypted-suffix, age: $me, encrypted_suffix: Data}
  - {path_regex: ^encrypted-regex, age: $me, encrypted_regex: ^(data|stringData)$}
  - {path_regex: ^unencrypted-regex, age: $me, unencrypted_regex: ^metadata$}
  - {path_regex: ^mac-only, age: $me, encrypted_regex: ^(data|stringData)$, mac_only_encrypted: true}
  - {path_regex: ^numbers, age: $me, encrypted_regex: ^text$}
  - {path_regex: ^groups, shamir_threshold: 2, key_groups: [{age: [$me]}, {age: [$second]}, {age: [$third]}]}
  - {age: $me}
YAML
# Dates are text here: before 3.10, `sops` encrypts no file that holds a date.
for name in default encrypted-suffix encrypted-regex unencrypted-regex mac-only groups; do
    sed 's/2024-01-01/"2024-01-01"/' "$inputs/plain.yaml" >$name.yaml
done
for format in json env ini bin; do cp "$inputs/plain.$format" "sealed.$format"; done
cp "$inputs/releases/numbers.json" .
cp "$inputs/plain.yaml" encrypted-regex.dates.yaml

# files RELEASE: what it can write. `mac_only_encrypted` came with 3.9.
files() {
    case $1 in 3.7.* | 3.8.*) ;; *) echo mac-only.yaml ;; esac
    echo {default,encrypted-suffix,encrypted-regex,unencrypted-regex,groups}.yaml sealed.{json,env,ini,bin} numbers.json
}
# program RELEASE
program() { if [ "$1" = $newest ]; then echo sops; else echo "sops-$1"; fi; }

if [ "$set_name" = fixtures ]; then
    for release in "${have[@]}"; do
        mkdir -p "$inputs/releases/$release"
        case $release in
        3.1[23].*) made=numbers.json ;; # there are others of it
        *) made=$(files "$release") ;;
        esac
        for file in $made; do "$(program "$release")" --encrypt "$file" >"$inputs/releases/$release/$file"; done
    done
    exit
fi

# says SOPS FILE: the values, for comments and blank lines are where each release likes them. Below `stringData` we make
# text of everything.
says() { "$1" --decrypt "$2" | sed '/^ *[#;]/d; s/ #.*//; /^$/d; s/"//g; s/1\.50$/1.5/'; }

for release in "${have[@]}"; do
    sops=$(program "$release")
    for file in $(files "$release"); do
        name="$release: $file"
        check "$name: sops encrypts" into theirs."$file" "$sops" --encrypt "$file"
        check "$name: we decrypt" into mine "$driver" decrypt theirs."$file"
        check "$name: we encrypt" into ours."$file" "$driver" encrypt "$file"
        if [ "$file" = numbers.json ]; then
            case $release in
            3.13.*) differs "$release cannot read back the -0.0 that it writes" 51 "$sops" --decrypt theirs."$file" ;;
            *) differs "JSON numbers that $release reads as other numbers" 51 "$sops" --decrypt ours."$file" ;;
            esac
            continue
        fi
        check "$name: it opens our file" into ours.says says "$sops" ours."$file"
        check "$name: it opens its own" into theirs.says says "$sops" theirs."$file"
        check "$name: the same values" cmp -s ours.says theirs.says
        check "$name: we encrypt what we decrypted" into ours."$file" "$driver" encrypt_as "$file" mine
        check "$name: it opens that" into ours.says says "$sops" ours."$file"
        check "$name: the same values again" cmp -s ours.says theirs.says
    done
    case $release in 3.7.* | 3.8.*)
        "$driver" encrypt mac-only.yaml >ours.mac-only.yaml
        differs "mac_only_encrypted came with 3.9, says $release" 51 "$sops" --decrypt ours.mac-only.yaml
        ;;
    esac
    case $release in 3.[789].*)
        "$driver" encrypt encrypted-regex.dates.yaml >ours.dates.yaml
        differs "plain dates came with 3.10, says $release" 25 "$sops" --decrypt ours.dates.yaml
        ;;
    esac
done
finish
