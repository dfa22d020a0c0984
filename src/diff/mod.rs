//! What a write would change, and what it must not change.
//!
//! Compares the sealed tree with [`Existing`](crate::world::Existing) and the [`Lock`]. Pure; `write` carries the [`ChangeSet`] out.
//!
//! | on disk | rendered | no longer rendered |
//! | --- | --- | --- |
//! | absent | [`Create`], in the lock: [`Recreate`] | [`Forget`] |
//! | equal to the render | [`Unchanged`], not in the lock: [`Adopt`] | |
//! | ours | [`Update`] | [`Delete`] |
//! | ours, edited | [`Kept`] or [`Merge`], with contradictions [`EditedUpdate`] | [`EditedDelete`] |
//! | foreign | [`ForeignDiffers`] | not looked at |
//!
//! [`Create`]: ChangeKind::Create
//! [`Recreate`]: ChangeKind::Recreate
//! [`Forget`]: ChangeKind::Forget
//! [`Unchanged`]: ChangeKind::Unchanged
//! [`Adopt`]: ChangeKind::Adopt
//! [`Update`]: ChangeKind::Update
//! [`Delete`]: ChangeKind::Delete
//! [`Kept`]: ChangeKind::Kept
//! [`Merge`]: ChangeKind::Merge
//! [`EditedUpdate`]: ChangeKind::EditedUpdate
//! [`EditedDelete`]: ChangeKind::EditedDelete
//! [`ForeignDiffers`]: ChangeKind::ForeignDiffers

mod bases;
pub mod cause;
mod choices;
mod classify;
pub mod findings;
pub mod json;
mod raised;
pub mod redact;
pub mod text;

#[cfg(test)]
mod tests;

pub use cause::Cause;

use std::collections::BTreeSet;

use crate::tree::{Conflict, Origin, RepoPath};
use crate::world::choices::Choice;
use crate::world::lock::{Lock, Sha256};

/// What happens to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// A new file.
    Create,
    /// A file of ours that a person deleted and that is still rendered.
    Recreate,
    /// A file of ours gets new bytes.
    Update,
    /// A file that equals the render becomes ours; only the lock changes.
    Adopt,
    /// Nothing to do.
    Unchanged,
    /// A person's version stays.
    Kept,
    /// What the render changed goes into the file that a person edited.
    Merge,
    /// A file of ours that is no longer rendered.
    Delete,
    /// No longer rendered and already gone; only the lock changes.
    Forget,
    /// Conflict: a person edited the file, and the render changed in a way that does not fit.
    EditedUpdate,
    /// Conflict: a person edited the file, and it is no longer rendered.
    EditedDelete,
    /// Conflict: a file that we did not write stands where we render another.
    ForeignDiffers,
}

impl ChangeKind {
    /// Returns whether a person must choose before anything is written.
    pub fn is_conflict(self) -> bool {
        matches!(
            self,
            Self::EditedUpdate | Self::EditedDelete | Self::ForeignDiffers
        )
    }

    /// Returns whether the change writes or deletes a file other than the lock.
    pub fn touches_file(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Recreate | Self::Update | Self::Merge | Self::Delete
        )
    }

    /// Returns the word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Recreate => "recreate",
            Self::Update => "update",
            Self::Adopt => "adopt",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept (yours)",
            Self::Merge => "merge",
            Self::Delete => "delete",
            Self::Forget => "forget",
            Self::EditedUpdate => "edited and changed",
            Self::EditedDelete => "edited and no longer rendered",
            Self::ForeignDiffers => "not ours and different",
        }
    }
}

/// What happens to one path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path.
    pub path: RepoPath,
    /// What happens.
    pub kind: ChangeKind,
    /// Where the file comes from. For files that are no longer rendered only the app is known.
    pub origin: Origin,
    /// The choice that decided a conflict.
    pub choice: Option<Choice>,
    /// Hash of the bytes on the disk that the change replaces or deletes, as they are.
    pub(crate) replaces: Option<Sha256>,
    /// The places that contradict the render.
    pub conflicts: Vec<Conflict>,
}

/// Everything that a write would do, sorted by path, and the lock as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    changes: Vec<Change>,
    before: Lock,
    after: Lock,
    /// Paths of the lock that it cannot have from us, and why.
    doubts: Vec<(RepoPath, &'static str)>,
    /// Renders to keep beside the lock (`Some`) or to throw away, by path.
    bases: Vec<(RepoPath, Option<Vec<u8>>)>,
}

impl ChangeSet {
    /// Returns what a write does to the renders kept beside the lock as bases of later merges.
    pub fn bases(&self) -> &[(RepoPath, Option<Vec<u8>>)] {
        &self.bases
    }

    /// Returns the paths that the lock lists and cannot have from us, with the reason; their lines count for nothing.
    pub fn doubts(&self) -> &[(RepoPath, &'static str)] {
        &self.doubts
    }

    /// Returns all changes with the unchanged files, sorted by path.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Returns what differs: all but the unchanged files.
    pub fn differing(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|c| c.kind != ChangeKind::Unchanged)
    }

    /// Returns the conflicts that stop the run.
    pub fn conflicts(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|c| c.kind.is_conflict())
    }

    /// Returns how many changes are of this kind.
    pub fn count(&self, kind: ChangeKind) -> usize {
        self.changes.iter().filter(|c| c.kind == kind).count()
    }

    /// Returns the lock that the changes are based on.
    pub fn lock_before(&self) -> &Lock {
        &self.before
    }

    /// Returns the lock as it will be.
    pub fn lock(&self) -> &Lock {
        &self.after
    }

    /// Returns the part of the changes that concerns these paths; the lock keeps what it knows of all others.
    #[must_use]
    pub fn only(mut self, paths: &BTreeSet<RepoPath>) -> Self {
        self.changes.retain(|change| paths.contains(&change.path));
        let hashes: BTreeSet<String> = paths
            .iter()
            .filter_map(|path| Some(self.after.entries.get(path)?.hash.to_string()))
            .collect();
        self.bases
            .retain(|(path, bytes)| bytes.is_some() && hashes.contains(path.file_name()));
        let after = std::mem::replace(&mut self.after, self.before.clone());
        for path in paths {
            self.after.entries.remove(path);
        }
        let picked = after.entries.into_iter().filter(|(path, _)| paths.contains(path));
        self.after.entries.extend(picked);
        self
    }

    /// Returns whether there is nothing to write. Files kept and conflicts do not count; nor does a hash in the lock
    /// that a person's or Renovate's commit has left behind: the next write brings it up to date.
    pub fn is_empty(&self) -> bool {
        let moved = |path: &RepoPath| {
            let hash = |lock: &Lock| lock.entries.get(path).map(|entry| entry.hash);
            hash(&self.before) != hash(&self.after)
        };
        !self.changes.iter().any(|change| match change.kind {
            ChangeKind::Adopt | ChangeKind::Forget => true,
            ChangeKind::Kept => moved(&change.path),
            kind => kind.touches_file(),
        })
    }
}
