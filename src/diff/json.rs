//! Changes for machines. The field names are a public contract.

use serde::Serialize;

use super::redact::{self, ChangedKey};
use super::text::FileVersions;
use super::{Cause, ChangeKind, ChangeSet};
use crate::seal::Sealed;
use crate::tree::Tree;
use crate::world::Existing;
use crate::world::choices::Choice;

/// One file that differs, or that a person keeps.
#[derive(Debug, Serialize)]
pub struct FileChange<'a> {
    path: &'a str,
    change: ChangeKind,
    cause: Cause,
    app: &'a str,
    reason: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<Choice>,
    /// Lines that come; left out for sensitive files and files that are not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<usize>,
    /// Lines that go.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<usize>,
    /// For files that hold secrets: the keys that differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<ChangedKey>>,
    /// For files that hold secrets: what else changed, such as the recipients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'static str>,
}

/// Returns everything but the unchanged files in serialisable form, sorted by path.
pub fn changes<'a>(
    set: &'a ChangeSet,
    tree: &'a Tree<Sealed>,
    existing: &'a Existing,
) -> Vec<FileChange<'a>> {
    set.differing()
        .map(|change| {
            let mut file = FileChange {
                path: change.path.as_str(),
                change: change.kind,
                cause: set.cause(change),
                app: &change.origin.app,
                reason: &change.origin.reason,
                choice: change.choice,
                added: None,
                removed: None,
                keys: None,
                notes: Vec::new(),
            };
            match FileVersions::of(change, tree, existing) {
                None => {}
                Some(sides) if sides.is_sensitive() => {
                    let diff = redact::compare(sides.old, sides.new);
                    file.keys = Some(diff.keys);
                    file.notes = diff.notes;
                }
                Some(sides) => {
                    (file.added, file.removed) = sides.line_counts().unzip();
                }
            }
            file
        })
        .collect()
}
