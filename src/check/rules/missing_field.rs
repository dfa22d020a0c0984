//! Objects have every field that their kind needs.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "missing-field",
    level: Severity::Error,
    summary: "an object lacks a field that its kind must have",
    docs: include_str!("missing_field.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    findings.extend_from_slice(&manifests.kinds().missing_fields);
}
