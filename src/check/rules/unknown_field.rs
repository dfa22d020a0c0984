//! Objects have only fields that their kind has.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unknown-field",
    level: Severity::Error,
    summary: "an object has a field that its kind does not have",
    docs: include_str!("unknown_field.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    findings.extend_from_slice(&manifests.kinds().unknown_fields);
}
