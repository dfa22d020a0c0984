//! Every file of the apps is reached.

use std::collections::BTreeSet;

use super::missing_resource::lost;
use super::unlisted_namespace::unlisted;
use crate::check::manifests::{Manifests, join};
use crate::check::rule::{Finding, Rule};
use crate::check::walk;
use crate::diag::Severity;
use crate::tree::APPS_ROOT;
use crate::tree::RepoPath;

pub(super) static RULE: Rule = Rule {
    name: "unreferenced-file",
    level: Severity::Error,
    summary: "a file below kubernetes/apps is in no kustomization.yaml and never applied",
    docs: include_str!("unreferenced_file.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    if manifests
        .kustomize_documents(APPS_ROOT)
        .is_none_or(<[_]>::is_empty)
    {
        return;
    }
    let used = used(manifests);
    // Folders of which another finding already says that nothing in them is applied.
    let lost = manifests.kustomizations.iter().filter(|k| lost(manifests, k));
    let unlisted = unlisted(manifests);
    let known: Vec<&str> = lost
        .map(|kustomization| kustomization.object.path.parent())
        .chain(unlisted.iter().map(|path| path.parent()))
        .collect();
    for (path, documents) in manifests.files() {
        // A ks.yaml that nothing lists is the business of unreachable-kustomization.
        let flux = manifests.kustomizations.iter().any(|k| k.object.path == path);
        if !inside(path, APPS_ROOT)
            || flux
            || used.contains(path.as_str())
            || path.parent() == APPS_ROOT
            || known.iter().any(|folder| inside(path, folder))
        {
            continue;
        }
        let folder = nearest(manifests, path);
        let message = "this file is never applied: no kustomization.yaml leads to it";
        let help = match folder {
            Some(folder) if !path.is_kustomization() => {
                let entry = path.as_str().strip_prefix(folder).unwrap_or_default();
                let file = manifests.kustomize_file(folder);
                format!("add `.{entry}` to `resources` of `{file}`")
            }
            _ => format!(
                "add a Flux Kustomization with `path: ./{}`, or delete the file",
                path.parent()
            ),
        };
        let span = documents
            .first()
            .and_then(|node| node.path(&["metadata", "name"]).or_else(|| node.get("kind")));
        let mut finding = Finding::new(path, message, help);
        finding.span = span.map(|node| node.span.clone());
        findings.push(finding);
    }
}

/// All that Flux or kustomize reads: what Kustomizations reach, and every path that a kustomize file names, in
/// generators, patches and commented-out entries too.
fn used(manifests: &Manifests<'_>) -> BTreeSet<String> {
    let mut used = manifests.reached_from(APPS_ROOT);
    for kustomization in manifests.kustomizations.iter().filter(|k| !k.path.is_empty()) {
        let folder = &kustomization.path;
        if manifests.kustomize_documents(folder).is_none_or(<[_]>::is_empty) {
            let files = manifests.files().map(|(path, _)| path);
            used.extend(files.filter(|path| inside(path, folder)).map(ToString::to_string));
        }
        used.extend(manifests.reached_from(folder));
    }
    let files = manifests
        .files()
        .filter(|(path, _)| path.is_kustomization() && used.contains(path.as_str()));
    let mut named = Vec::new();
    for (path, documents) in files {
        let mut add = |text: &str| {
            let text = text.rsplit('=').next().unwrap_or_default();
            named.extend(join(path.parent(), text));
        };
        for document in documents {
            walk::scalars(document, &mut |scalar| add(scalar.as_str().unwrap_or_default()));
        }
        for line in manifests.text(path).lines() {
            let comment = line.trim_start().strip_prefix('#').map(str::trim_start);
            if let Some(entry) = comment.and_then(|comment| comment.strip_prefix("- ")) {
                add(entry.trim_matches(['"', '\'', ' ']));
            }
        }
    }
    used.extend(named);
    used
}

/// The nearest folder above a file, inside the apps, that has a kustomization.yaml besides it.
fn nearest<'p>(manifests: &Manifests<'_>, path: &'p RepoPath) -> Option<&'p str> {
    let mut folder = path.parent();
    // In the folder of a namespace only what lies right there belongs to its kustomization.yaml.
    while folder.len() > APPS_ROOT.len() && (folder == path.parent() || folder.matches('/').count() > 2) {
        let file = manifests.kustomize_file(folder);
        if file != path.as_str() && !manifests.documents(&file).is_empty() {
            return Some(folder);
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    None
}

fn inside(path: &RepoPath, folder: &str) -> bool {
    let rest = path.as_str().strip_prefix(folder);
    rest.is_some_and(|rest| rest.starts_with('/'))
}
