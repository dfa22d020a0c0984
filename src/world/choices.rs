//! What a person chose on the command line for paths in conflict.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::RepoPath;

/// What a person chose for a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The render wins.
    Overwrite,
    /// The file on the disk wins.
    Keep,
}

/// A side of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The file as a person left it.
    Yours,
    /// The new render.
    Render,
}

/// Which side a person chose, by [`Conflict::place`](crate::tree::Conflict::place); the empty place decides for a whole
/// file.
pub type Resolutions = BTreeMap<String, Side>;

/// `--overwrite PATH`, `--keep PATH` and what was chosen for places in files.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Where the render wins. Also takes an edit back that would otherwise stay.
    pub overwrite: BTreeSet<RepoPath>,
    /// Where the file on the disk wins.
    pub keep: BTreeSet<RepoPath>,
    /// Which side wins at contradicting places of a file.
    pub resolutions: BTreeMap<RepoPath, Resolutions>,
}

impl Choices {
    /// Returns the choice for a path; `--keep` wins, and `diff` reports the contradiction.
    pub(crate) fn of(&self, path: &RepoPath) -> Option<Choice> {
        if self.keep.contains(path) {
            Some(Choice::Keep)
        } else if self.overwrite.contains(path) {
            Some(Choice::Overwrite)
        } else {
            None
        }
    }
}
