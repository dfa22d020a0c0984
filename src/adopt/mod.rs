//! An existing repository beside the render: what each file is to us, what is a person's own, what lives elsewhere.
//!
//! [`Survey`] looks; [`AdoptRequest`] turns what a person names into [`crate::world::Choices`] and the paths that they
//! concern. Nothing here writes: the changes go the way of every run, through [`crate::write`](mod@crate::write).

mod beside;
mod elsewhere;
mod request;
mod state;

pub use beside::Folder;
pub use elsewhere::Elsewhere;
pub use request::{AdoptRequest, Picked};
pub use state::{State, locked};

use crate::diag::Diagnostic;
use crate::diff::ChangeSet;
use crate::seal::{SealKeys, Sealed};
use crate::sys::root::Root;
use crate::tree::{RepoPath, Tree};
use crate::world::Existing;
use crate::world::lock::Lock;

/// A rendered file and what stands in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Where it is rendered to.
    pub path: RepoPath,
    /// The app it belongs to, `repo` for files of no app.
    pub app: String,
    /// What stands there.
    pub state: State,
}

/// The whole repository, file by file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Every rendered file, sorted by path.
    pub files: Vec<Surveyed>,
    /// What is not rendered by us, by folder.
    pub beside: Vec<Folder>,
    /// Objects that stand in a person's file and in one of ours at another path.
    pub elsewhere: Vec<Elsewhere>,
    /// What is to be said of folders that were not looked through.
    pub unread: Vec<Diagnostic>,
}

impl Survey {
    /// Looks at the repository. `changes` are those without any choice.
    pub fn new(
        root: &Root,
        tree: &Tree<Sealed>,
        existing: &Existing,
        lock: &Lock,
        changes: &ChangeSet,
        keys: &SealKeys,
    ) -> Self {
        let files = changes
            .changes()
            .iter()
            .filter_map(|change| {
                let artifact = tree.get(&change.path)?;
                Some(Surveyed {
                    path: change.path.clone(),
                    app: change.origin.app.clone(),
                    state: State::of(change.kind, artifact, existing, keys),
                })
            })
            .collect();
        let (theirs, unread) = beside::files(root, |path| {
            tree.get(path).is_some() || lock.entries.contains_key(path)
        });
        let elsewhere = elsewhere::find(root, tree, &theirs);
        Self {
            files,
            beside: beside::folders(&theirs),
            unread,
            elsewhere,
        }
    }

    /// Returns the apps with a file in one of these states, sorted, each with the number of such files.
    pub fn apps_with(&self, wanted: impl Fn(State) -> bool) -> Vec<(&str, usize)> {
        let mut apps = std::collections::BTreeMap::new();
        for file in self.files.iter().filter(|file| wanted(file.state)) {
            *apps.entry(file.app.as_str()).or_insert(0) += 1;
        }
        apps.into_iter().collect()
    }
}
