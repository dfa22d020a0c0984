//! Older versions of files: the index, HEAD, and the commits before it.

use std::collections::{BTreeSet, HashSet};

use gix::ObjectId;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;

use super::{Git, broken};
use crate::diag::Diagnostic;
use crate::tree::RepoPath;

/// How many commits are searched, newest first. Of a cluster's repository, this is years.
const MAX_COMMITS: usize = 20_000;

impl Git {
    /// Shows the versions of `paths`, newest first, to `is_found` until it returns `true` for a path: the staged one,
    /// then those of HEAD's history. A shallow clone ends early; that is no error.
    ///
    /// # Errors
    /// When the index or a commit at hand cannot be read.
    pub fn read_history<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a RepoPath>,
        mut is_found: impl FnMut(&RepoPath, &[u8]) -> bool,
    ) -> Result<(), Diagnostic> {
        let mut wanted: BTreeSet<&RepoPath> = paths.into_iter().collect();
        for (path, bytes) in self.read_index(wanted.iter().copied())? {
            if is_found(&path, &bytes) {
                wanted.remove(&path);
            }
        }
        let failed = |error: &gix::Error| broken("read the history", error);
        let head = self.repo.head().map_err(|error| failed(&error))?;
        let Some(head) = head.try_into_peeled_id().map_err(|error| failed(&error))? else {
            return Ok(());
        };
        let walk = self
            .repo
            .rev_walk([head.detach()])
            .sorting(Sorting::ByCommitTime(CommitTimeOrder::NewestFirst))
            .all()
            .map_err(|error| failed(&error))?;
        let mut trees: HashSet<ObjectId> = HashSet::new();
        let mut blobs: HashSet<(ObjectId, &RepoPath)> = HashSet::new();
        for commit in walk.take(MAX_COMMITS) {
            if wanted.is_empty() {
                break;
            }
            // Where a shallow clone ends, the parents are missing.
            let Ok(tree) = commit.and_then(|info| info.object()?.tree()) else {
                break;
            };
            if !trees.insert(tree.id) {
                continue;
            }
            let paths: Vec<&RepoPath> = wanted.iter().copied().collect();
            for path in paths {
                let full = format!("{}{path}", self.prefix);
                let Ok(Some(entry)) = tree.lookup_entry_by_path(&full) else {
                    continue;
                };
                let id = entry.object_id();
                if entry.mode().is_blob() && blobs.insert((id, path)) && is_found(path, &self.blob(id, path)?)
                {
                    wanted.remove(path);
                }
            }
        }
        Ok(())
    }
}
