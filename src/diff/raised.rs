//! Files that are no longer rendered, in which nothing but versions was raised.
//!
//! That is Renovate's work, which goes with the file; nobody need be asked.

use super::{ChangeKind, ChangeSet};
use crate::merge::keep_newer;
use crate::tree::RepoPath;
use crate::world::Existing;
use crate::world::lock::{Sha256, lf};

impl ChangeSet {
    /// Lets such files be deleted like those that nobody edited. `base` gives the version of a file with this hash.
    #[must_use]
    pub fn with_raised<'b>(
        mut self,
        existing: &Existing,
        base: impl Fn(&RepoPath, Sha256) -> Option<&'b str>,
    ) -> Self {
        let edited = self.changes.iter_mut();
        for change in edited.filter(|change| change.kind == ChangeKind::EditedDelete) {
            let entry = self.before.entries.get(&change.path);
            let base = entry.and_then(|entry| base(&change.path, entry.hash));
            let (Some(bytes), Some(base)) = (existing.bytes(&change.path), base) else {
                continue;
            };
            let yours = String::from_utf8_lossy(&lf(bytes)).into_owned();
            if keep_newer(base, &yours).as_ref() == Some(&yours) {
                change.kind = ChangeKind::Delete;
                change.replaces = Some(Sha256::of(bytes));
                self.after.entries.remove(&change.path);
            }
        }
        self
    }
}
