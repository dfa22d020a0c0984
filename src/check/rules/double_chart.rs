//! A HelmRelease names its chart once.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "double-chart",
    level: Severity::Error,
    summary: "a HelmRelease has chartRef and a chart or version of its own",
    docs: include_str!("double_chart.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests.objects.iter().filter(|o| o.kind == "HelmRelease") {
        let Some(reference) = release.node.path(&["spec", "chartRef"]) else {
            continue;
        };
        let source = reference.get("name").and_then(Node::as_str).unwrap_or_default();
        let spec = release.node.get("spec");
        if let Some((key, _)) = spec.and_then(|spec| spec.entry("chart")) {
            let message = format!("HelmRelease `{}` has both `chart` and `chartRef`", release.name);
            let help = format!("remove `chart`: the version is the tag of `{source}`");
            let other = spec.and_then(|spec| spec.entry("chartRef"));
            let mut finding = Finding::new(release.path, message, help).at(key.span.clone(), "remove this");
            finding.also.extend(other.map(|(key, _)| {
                (
                    release.path.clone(),
                    key.span.clone(),
                    "names the chart".to_owned(),
                )
            }));
            findings.push(finding);
        }
        if let Some((key, _)) = reference.entry("version") {
            let message = format!("`chartRef` of HelmRelease `{}` has a `version`", release.name);
            let help = format!("remove it: the version is the tag of `{source}`");
            findings.push(Finding::new(release.path, message, help).at(key.span.clone(), "no such field"));
        }
    }
}
