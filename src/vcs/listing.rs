//! What there is: the files of the work tree that count, and those that a commit would change.

use std::collections::BTreeSet;
use std::path::Path;

use gix::bstr::ByteSlice as _;
use gix::index::entry::{Flags, Mode, Stage};

use super::{Repository, broken};
use crate::diag::Diagnostic;
use crate::sys::dotgit::is_git_dir;
use crate::sys::root::{Kind, Root};
use crate::tree::RepoPath;

/// How deep directories are listed.
const MAX_DEPTH: usize = 64;

impl Repository {
    /// Returns the files below the root that are tracked, or not ignored: what a commit of everything would hold.
    /// Sorted. Symbolic links and other repositories inside are left out.
    ///
    /// # Errors
    /// When the index, an ignore file or a directory cannot be read.
    pub fn work_tree_files(&self, root: &Root) -> Result<Vec<RepoPath>, Diagnostic> {
        let index = self.index()?;
        let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let failed = |error: gix::Error| broken("read the ignore files", &error);
        let mut stack = self.repo.excludes(&index, None, source).map_err(failed)?;
        let mut found = BTreeSet::new();
        let mut open = vec![(String::new(), 0)];
        while let Some((dir, depth)) = open.pop() {
            let listed = root
                .list(dir.trim_end_matches('/'))
                .map_err(|refused| refused.finding("read", &dir))?;
            // Another repository, with rules and files of its own.
            if depth > 0 && listed.iter().any(|entry| is_git_dir(&entry.name)) {
                continue;
            }
            for entry in listed {
                let is_dir = match entry.kind {
                    Kind::Directory => true,
                    Kind::File => false,
                    Kind::Link | Kind::Special => continue,
                };
                if is_git_dir(&entry.name) {
                    continue;
                }
                let path = format!("{dir}{}", entry.name);
                let full = format!("{}{path}", self.prefix);
                let mode = if is_dir { Mode::DIR } else { Mode::FILE };
                let excluded = stack
                    .at_entry(full.as_bytes().as_bstr(), Some(mode))
                    .map_err(|error| broken("read the ignore files", &error))?
                    .is_excluded();
                if excluded {
                    continue;
                }
                if is_dir {
                    if depth < MAX_DEPTH {
                        open.push((format!("{path}/"), depth + 1));
                    }
                } else if let Ok(path) = RepoPath::parse(&path) {
                    found.insert(path);
                }
            }
        }
        for entry in index.entries() {
            let path = entry.path(&index).to_str().unwrap_or_default();
            let path = path
                .strip_prefix(&self.prefix)
                .and_then(|path| RepoPath::parse(path).ok());
            if let Some(path) = path.filter(|path| root.is_file(path.as_str())) {
                found.insert(path);
            }
        }
        Ok(found.into_iter().collect())
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
                None => odd.push(format!("{:?}", below.as_bstr())),
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
