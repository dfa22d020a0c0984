#!/usr/bin/env bash
# Begins a rule, `new.sh stale-annotation`: its file, its page, a fixture of each kind, its place in the lists.
set -euo pipefail
cd "$(dirname "$0")/../../.."
rules=src/check/rules
name=${1-}
[[ $name =~ ^[a-z][a-z0-9]*(-[a-z0-9]+)*$ ]] || { echo "a rule's name is words of a-z and 0-9, joined by dashes" >&2; exit 1; }
file=${name//-/_}
[ ! -e "$rules/$file.rs" ] || { echo "there is a rule $name already" >&2; exit 1; }

cat >"$rules/$file.rs" <<END
//! What must be so.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "$name",
    level: Severity::Error,
    summary: "what is wrong, in a line",
    docs: include_str!("$file.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for object in manifests.objects.iter().filter(|object| object.kind == "Example") {
        let message = format!("\`{}\` is wrong", object.name);
        let finding = Finding::new(object.path, message, "the edit that mends it");
        findings.push(finding.at(object.node.span.clone(), "here"));
    }
}
END
cat >"$rules/$file.md" <<END
# $name

## What it does

What it finds, and where it looks.

## Why it matters

What happens in the cluster if nobody mends it.

## Example

\`\`\`yaml
kind: Example
\`\`\`

## How to fix

The edit.

## Exceptions

None.
END
for fixture in fail:Example pass:Other; do
    dir=tests/rules/$name/${fixture%:*}
    mkdir -p "$dir"
    cat >"$dir/first.yaml" <<END
#==> kubernetes/apps/default/echo/app/example.yaml
apiVersion: example.com/v1
kind: ${fixture#*:}
metadata:
  name: echo
END
done

export LC_ALL=C
list=$rules/mod.rs
{
    sed '/^mod /,$d' "$list"
    { grep '^mod ' "$list"; echo "mod $file;"; } | sort
    echo
    sed -n '/^use /,/^pub const ALL/p' "$list"
    { grep '^    &' "$list"; echo "    &$file::RULE,"; } | sort
    echo '];'
} >"$list.new"
mv "$list.new" "$list"
echo "Now make it true: $rules/$file.rs, $rules/$file.md, tests/rules/$name/. Then INSTA_UPDATE=always cargo test --test integration -- rules meta."
