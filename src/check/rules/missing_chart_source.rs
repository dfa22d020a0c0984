//! The chart of a HelmRelease has a source.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::placed::Placed;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "missing-chart-source",
    level: Severity::Error,
    summary: "a HelmRelease takes its chart from a source that is not in its namespace",
    docs: include_str!("missing_chart_source.md"),
    run,
};

/// Where a HelmRelease names its source.
const PLACES: &[&[&str]] = &[&["spec", "chartRef"], &["spec", "chart", "spec", "sourceRef"]];
/// Kinds of sources that objects of the tree can be.
const KINDS: &[&str] = &[
    "OCIRepository",
    "HelmRepository",
    "HelmChart",
    "GitRepository",
    "Bucket",
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests.reached_of(&["HelmRelease"]) {
        for place in PLACES {
            let source = release.object.node.path(place);
            findings.extend(source.and_then(|source| check(manifests, release, source)));
        }
    }
}

fn check(manifests: &Manifests<'_>, release: &Placed<'_>, source: &Node) -> Option<Finding> {
    let kind = source.get("kind")?.as_str()?;
    let name = source.get("name")?;
    let wanted = name.as_str()?;
    let namespace = source.get("namespace").and_then(Node::as_str);
    let looked_up = namespace.unwrap_or(release.namespace);
    if !KINDS.contains(&kind) || (kind == "GitRepository" && wanted == "flux-system") {
        return None;
    }
    let homes: Vec<&str> = manifests
        .placed()
        .iter()
        .filter(|placed| placed.object.kind == kind && placed.object.name == wanted)
        .map(|placed| placed.namespace)
        .collect();
    if homes.contains(&looked_up) {
        return None;
    }
    let message = format!(
        "HelmRelease `{}` takes its chart from {kind} `{wanted}` in namespace `{looked_up}`, which does not exist",
        release.object.name
    );
    let help = match homes.first() {
        Some(home) if namespace.is_some() => {
            format!("set `namespace: {home}`, where {kind} `{wanted}` is")
        }
        Some(home) => format!("add `namespace: {home}`, where {kind} `{wanted}` is"),
        None => format!("render {kind} `{wanted}` in namespace `{looked_up}`"),
    };
    Some(Finding::new(release.object.path, message, help).at(name.span.clone(), ""))
}
