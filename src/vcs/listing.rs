//! What there is: the files of the work tree that count, and those that a commit would change.

use std::collections::BTreeSet;
use std::path::Path;

use gix::bstr::ByteSlice as _;
use gix::index::entry::{Flags, Mode, Stage};

use super::{Repository, broken};
use crate::diag::Diagnostic;
use crate::tree::RepoPath;

impl Repository {
    /// Returns the files below the root that are tracked, or not ignored: what a commit of everything would hold.
    /// Sorted. Symbolic links and other repositories inside are left out.
    ///
    /// # Errors
    /// When the index, an ignore file or a directory cannot be read.
    pub fn work_tree_files(&self, root: &Path) -> Result<Vec<RepoPath>, Diagnostic> {
        let index = self.index()?;
        let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let failed = |error: gix::Error| broken("read the ignore files", &error);
        let mut stack = self.repo.excludes(&index, None, source).map_err(failed)?;
        let mut found = BTreeSet::new();
        let mut open = vec![String::new()];
        while let Some(dir) = open.pop() {
            for (name, is_dir) in entries(&root.join(&dir))? {
                let path = format!("{dir}{name}");
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
                    if root.join(&path).join(".git").symlink_metadata().is_err() {
                        open.push(format!("{path}/"));
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
            if let Some(path) =
                path.filter(|path| path.under(root).symlink_metadata().is_ok_and(|m| m.is_file()))
            {
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

/// Returns the files and directories of a directory; links and names that are not UTF-8 are left out.
fn entries(dir: &Path) -> Result<Vec<(String, bool)>, Diagnostic> {
    let read = std::fs::read_dir(dir).map_err(|error| Diagnostic::io("read", dir, &error))?;
    let mut found = Vec::new();
    for entry in read.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        match entry.file_name().into_string() {
            Ok(name) if name != ".git" && (kind.is_file() || kind.is_dir()) => {
                found.push((name, kind.is_dir()));
            }
            _ => {}
        }
    }
    Ok(found)
}
