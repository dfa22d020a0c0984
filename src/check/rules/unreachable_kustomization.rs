//! Every `ks.yaml` is reached from the root that Flux applies.

use super::unlisted_namespace::unlisted;
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::tree::APPS_ROOT;

pub(super) static RULE: Rule = Rule {
    name: "unreachable-kustomization",
    level: Severity::Error,
    summary: "a Flux Kustomization is in no kustomization.yaml that the root includes",
    docs: include_str!("unreachable_kustomization.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let mut reached = manifests.reached_from(APPS_ROOT);
    // One finding for a namespace that the root forgot, not one for each app in it.
    for namespace in unlisted(manifests) {
        reached.extend(manifests.reached_from(namespace.parent()));
    }
    let prefix = format!("{APPS_ROOT}/");
    for kustomization in &manifests.kustomizations {
        let path = kustomization.object.path;
        if !path.as_str().starts_with(&prefix) || reached.contains(path.as_str()) {
            continue;
        }
        let message = format!("Kustomization `{}` is never applied", kustomization.object.name);
        let folder = path
            .parent()
            .rsplit_once('/')
            .map_or(APPS_ROOT, |(parent, _)| parent);
        let entry = path.as_str().strip_prefix(folder).unwrap_or_default();
        let file = manifests.kustomize_file(folder);
        let help = format!("add `.{entry}` to `resources` of `{file}`");
        let span = kustomization
            .object
            .node
            .path(&["metadata", "name"])
            .map(|node| node.span.clone());
        let mut finding = Finding::new(path, message, help);
        finding.span = span;
        findings.push(finding);
    }
}
