//! What a kustomize file lists exists.

use yaml::Node;

use crate::check::manifests::{FluxKustomization, Manifests, join};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::tree::{KUSTOMIZATIONS, RepoPath};

pub(super) static RULE: Rule = Rule {
    name: "missing-resource",
    level: Severity::Error,
    summary: "a kustomization.yaml lists, or a Flux Kustomization applies, what does not exist",
    docs: include_str!("missing_resource.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let files = manifests.files().filter(|(path, _)| path.is_kustomization());
    for (path, documents) in files {
        for key in ["resources", "components"] {
            let lists = documents.iter().filter_map(|document| document.get(key));
            for entry in lists.flat_map(Node::items) {
                findings.extend(listed(manifests, path, entry));
            }
        }
    }
    for kustomization in &manifests.kustomizations {
        let object = &kustomization.object;
        if lost(manifests, kustomization) {
            let message = format!("`{}` applies a folder that does not exist", object.name);
            let help = format!("set `path` to a folder below `./{}`", object.path.parent());
            let span = object.node.path(&["spec", "path"]).map(|node| node.span.clone());
            findings.push(
                Finding::new(object.path, message, help).at(span.unwrap_or_default(), "no such folder"),
            );
        }
    }
}

/// Returns whether an app has files, but not where its Kustomization looks for them.
pub(super) fn lost(manifests: &Manifests<'_>, kustomization: &FluxKustomization<'_>) -> bool {
    let path = kustomization.object.path;
    !kustomization.path.is_empty()
        && holds(manifests, path.parent(), path)
        && !holds(manifests, &kustomization.path, path)
}

fn listed(manifests: &Manifests<'_>, path: &RepoPath, entry: &Node) -> Option<Finding> {
    let text = entry.as_str()?;
    let target = join(path.parent(), text)?;
    if manifests.exists(&target) || manifests.exists(&manifests.kustomize_file(&target)) {
        return None;
    }
    // Remote sources without a scheme: github.com/owner/name//folder?ref=v1.
    if text.contains("//") || text.contains('?') {
        return None;
    }
    let (message, label) = if holds(manifests, &target, path) {
        (
            format!("`{text}` has no {}", KUSTOMIZATIONS[0]),
            "kustomize refuses such a folder",
        )
    } else {
        (format!("`{text}` does not exist"), "no such file")
    };
    let help = format!("remove this entry of `{path}`, or add `{target}`");
    Some(Finding::new(path, message, help).at(entry.span.clone(), label))
}

/// Returns whether a folder has files other than one.
fn holds(manifests: &Manifests<'_>, folder: &str, but: &RepoPath) -> bool {
    let mut files = manifests.files().filter(|(path, _)| *path != but);
    files.any(|(path, _)| {
        let rest = path.as_str().strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    })
}
