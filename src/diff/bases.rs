//! Which renders are kept beside the lock, as bases of later merges.
//!
//! Only those that stand nowhere else: of merged and kept files, whose render was never written as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{ChangeKind, ChangeSet};
use crate::seal::Sealed;
use crate::tree::{Artifact, RepoPath, Tree};
use crate::world::lock::Sha256;

impl ChangeSet {
    /// Decides which renders are kept in `dir` and which of those `stored` are thrown away.
    #[must_use]
    pub fn with_bases(mut self, tree: &Tree<Sealed>, dir: &str, stored: &BTreeMap<Sha256, Vec<u8>>) -> Self {
        let mut needed: BTreeSet<Sha256> = BTreeSet::new();
        let mut new: BTreeMap<Sha256, Vec<u8>> = BTreeMap::new();
        for change in &self.changes {
            let Some(entry) = self.after.entries.get(&change.path) else {
                continue;
            };
            let merged = tree.get(&change.path).is_some_and(Artifact::is_edited);
            let is_edited = match change.kind {
                ChangeKind::Kept | ChangeKind::Merge => true,
                // A file that was adopted with the newer versions that it had, or whose edits came from another place.
                ChangeKind::Adopt | ChangeKind::Update | ChangeKind::Create => merged,
                kind => kind.is_conflict(),
            };
            if !is_edited {
                continue;
            }
            needed.insert(entry.hash);
            let before = self.before.entries.get(&change.path);
            if before.map(|entry| entry.hash) != Some(entry.hash)
                && let Some(artifact) = tree.get(&change.path)
            {
                new.insert(entry.hash, artifact.render().as_bytes().to_vec());
            }
        }
        let path = |hash: &Sha256| RepoPath::parse(&format!("{dir}/{hash}")).ok();
        let added = new.into_iter().filter(|(hash, _)| !stored.contains_key(hash));
        let gone = stored.keys().filter(|hash| !needed.contains(hash));
        self.bases = added
            .filter_map(|(hash, bytes)| Some((path(&hash)?, Some(bytes))))
            .chain(gone.filter_map(|hash| Some((path(hash)?, None))))
            .collect();
        self
    }
}
