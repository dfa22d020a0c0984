//! The merge of a whole tree.

use std::collections::{BTreeMap, BTreeSet};

use super::version::Overtaken;
use super::{KeptVersion, charts, three_way, version};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::render::Rendered;
use crate::source::SourceId;
use crate::tree::{Artifact, RAW_ORIGIN, RepoPath, Text, Tree};
use crate::vcs::Git;
use crate::world::belief::doubt;
use crate::world::lock::{Lock, Sha256, git_marker, lf};
use crate::world::secrecy::{display, is_masked};
use crate::world::{Bases, Choices, Existing, Resolutions, Side};

/// What a merge goes by, beside the tree.
#[derive(Clone, Copy)]
pub struct MergeInput<'a> {
    /// What is on the disk.
    pub existing: &'a Existing,
    /// What was written last.
    pub lock: &'a Lock,
    /// Where bases that are not kept may be.
    pub git: Option<&'a Git>,
    /// What a person chose.
    pub choices: &'a Choices,
    /// The apps whose chart version `cluster.yaml` chooses: there, the choice wins over the tree.
    pub pinned: &'a BTreeSet<String>,
}

/// Merges what is on the disk into the tree. SOPS files are left to `seal`; their bases are looked for here as well.
///
/// # Errors
/// When git cannot be read, or an edited file is not YAML any more.
pub fn merge(
    mut tree: Tree<Rendered>,
    by: MergeInput<'_>,
    bases: &mut Bases,
    diags: &mut Diagnostics,
) -> Result<(Tree<Rendered>, Vec<KeptVersion>), Aborted> {
    let MergeInput {
        existing,
        lock,
        git,
        choices,
        pinned,
    } = by;
    let mut edited = BTreeMap::new();
    let mut wanted = BTreeMap::new();
    for artifact in tree.iter() {
        let path = &artifact.path;
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
        if on_disk == artifact.text() {
            continue;
        }
        if let Some(hash) = entry.filter(|hash| *hash != Sha256::of_text(artifact.text().as_bytes())) {
            wanted.insert(path.clone(), hash);
        }
        if !path.is_sops() {
            edited.insert(path.clone(), (on_disk, entry));
        }
    }
    let moves = moves(&tree, existing, lock, choices);
    wanted.extend(moves.iter().map(|(from, (_, hash))| (from.clone(), *hash)));
    wanted.extend(stale(&tree, existing, lock));
    bases.find(&wanted, git).map_err(|finding| diags.abort(finding))?;
    for (from, (to, hash)) in moves {
        let followed = tree
            .get(&to)
            .map(|artifact| follow(artifact, &from, hash, existing, bases));
        let Some(content) = followed.flatten() else {
            continue;
        };
        if let Ok(documents) = yaml::parse(content.as_str()) {
            tree.stage_mut().put(to.clone(), documents);
        }
        tree.put(&to, content);
    }
    let mut kept = Vec::new();
    let none = Resolutions::new();
    for (path, (yours, entry)) in edited {
        let Some(artifact) = tree.get(&path) else {
            continue;
        };
        let mut resolutions = choices.resolutions.get(&path).unwrap_or(&none).clone();
        if pinned.contains(&artifact.origin.app) {
            for place in charts::places() {
                resolutions.entry(place.to_owned()).or_insert(Side::Render);
            }
        }
        let is_raw = artifact.origin.app == RAW_ORIGIN;
        let content = settled(artifact, &yours, entry, bases, &resolutions);
        if let Some(base) = entry
            .and_then(|hash| bases.get(&path, hash))
            .filter(|_| path.is_yaml())
        {
            let overtaken = version::overtaken([base, &yours, content.as_str()]);
            overtaken
                .iter()
                .for_each(|version| diags.push(told(&path, version)));
        }
        tree.put(&path, content.clone());
        let Text::Edited { text, .. } = content else {
            continue;
        };
        if !path.is_yaml() {
            continue;
        }
        match yaml::parse(&text) {
            Ok(after) => {
                let before = tree.stage().documents().get(&path);
                let before = before.map(|nodes| nodes.as_slice()).unwrap_or_default();
                kept.extend(version::kept(&path, before, &after));
                tree.stage_mut().put(path, after);
            }
            Err(error) => {
                let shown = display(path.as_str(), &text);
                let id = diags.sources.add(path.as_str(), shown);
                diags.push(not_yaml(&path, &text, &error, id, is_raw));
            }
        }
    }
    diags.checkpoint()?;
    Ok((tree, kept))
}

/// What an edit made of a file that was YAML.
fn not_yaml(path: &RepoPath, text: &str, error: &yaml::ParseError, id: SourceId, is_raw: bool) -> Diagnostic {
    let raw = if is_raw { " --raw" } else { "" };
    let take = format!("take the render with `clusterwright configure{raw} --overwrite {path}`");
    let code = "merge/not-yaml";
    if let Some(mark) = git_marker(text) {
        let message = format!("`{path}` holds the marks of a merge that was not finished");
        return Diagnostic::error(code, message)
            .at(id.span(mark), "git's mark")
            .help(format!("settle the merge and take its marks out, or {take}"));
    }
    let message = format!("`{path}` was edited and is not YAML any more: {}", error.message);
    Diagnostic::error(code, message)
        .at(id.span(error.span.clone()), "")
        .help(format!("mend it, or {take}"))
}

