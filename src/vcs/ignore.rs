//! What git ignores, where its ignore files are ones that can be read.
//!
//! Git's library opens every `.gitignore` on the way to a file, whatever it is: a pipe holds it up for good, a huge one
//! fills the memory. Each is looked at before.

use std::collections::BTreeSet;

use gix::bstr::{BStr, ByteSlice as _};
use gix::index::entry::Mode;
use gix::worktree::stack::state::ignore::Source;

use super::{Git, broken};
use crate::diag::Diagnostic;
use crate::sys::root::{FileKind, Refused, Root, limits};

/// The ignore files of a repository.
pub(super) struct Ignored<'repo> {
    stack: gix::AttributeStack<'repo>,
    top: Root,
    /// The cluster's root within the work tree, with a trailing slash.
    prefix: &'repo str,
    /// The directories whose ignore file was looked at.
    seen: BTreeSet<Vec<u8>>,
}

impl<'repo> Ignored<'repo> {
    pub(super) fn new(git: &'repo Git, index: &gix::worktree::Index) -> Result<Self, Diagnostic> {
        let excludes = git
            .repo
            .excludes(index, None, Source::WorktreeThenIdMappingIfNotSkipped);
        Ok(Self {
            stack: excludes.map_err(|error| broken("read the ignore files", &error))?,
            top: Root::new(git.work_dir()),
            prefix: &git.prefix,
            seen: BTreeSet::new(),
        })
    }

    /// Returns whether one of them covers a path, which is relative to the work tree.
    ///
    /// # Errors
    /// When an ignore file on the way is no file, too large, or cannot be read.
    pub(super) fn covers(&mut self, path: &BStr, mode: Mode) -> Result<bool, Diagnostic> {
        let above = path.find_iter("/").map(|at| &path[..=at]);
        for dir in std::iter::once(&path[..0]).chain(above) {
            if self.seen.insert(dir.to_vec()) {
                self.look(dir)?;
            }
        }
        let at = self.stack.at_entry(path, Some(mode));
        at.map(|at| at.is_excluded())
            .map_err(|error| broken("read the ignore files", &error))
    }

    /// Looks at the ignore file of a directory. A link is none to git, which does not follow it.
    fn look(&self, dir: &[u8]) -> Result<(), Diagnostic> {
        let path = format!("{}.gitignore", dir.to_str_lossy());
        let refused = match self.top.look(&path) {
            Ok(Some(meta)) if meta.kind == FileKind::Special => Refused::NotRegular { kind: meta.kind },
            Ok(Some(meta)) if meta.kind == FileKind::File && meta.len > limits::CONFIG => Refused::TooLarge {
                limit: limits::CONFIG,
            },
            Ok(_) => return Ok(()),
            Err(refused) => refused,
        };
        Err(refused.finding("read", path.strip_prefix(self.prefix).unwrap_or(&path)))
    }
}
