//! Git: the versions of files at a revision and in the index, and what is tracked or ignored. Read-only, but for
//! [`init`] and [`commit_all`], which make the repository of `demo`.
//!
//! The only module that knows gix, whose API breaks about monthly. Paths are relative to the cluster's root, which
//! may be a subdirectory of the repository.

mod scaffold;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::index::entry::{Flags, Mode, Stage};
use gix::objs::tree::EntryKind;

use crate::diag::Diagnostic;
use crate::tree::RepoPath;

pub use scaffold::{commit_all, init};

/// Bytes of files by path.
pub type Blobs = BTreeMap<RepoPath, Vec<u8>>;

/// The git repository that a cluster lies in.
pub struct Repository {
    repo: gix::Repository,
    /// The cluster's root within the work tree, with a trailing slash; empty when they are the same.
    prefix: String,
    work_dir: PathBuf,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("work_dir", &self.work_dir)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// Finds the repository with a work tree that `root` lies in. Reads neither the user's nor the system's
    /// configuration, and no environment variable.
    ///
    /// # Errors
    /// When there is one that cannot be opened.
    pub fn discover(root: &Path) -> Result<Option<Self>, Diagnostic> {
        let root = root
            .canonicalize()
            .map_err(|error| Diagnostic::io("open", root, &error))?;
        let trust = gix::sec::trust::Mapping {
            full: gix::open::Options::isolated(),
            reduced: gix::open::Options::isolated(),
        };
        let found = gix::ThreadSafeRepository::discover_opts(
            &root,
            gix::discover::upwards::Options::default(),
            trust,
        );
        let repo = match found {
            Ok(repo) => repo.to_thread_local(),
            Err(_)
                if !root
                    .ancestors()
                    .any(|dir| dir.join(".git").symlink_metadata().is_ok()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(broken("open the git repository", &error)),
        };
        let Some(work_dir) = repo.workdir() else {
            return Ok(None);
        };
        let work_dir = work_dir
            .canonicalize()
            .map_err(|error| Diagnostic::io("open", work_dir, &error))?;
        let Ok(below) = root.strip_prefix(&work_dir) else {
            return Ok(None);
        };
        let Some(mut prefix) = below.to_str().map(|text| text.replace('\\', "/")) else {
            return Err(Diagnostic::error(
                "git/path",
                format!("`{}` is not UTF-8", root.display()),
            ));
        };
        if !prefix.is_empty() {
            prefix.push('/');
        }
        Ok(Some(Self {
            repo,
            prefix,
            work_dir,
        }))
    }

    /// Returns the top of the work tree; of the linked one for a linked work tree.
    pub fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// Reads the files that HEAD has among `paths`; none on a branch without a commit.
    ///
    /// # Errors
    /// When HEAD or an object cannot be read.
    pub fn read_head<'a>(&self, paths: impl IntoIterator<Item = &'a RepoPath>) -> Result<Blobs, Diagnostic> {
        let read = || -> gix::Result<Option<gix::Tree<'_>>> {
            let Some(id) = self.repo.head()?.try_peel_to_id()? else {
                return Ok(None);
            };
            Ok(Some(id.object()?.peel_to_tree()?))
        };
        match read().map_err(|error| broken("read HEAD", &error))? {
            Some(tree) => self.read_tree(&tree, paths),
            None => Ok(Blobs::new()),
        }
    }

    /// Reads the files that a revision has among `paths`. A revision is what `git rev-parse` takes.
    ///
    /// # Errors
    /// When there is no such revision, or an object cannot be read.
    pub fn read_rev<'a>(
        &self,
        rev: &str,
        paths: impl IntoIterator<Item = &'a RepoPath>,
    ) -> Result<Blobs, Diagnostic> {
        let id = self.repo.rev_parse_single(rev).map_err(|_| {
            let message = format!("`{rev}` names no commit of this repository");
            Diagnostic::error("git/unknown-revision", message).help(
                "name a branch, a tag or a commit; a shallow clone lacks older ones: `git fetch --unshallow`",
            )
        })?;
        let tree = id
            .object()
            .and_then(gix::Object::peel_to_tree)
            .map_err(|error| broken(&format!("read the revision `{rev}`"), &error))?;
        self.read_tree(&tree, paths)
    }

    /// Reads the staged versions of `paths`. Files in a merge conflict have none.
    ///
    /// # Errors
    /// When the index or an object cannot be read.
    pub fn read_index<'a>(&self, paths: impl IntoIterator<Item = &'a RepoPath>) -> Result<Blobs, Diagnostic> {
        let index = self.index()?;
        let mut blobs = Blobs::new();
        for path in paths {
            let full = self.full(path);
            let Some(entry) = index.entry_by_path_and_stage(full.as_bstr(), Stage::Unconflicted) else {
                continue;
            };
            if matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE)
                && !entry.flags.contains(Flags::INTENT_TO_ADD)
            {
                blobs.insert(path.clone(), self.blob(entry.id, path)?);
            }
        }
        Ok(blobs)
    }

    /// Returns whether the index knows the file, also in a merge conflict.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn is_tracked(&self, path: &RepoPath) -> Result<bool, Diagnostic> {
        let full = self.full(path);
        Ok(self.index()?.entry_range(full.as_bstr()).is_some())
    }

    /// Returns whether a `.gitignore` of the repository or `.git/info/exclude` covers the file, tracked or not. The
    /// user's own excludes file does not count: others who clone the repository lack it.
    ///
    /// # Errors
    /// When the index or an ignore file cannot be read.
    pub fn is_ignored(&self, path: &RepoPath) -> Result<bool, Diagnostic> {
        let index = self.index()?;
        let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let full = self.full(path);
        let failed = |error: gix::Error| broken("read the ignore files", &error);
        let mut stack = self.repo.excludes(&index, None, source).map_err(failed)?;
        let platform = stack.at_entry(full.as_bstr(), Some(Mode::FILE)).map_err(failed)?;
        Ok(platform.is_excluded())
    }

    fn index(&self) -> Result<gix::worktree::Index, Diagnostic> {
        self.repo
            .index_or_empty()
            .map_err(|error| broken("read the git index", &error).help("`git reset` rebuilds the index"))
    }

    fn full(&self, path: &RepoPath) -> BString {
        format!("{}{path}", self.prefix).into()
    }

    fn read_tree<'a>(
        &self,
        tree: &gix::Tree<'_>,
        paths: impl IntoIterator<Item = &'a RepoPath>,
    ) -> Result<Blobs, Diagnostic> {
        let mut wanted: Vec<(String, &RepoPath)> = paths
            .into_iter()
            .map(|path| (format!("{}{path}", self.prefix), path))
            .collect();
        wanted.sort();
        let mut blobs = Blobs::new();
        self.descend(tree, 0, &wanted, &mut blobs)?;
        Ok(blobs)
    }

    /// Reads `wanted`, which is sorted and agrees up to byte `from`, out of the tree of that directory. Each tree is
    /// read once.
    fn descend(
        &self,
        tree: &gix::Tree<'_>,
        from: usize,
        wanted: &[(String, &RepoPath)],
        blobs: &mut Blobs,
    ) -> Result<(), Diagnostic> {
        let decoded = tree
            .decode()
            .map_err(|error| broken("read a directory of the repository", &error))?;
        let entries: BTreeMap<&BStr, _> = decoded.entries.iter().map(|e| (e.filename, e)).collect();
        let name = |full: &str| full[from..].split_inclusive('/').next().unwrap_or_default().len();
        for group in wanted.chunk_by(|a, b| a.0[from..from + name(&a.0)] == b.0[from..from + name(&b.0)]) {
            let part = &group[0].0[from..from + name(&group[0].0)];
            let Some(entry) = entries.get(part.trim_end_matches('/').as_bytes().as_bstr()) else {
                continue;
            };
            match (entry.mode.kind(), part.ends_with('/')) {
                (EntryKind::Tree, true) => {
                    let below = self
                        .repo
                        .find_tree(entry.oid)
                        .map_err(|error| broken("read a directory of the repository", &error))?;
                    self.descend(&below, from + part.len(), group, blobs)?;
                }
                (EntryKind::Blob | EntryKind::BlobExecutable, false) => {
                    for (_, path) in group {
                        blobs.insert((*path).clone(), self.blob(entry.oid.to_owned(), path)?);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn blob(&self, id: gix::ObjectId, path: &RepoPath) -> Result<Vec<u8>, Diagnostic> {
        let object = self.repo.find_object(id);
        let mut object = object
            .map_err(|error| broken(&format!("read `{path}` from git"), &error).in_file(path.as_str()))?;
        Ok(std::mem::take(&mut object.data))
    }
}

fn broken(action: &str, error: &gix::Error) -> Diagnostic {
    let reason = error.to_string();
    let reason = reason.lines().next().unwrap_or_default().trim_end_matches('.');
    Diagnostic::error("git/failed", format!("cannot {action}: {reason}"))
        .help("`git fsck` tells what is broken; without a `.git`, clusterwright works as well")
}
