//! Storage classes are named under the key that the chart reads.

use crate::check::helm::{PROMETHEUS, VICTORIA_METRICS};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "misspelled-storage-class",
    level: Severity::Error,
    summary: "a storage class is named under a key that the chart does not read",
    docs: include_str!("misspelled_storage_class.md"),
    run,
};

/// What the class is called inside these keys.
const PARENTS: &[&str] = &["persistence", "storage", "spec"];

/// Chart, the spelling it reads, the one it ignores.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("loki", "storageClass", "storageClassName"),
    ("tempo", "storageClassName", "storageClass"),
    ("grafana", "storageClassName", "storageClass"),
    (VICTORIA_METRICS, "storageClassName", "storageClass"),
    (PROMETHEUS, "storageClassName", "storageClass"),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in &manifests.releases {
        let Some((_, right, wrong)) = SPELLINGS.iter().find(|(chart, ..)| *chart == release.chart) else {
            continue;
        };
        release.values.visit(&mut |path, key, _| {
            let parent = path.iter().rev().nth(1);
            if key.as_str() == Some(*wrong) && parent.is_some_and(|parent| PARENTS.contains(parent)) {
                let message = format!("the chart `{}` does not read `{}`", release.chart, path.join("."));
                let finding = Finding::new(release.object.path, message, format!("rename it to `{right}`"));
                findings.push(finding.at(key.span.clone(), "ignored"));
            }
        });
    }
}
