//! Hubble counts HTTP requests once.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "doubled-hubble-metric",
    level: Severity::Error,
    summary: "Hubble has both the http and the httpV2 metric",
    docs: include_str!("doubled_hubble_metric.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests
        .releases()
        .iter()
        .filter(|release| release.chart == "cilium")
    {
        let metrics = release.value(&["hubble", "metrics", "enabled"]);
        let metrics = metrics.map(Node::items).unwrap_or_default();
        let find = |name: &str| {
            metrics.iter().find(|metric| {
                let text = metric.as_str().unwrap_or_default();
                text.split([':', ';']).next() == Some(name)
            })
        };
        if let (Some(old), Some(new)) = (find("http"), find("httpV2")) {
            let message = "Hubble counts every HTTP request twice, as `http` and as `httpV2`";
            let path = release.object.path;
            let mut finding = Finding::new(path, message, "remove this entry: `httpV2` takes its place")
                .at(old.span.clone(), "remove this");
            let label = "with exemplars and labels".to_owned();
            finding.also.push((path.clone(), new.span.clone(), label));
            findings.push(finding);
        }
    }
}
