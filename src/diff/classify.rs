//! The state of each path, and what follows from it.

use std::collections::BTreeSet;

use super::{Change, ChangeKind, ChangeSet, choices, findings};
use crate::diag::Diagnostic;
use crate::seal::Sealed;
use crate::tree::{Artifact, Origin, RepoPath, Text, Tree};
use crate::world::belief::{doubt, never_ours};
use crate::world::choices::Choice;
use crate::world::lock::{Lock, LockEntry, Sha256, same_text};
use crate::world::{Choices, Existing, OnDisk};

impl ChangeSet {
    /// Compares the sealed tree with the disk and the lock. Conflicts are part of the result; see
    /// [`findings::report`].
    ///
    /// # Errors
    /// For paths that cannot be written at all (a symbolic link, a directory in the way, an unreadable file, a path
    /// that is never ours) and for choices that match no conflict. All of them are reported.
    pub fn compute(
        tree: &Tree<Sealed>,
        existing: &Existing,
        lock: &Lock,
        choices: &Choices,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut errors = blocked_by_own_file(tree);
        let mut changes = Vec::with_capacity(tree.len());
        let mut doubts = Vec::new();
        let mut after = Lock::default();
        for artifact in tree.iter() {
            if let Some(reason) = never_ours(&artifact.path) {
                errors.push(findings::never_ours(&artifact.path, reason));
                continue;
            }
            let entry = lock.entries.get(&artifact.path);
            match rendered(artifact, existing.get(&artifact.path), entry, choices) {
                Ok((change, entry)) => {
                    after
                        .entries
                        .extend(entry.map(|entry| (artifact.path.clone(), entry)));
                    changes.push(change);
                }
                Err(error) => errors.push(error),
            }
        }
        let moved: BTreeSet<&RepoPath> = tree
            .iter()
            .filter_map(|artifact| match &artifact.content {
                Text::Edited { moved_from, .. } => moved_from.as_ref(),
                Text::Rendered(_) | Text::Contradicted { .. } => None,
            })
            .collect();
        for (path, entry) in &lock.entries {
            if tree.get(path).is_some() {
                continue;
            }
            doubts.extend(doubt(path, entry).map(|why| (path.clone(), why)));
            match stale(path, entry, moved.contains(path), existing.get(path), choices) {
                Ok(change) => {
                    if change.kind == ChangeKind::EditedDelete {
                        after.entries.insert(path.clone(), entry.clone());
                    }
                    changes.push(change);
                }
                Err(error) => errors.push(error),
            }
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        errors.extend(choices::check(choices, &changes));
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            changes,
            before: lock.clone(),
            after,
            doubts,
            bases: Vec::new(),
        })
    }
}

/// Reports rendered files that stand where another rendered file needs a directory.
fn blocked_by_own_file(tree: &Tree<Sealed>) -> Vec<Diagnostic> {
    let dirs: BTreeSet<&str> = tree
        .iter()
        .flat_map(|artifact| parents(artifact.path.as_str()))
        .collect();
    tree.iter()
        .filter(|artifact| dirs.contains(artifact.path.as_str()))
        .map(|artifact| findings::file_and_directory(&artifact.path))
        .collect()
}

fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(i, _)| &path[..i])
}

/// Settles a path that is rendered: the change, and the path's new entry in the lock.
fn rendered(
    artifact: &Artifact,
    on_disk: &OnDisk,
    entry: Option<&LockEntry>,
    choices: &Choices,
) -> Result<(Change, Option<LockEntry>), Diagnostic> {
    let text = artifact.text().as_bytes();
    let render = Sha256::of_text(artifact.render().as_bytes());
    let merged = artifact.is_edited();
    let ours = LockEntry {
        hash: render,
        origin: artifact.origin.app.clone(),
        fingerprint: artifact.origin.fingerprint.clone(),
    };
    let mut change = Change {
        path: artifact.path.clone(),
        kind: ChangeKind::Create,
        origin: artifact.origin.clone(),
        choice: None,
        replaces: None,
        conflicts: Vec::new(),
    };
    let bytes = match on_disk {
        OnDisk::File { bytes, .. } => bytes,
        OnDisk::Absent => {
            if entry.is_some() {
                change.kind = ChangeKind::Recreate;
            }
            return Ok((change, Some(ours)));
        }
        other => return Err(findings::in_the_way(&artifact.path, other)),
    };
    if same_text(bytes, text) {
        change.kind = match entry {
            None => ChangeKind::Adopt,
            Some(_) if merged => ChangeKind::Kept,
            Some(_) => ChangeKind::Unchanged,
        };
        return Ok((change, Some(ours)));
    }
    let state = match entry {
        None => ChangeKind::ForeignDiffers,
        Some(entry) if entry.hash == Sha256::of_text(bytes) => ChangeKind::Update,
        Some(_) if merged => ChangeKind::Merge,
        Some(entry) if entry.hash == render => ChangeKind::Kept,
        Some(_) => ChangeKind::EditedUpdate,
    };
    (change.kind, change.choice) = match (state, choices.of(&artifact.path)) {
        (ChangeKind::Update | ChangeKind::Merge, _) | (ChangeKind::Kept, Some(Choice::Keep)) | (_, None) => {
            (state, None)
        }
        (_, Some(Choice::Overwrite)) => (ChangeKind::Update, Some(Choice::Overwrite)),
        (_, Some(Choice::Keep)) => (ChangeKind::Kept, Some(Choice::Keep)),
    };
    if let (ChangeKind::EditedUpdate, Text::Contradicted { conflicts, .. }) = (change.kind, &artifact.content)
    {
        change.conflicts.clone_from(conflicts);
    }
    if matches!(change.kind, ChangeKind::Update | ChangeKind::Merge) {
        change.replaces = Some(Sha256::of(bytes));
    }
    let entry = if change.kind.is_conflict() {
        entry.cloned()
    } else {
        Some(ours)
    };
    Ok((change, entry))
}

/// Settles a path that the lock lists and that is no longer rendered. A line that is not believed is only forgotten.
fn stale(
    path: &RepoPath,
    entry: &LockEntry,
    moved: bool,
    on_disk: &OnDisk,
    choices: &Choices,
) -> Result<Change, Diagnostic> {
    let origin = Origin {
        app: entry.origin.clone(),
        template: None,
        reason: Vec::new(),
        fingerprint: None,
    };
    let mut change = Change {
        path: path.clone(),
        kind: ChangeKind::Forget,
        origin,
        choice: None,
        replaces: None,
        conflicts: Vec::new(),
    };
    if doubt(path, entry).is_some() {
        return Ok(change);
    }
    match on_disk {
        // What took the file's place is not ours; the file itself is gone.
        OnDisk::Absent | OnDisk::Directory | OnDisk::BelowFile { .. } => {}
        OnDisk::File { bytes, .. } => {
            let edited = Sha256::of_text(bytes) != entry.hash;
            (change.kind, change.choice) = match choices.of(path) {
                // Edits that went along to the new place are not lost.
                _ if !edited || moved => (ChangeKind::Delete, None),
                None => (ChangeKind::EditedDelete, None),
                Some(Choice::Overwrite) => (ChangeKind::Delete, Some(Choice::Overwrite)),
                Some(Choice::Keep) => (ChangeKind::Forget, Some(Choice::Keep)),
            };
            if change.kind == ChangeKind::Delete {
                change.replaces = Some(Sha256::of(bytes));
            }
        }
        OnDisk::Symlink { .. } | OnDisk::TooMuch | OnDisk::Unreadable { .. } => {
            return Err(findings::in_the_way(path, on_disk));
        }
    }
    Ok(change)
}
