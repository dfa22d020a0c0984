//! Every namespace's folder is in the root that Flux applies.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::tree::APPS_ROOT;
use crate::tree::RepoPath;

pub(super) static RULE: Rule = Rule {
    name: "unlisted-namespace",
    level: Severity::Error,
    summary: "the folder of a namespace is not in the root kustomization.yaml",
    docs: include_str!("unlisted_namespace.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let root = manifests.kustomize_file(APPS_ROOT);
    for path in unlisted(manifests) {
        let Some(document) = manifests.documents(path.as_str()).first() else {
            continue;
        };
        let folder = path.parent();
        let namespace = folder.rsplit('/').next().unwrap_or_default();
        let message = format!("nothing in `{folder}` is applied: the root does not list it");
        let help = format!("add `./{namespace}` to `resources` of `{root}`");
        let place = document.get("namespace").or_else(|| document.get("kind"));
        let mut finding = Finding::new(path, message, help);
        finding.span = place.map(|node| node.span.clone());
        if let (Ok(root), Some((key, _))) = (
            RepoPath::parse(&root),
            manifests
                .documents(root.as_str())
                .first()
                .and_then(|root| root.entry("resources")),
        ) {
            finding
                .also
                .push((root, key.span.clone(), "missing here".to_owned()));
        }
        findings.push(finding);
    }
}

/// Returns the kustomization.yaml files of namespaces that the root does not reach; nothing without a root.
pub(super) fn unlisted<'a>(manifests: &Manifests<'a>) -> Vec<&'a RepoPath> {
    if manifests
        .kustomize_documents(APPS_ROOT)
        .is_none_or(<[_]>::is_empty)
    {
        return Vec::new();
    }
    let reached = manifests.reached_from(APPS_ROOT);
    manifests
        .files()
        .map(|(path, _)| path)
        .filter(|path| {
            path.is_kustomization()
                && path.parent().rsplit_once('/').map(|(parent, _)| parent) == Some(APPS_ROOT)
                && !reached.contains(path.as_str())
        })
        .collect()
}
