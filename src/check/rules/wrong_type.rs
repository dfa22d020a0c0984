//! Fields hold what their kind takes.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "wrong-type",
    level: Severity::Error,
    summary: "a field holds a value that its kind does not take there",
    docs: include_str!("wrong_type.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    findings.extend_from_slice(&manifests.kinds().wrong_types);
}
