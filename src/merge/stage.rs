//! The merge of a whole tree.

use std::collections::BTreeMap;

use super::{Bases, KeptVersion, Resolutions, three_way, version};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::{Choices, Existing};
use crate::lock::{Lock, Sha256, lf};
use crate::render::Rendered;
use crate::tree::{Artifact, Edits, Tree};
use crate::vcs::Repository;
use crate::yaml;

/// Merges what is on the disk into the tree. SOPS files are left to `seal`; their bases are looked for here as well.
///
/// # Errors
/// When git cannot be read, or an edited file is not YAML any more.
pub fn merge(
    tree: Tree<Rendered>,
    existing: &Existing,
    lock: &Lock,
    (bases, git): (&mut Bases, Option<&Repository>),
    choices: &Choices,
    diags: &mut Diagnostics,
) -> Result<(Tree<Rendered>, Vec<KeptVersion>), Aborted> {
    let (mut artifacts, mut rendered) = tree.into_parts();
    let mut edited = BTreeMap::new();
    let mut wanted = BTreeMap::new();
    for (path, artifact) in &artifacts {
        let Some(on_disk) = existing.bytes(path) else {
            continue;
        };
        if choices.overwrite.contains(path) || choices.keep.contains(path) {
            continue;
        }
        let entry = lock.entries.get(path).map(|entry| entry.hash);
        if entry == Some(Sha256::of_text(on_disk)) {
            continue;
        }
        let Ok(on_disk) = String::from_utf8(lf(on_disk).into_owned()) else {
            continue;
        };
        if on_disk == artifact.text {
            continue;
        }
        if let Some(hash) = entry.filter(|hash| *hash != Sha256::of_text(artifact.text.as_bytes())) {
            wanted.insert(path.clone(), hash);
        }
        if !path.is_sops() {
            edited.insert(path.clone(), (on_disk, entry));
        }
    }
    bases.find(&wanted, git).map_err(|finding| diags.abort(finding))?;
    let mut kept = Vec::new();
    let none = Resolutions::new();
    for (path, (yours, entry)) in edited {
        let Some(artifact) = artifacts.get_mut(&path) else {
            continue;
        };
        let resolutions = choices.resolutions.get(&path).unwrap_or(&none);
        artifact.edits = edits(artifact, &yours, entry, bases, resolutions);
        if !matches!(artifact.edits, Edits::Merged { .. }) || !path.is_yaml() {
            continue;
        }
        match yaml::parse(&artifact.text) {
            Ok(documents) => {
                let before = rendered.documents.insert(path.clone(), documents);
                let after = rendered
                    .documents
                    .get(&path)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                kept.extend(version::kept(&path, before.as_deref().unwrap_or_default(), after));
            }
            Err(error) => {
                let id = diags.sources.add(path.as_str(), artifact.text.clone());
                let message = format!("`{path}` was edited and is not YAML any more: {}", error.message);
                diags.push(
                    Diagnostic::error("merge/not-yaml", message)
                        .at(id.span(error.span), "")
                        .help(format!("mend it, or take the render with `--overwrite {path}`")),
                );
            }
        }
    }
    diags.checkpoint()?;
    Ok((Tree::new(artifacts, rendered), kept))
}

/// Decides about one edited file, and puts the result into the artifact's text.
fn edits(
    artifact: &mut Artifact,
    yours: &str,
    entry: Option<Sha256>,
    bases: &Bases,
    resolutions: &Resolutions,
) -> Edits {
    let is_yaml = artifact.path.is_yaml();
    let render = artifact.text.clone();
    let Some(hash) = entry else {
        // Not ours yet: only versions are taken over, so that Renovate's work counts when a tree is adopted.
        return match version::keep_newer(&render, yours).filter(|_| is_yaml) {
            Some(text) => {
                artifact.text = text;
                Edits::Merged { render }
            }
            None => Edits::None,
        };
    };
    if hash == Sha256::of_text(render.as_bytes()) {
        yours.clone_into(&mut artifact.text);
        return Edits::Merged { render };
    }
    let Some(base) = bases.get(&artifact.path, hash) else {
        // Without a base, versions alone may be the difference.
        return match version::keep_newer(&render, yours).filter(|text| is_yaml && text == yours) {
            Some(text) => {
                artifact.text = text;
                Edits::Merged { render }
            }
            None => Edits::None,
        };
    };
    match three_way(is_yaml, [base, yours, &render], resolutions) {
        Ok(text) => {
            artifact.text = text;
            Edits::Merged { render }
        }
        Err(conflicts) => Edits::Conflicts(conflicts),
    }
}
