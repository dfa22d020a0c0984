//! The source of a Kustomization exists.

use yaml::Node;

use crate::check::manifests::{FluxKustomization, Manifests};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "missing-source",
    level: Severity::Error,
    summary: "a Flux Kustomization takes its files from a source that does not exist",
    docs: include_str!("missing_source.md"),
    run,
};

/// Name and namespace of the source that flux-instance creates for this repository.
const OWN: &str = "flux-system";
/// Kinds of sources that objects of the tree can be.
const KINDS: &[&str] = &["GitRepository", "OCIRepository", "Bucket"];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let releases = manifests.releases();
    let own_kind = releases
        .iter()
        .find(|release| release.chart == "flux-instance")
        .and_then(|release| release.value(&["instance", "sync", "kind"])?.as_str())
        .unwrap_or("GitRepository");
    for kustomization in &manifests.kustomizations {
        findings.extend(check(manifests, kustomization, own_kind));
    }
}

fn check(manifests: &Manifests<'_>, from: &FluxKustomization<'_>, own_kind: &str) -> Option<Finding> {
    let source = from.object.node.path(&["spec", "sourceRef"])?;
    let kind = source.get("kind")?.as_str()?;
    let name = source.get("name")?;
    let wanted = name.as_str()?;
    if !KINDS.contains(&kind) {
        return None;
    }
    let namespace = source.get("namespace").and_then(Node::as_str);
    let looked_up = namespace.unwrap_or(from.namespace);
    if kind == own_kind && wanted == OWN && looked_up == OWN {
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
        "`{}` takes its files from {kind} `{wanted}` in namespace `{looked_up}`, which does not exist",
        from.object.name
    );
    let help = match homes.first() {
        Some(home) => format!("set `namespace: {home}` in `sourceRef`"),
        None if wanted == OWN && kind == own_kind => format!("set `namespace: {OWN}` in `sourceRef`"),
        None => format!(
            "write `sourceRef: {{kind: {own_kind}, name: {OWN}, namespace: {OWN}}}`, the source that flux-instance \
             creates for this repository"
        ),
    };
    Some(Finding::new(from.object.path, message, help).at(name.span.clone(), ""))
}
