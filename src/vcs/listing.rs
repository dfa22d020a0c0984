//! What there is: the files of the work tree that count, and those that a commit would change.

use std::collections::BTreeSet;
use std::path::Path;

use gix::bstr::ByteSlice as _;
use gix::index::entry::{Flags, Mode, Stage};

use super::ignore::Ignored;
use super::{Git, broken};
use crate::diag::Diagnostic;
use crate::sys::dotgit::is_git_dir;
use crate::sys::root::{FileKind, Listing, Root};
use crate::tree::RepoPath;

/// How deep directories are listed.
const MAX_DEPTH: usize = 64;

/// What a commit of everything would hold.
#[derive(Debug, Default)]
pub struct WorkTree {
    /// The files, sorted.
    pub files: Vec<RepoPath>,
    /// The names, made readable, of those that no path of ours can say: not UTF-8, or with a backslash or a control
    /// character. Sorted.
    pub odd: Vec<String>,
    /// A directory that lies too deep, where there is one: nothing below it was looked at.
    pub deep: Option<String>,
}

/// Returns a path with backslashes, control characters and what is no text spelled out.
fn readable(path: &[u8]) -> String {
    path.escape_ascii().to_string()
}

impl Git {
    /// Returns the files below the root that are tracked, or not ignored: what a commit of everything would hold.
    /// Symbolic links and other repositories inside are left out.
    ///
    /// # Errors
    /// When the index, an ignore file or a directory cannot be read.
    pub fn work_tree_files(&self, root: &Root) -> Result<WorkTree, Diagnostic> {
        let index = self.index()?;
        let mut ignored = Ignored::new(self, &index)?;
        let mut excluded = |full: &[u8], is_dir: bool| {
            ignored.covers(full.as_bstr(), if is_dir { Mode::DIR } else { Mode::FILE })
        };
        let (mut found, mut odd, mut deep) = (BTreeSet::new(), BTreeSet::new(), None);
        let mut open = vec![(String::new(), 0)];
        while let Some((dir, depth)) = open.pop() {
            let Listing {
                entries: listed,
                odd: odd_here,
            } = root
                .list_all(dir.trim_end_matches('/'))
                .map_err(|refused| refused.finding("read", &dir))?;
            // Another repository, with rules and files of its own.
            let full = format!("{}{dir}", self.prefix);
            if depth > 0 && self.is_other(&index, &full, &root.path().join(&dir), &listed) {
                continue;
            }
            for name in odd_here {
                let full = [self.prefix.as_bytes(), dir.as_bytes(), &name.name].concat();
                if !excluded(&full, name.is_dir)? {
                    odd.insert(name.readable(&dir));
                }
            }
            for entry in listed {
                let is_dir = match entry.kind {
                    FileKind::Directory => true,
                    FileKind::File => false,
                    FileKind::Link | FileKind::Special => continue,
                };
                if is_git_dir(&entry.name) {
                    continue;
                }
                let path = format!("{dir}{}", entry.name);
                let full = format!("{}{path}", self.prefix);
                if excluded(full.as_bytes(), is_dir)? {
                    continue;
                }
                if is_dir {
                    if depth < MAX_DEPTH {
                        open.push((format!("{path}/"), depth + 1));
                    } else {
                        deep.get_or_insert(path);
                    }
                } else {
                    match RepoPath::parse(&path) {
                        Ok(path) => drop(found.insert(path)),
                        Err(_) => drop(odd.insert(readable(path.as_bytes()))),
                    }
                }
            }
        }
        for entry in index.entries() {
            let is_file = matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE);
            let Some(below) = entry.path(&index).strip_prefix(self.prefix.as_bytes()) else {
                continue;
            };
            let text = below.to_str().ok();
            match text.and_then(|path| RepoPath::parse(path).ok()) {
                Some(path) => {
                    if root.is_file(path.as_str()) {
                        found.insert(path);
                    }
                }
                // One that is no text cannot be looked for.
                None => {
                    if is_file && text.is_none_or(|path| root.is_file(path)) {
                        odd.insert(readable(below));
                    }
                }
            }
        }
        Ok(WorkTree {
            files: found.into_iter().collect(),
            odd: odd.into_iter().collect(),
            deep,
        })
    }

    /// Returns the files below the root that the next commit adds or changes, sorted; and the names, made readable, of
    /// those that no path of ours can say: not UTF-8, or with a backslash or a control character.
    ///
    /// # Errors
    /// When the index or HEAD cannot be read.
    pub fn staged(&self) -> Result<(Vec<RepoPath>, Vec<String>), Diagnostic> {
        let index = self.index()?;
        let head = || -> gix::Result<Option<gix::index::File>> {
            let Some(id) = self.repo.head()?.try_peel_to_id()? else {
                return Ok(None);
            };
            let tree = id.object()?.peel_to_tree()?;
            Ok(Some(self.repo.index_from_tree(&tree.id)?))
        };
        let head = head().map_err(|error| broken("read HEAD", &error))?;
        let (mut found, mut odd) = (Vec::new(), Vec::new());
        for entry in index.entries() {
            let file = matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE);
            if !file || entry.stage() != Stage::Unconflicted || entry.flags.contains(Flags::INTENT_TO_ADD) {
                continue;
            }
            let full = entry.path(&index);
            let old = head
                .as_ref()
                .and_then(|head| head.entry_by_path_and_stage(full, Stage::Unconflicted));
            if old.is_some_and(|old| old.id == entry.id) {
                continue;
            }
            let Some(below) = full.strip_prefix(self.prefix.as_bytes()) else {
                continue;
            };
            let path = below.to_str().ok().and_then(|path| RepoPath::parse(path).ok());
            match path {
                Some(path) => found.push(path),
                None => odd.push(readable(below)),
            }
        }
        Ok((found, odd))
    }

    /// Returns a file that the index has at or below `dir`, or in place of a directory above it; in any case of letters,
    /// for there are file systems that know none.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn tracked_below(&self, dir: &str) -> Result<Option<String>, Diagnostic> {
        let index = self.index()?;
        let dir = format!("{}{dir}/", self.prefix).to_ascii_lowercase();
        let found = index
            .entries()
            .iter()
            .map(|entry| entry.path(&index))
            .find(|path| {
                let path = format!("{}/", path.to_str_lossy()).to_ascii_lowercase();
                path.starts_with(&dir) || dir.starts_with(&path)
            });
        Ok(found.map(|path| {
            let path = path.to_str_lossy();
            path.strip_prefix(&self.prefix).unwrap_or(&path).to_owned()
        }))
    }

    /// Returns the directory that holds the repository's configuration, shared by linked work trees.
    pub fn common_dir(&self) -> &Path {
        self.repo.common_dir()
    }
}