/// Files that somebody edited and that are no longer rendered, with the hash of their base: `diff` tells raised versions
/// from other edits.
fn stale<'a>(
    tree: &'a Tree<Rendered>,
    existing: &'a Existing,
    lock: &'a Lock,
) -> impl Iterator<Item = (RepoPath, Sha256)> + 'a {
    let entries = lock.entries.iter();
    let stale = entries.filter(move |(path, entry)| {
        let edited = |bytes| Sha256::of_text(bytes) != entry.hash;
        path.is_yaml()
            && !path.is_sops()
            && tree.get(path).is_none()
            && existing.bytes(path).is_some_and(edited)
    });
    stale.map(|(path, entry)| (path.clone(), entry.hash))
}

/// Files that a person edited and that are rendered elsewhere now: from, with the hash of the base, to. Told by app and
/// file name, where both leave no doubt.
fn moves(
    tree: &Tree<Rendered>,
    existing: &Existing,
    lock: &Lock,
    choices: &Choices,
) -> BTreeMap<RepoPath, (RepoPath, Sha256)> {
    let mut found: BTreeMap<RepoPath, (RepoPath, Sha256)> = BTreeMap::new();
    for (path, entry) in &lock.entries {
        let chosen = choices.overwrite.contains(path) || choices.keep.contains(path);
        let edited = |bytes| Sha256::of_text(bytes) != entry.hash;
        if chosen
            || doubt(path, entry).is_some()
            || path.is_sops()
            || tree.get(path).is_some()
            || !existing.bytes(path).is_some_and(edited)
        {
            continue;
        }
        let fits = |artifact: &&Artifact| {
            artifact.origin.app == entry.origin
                && artifact.path.file_name() == path.file_name()
                && existing.bytes(&artifact.path).is_none()
                && !lock.entries.contains_key(&artifact.path)
        };
        let mut fitting = tree.iter().filter(fits);
        if let (Some(to), None) = (fitting.next(), fitting.next()) {
            found.insert(path.clone(), (to.path.clone(), entry.hash));
        }
    }
    let mut times: BTreeMap<RepoPath, usize> = BTreeMap::new();
    for (to, _) in found.values() {
        *times.entry(to.clone()).or_default() += 1;
    }
    found.retain(|_, (to, _)| times.get(to) == Some(&1));
    found
}

/// Merges the edits of the file at `from` into its new place, if that goes without contradiction.
fn follow(
    artifact: &Artifact,
    from: &RepoPath,
    hash: Sha256,
    existing: &Existing,
    bases: &Bases,
) -> Option<Text> {
    let yours = existing
        .bytes(from)
        .and_then(|bytes| String::from_utf8(lf(bytes).into_owned()).ok())?;
    let sides = [bases.get(from, hash)?, &yours, artifact.text()];
    let text = three_way(artifact.path.is_yaml(), sides, &Resolutions::new()).ok()?;
    Some(Text::Edited {
        text,
        render: artifact.text().to_owned(),
        moved_from: Some(from.clone()),
    })
}

fn told(path: &RepoPath, version: &Overtaken) -> Diagnostic {
    let Overtaken { place, yours, now } = version;
    let message = format!("`{place}` goes from `{yours}`, which your tree had, to `{now}`, which is newer");
    Diagnostic::note_level("version/overtaken", message).in_file(path.as_str())
}

/// Decides what stands in one edited file.
fn settled(
    artifact: &Artifact,
    yours: &str,
    entry: Option<Sha256>,
    bases: &Bases,
    resolutions: &Resolutions,
) -> Text {
    let is_yaml = artifact.path.is_yaml();
    let render = artifact.text().to_owned();
    let edited = |text: String, render: String| Text::Edited {
        text,
        render,
        moved_from: None,
    };
    let Some(hash) = entry else {
        // Not ours yet: only versions are taken over, so that Renovate's work counts when a tree is adopted.
        return match version::keep_newer(&render, yours).filter(|_| is_yaml) {
            Some(text) => edited(text, render),
            None => Text::Rendered(render),
        };
    };
    if hash == Sha256::of_text(render.as_bytes()) {
        return edited(yours.to_owned(), render);
    }
    let Some(base) = bases.get(&artifact.path, hash) else {
        // Without a base, versions alone may be the difference.
        return match version::keep_newer(&render, yours).filter(|text| is_yaml && text == yours) {
            Some(text) => edited(text, render),
            None => Text::Rendered(render),
        };
    };
    match three_way(is_yaml, [base, yours, &render], resolutions) {
        Ok(text) => edited(text, render),
        Err(conflicts) => {
            // A person may have put anything into the file, a Secret as well.
            let is_secret = is_masked(artifact.path.as_str(), yours);
            let conflicts = conflicts.into_iter();
            let conflicts = conflicts.map(|one| if is_secret { one.hide() } else { one });
            Text::Contradicted {
                conflicts: conflicts.collect(),
                render,
            }
        }
    }
}
