//! Where a change comes from: `cluster.yaml`, new templates, or a person's edit.
//!
//! The lock has a fingerprint of the template that each file was rendered from. A file that changes while its template
//! is the same changes because of the configuration.

use super::{Change, ChangeKind, ChangeSet};

/// Where a change comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A key of `cluster.yaml`, or a file beside it.
    Config,
    /// Another version of the templates: a newer clusterwright, or your own template.
    Templates,
    /// What a person changed in the tree.
    Edits,
}

impl Cause {
    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Config => "from cluster.yaml",
            Self::Templates => "from new templates",
            Self::Edits => "from your edits",
        }
    }
}

impl ChangeSet {
    /// Returns where a change comes from.
    ///
    /// A file that is new, or no longer rendered, has no template to compare: it counts as new templates when another
    /// template of its app is new as well.
    pub fn cause(&self, change: &Change) -> Cause {
        match change.kind {
            ChangeKind::Kept
            | ChangeKind::Adopt
            | ChangeKind::Recreate
            | ChangeKind::Forget
            | ChangeKind::ForeignDiffers => return Cause::Edits,
            _ => {}
        }
        let path = &change.path;
        let before = self
            .before
            .entries
            .get(path)
            .and_then(|entry| entry.fingerprint.as_ref());
        let is_new = match (before, change.origin.fingerprint.as_ref()) {
            (Some(before), Some(now)) => before != now,
            _ => self.has_new_template(&change.origin.app),
        };
        if is_new { Cause::Templates } else { Cause::Config }
    }

    /// Returns whether a template of an app is another one than when the lock was written.
    fn has_new_template(&self, app: &str) -> bool {
        let entries = self
            .before
            .entries
            .iter()
            .filter(|(_, entry)| entry.origin == app);
        entries
            .filter_map(|(path, before)| Some((before.fingerprint.as_ref()?, self.after.entries.get(path)?)))
            .any(|(before, after)| after.fingerprint.as_ref().is_some_and(|after| after != before))
    }
}
