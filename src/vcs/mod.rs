//! Git: the versions of files at a revision and in the index, and what is tracked or ignored. Read-only, but for
//! [`init`] and [`commit_all`], which make the repository of `demo`.
//!
//! The only module that knows gix, whose API breaks about monthly. Paths are relative to the cluster's root, which
//! may be a subdirectory of the repository.

mod history;
mod ignore;
mod listing;
mod nested;
mod own_files;
pub mod private;
mod scaffold;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::index::entry::{Flags, Mode, Stage};
use gix::objs::tree::EntryKind;

use crate::diag::Diagnostic;
use crate::tree::RepoPath;
use ignore::Ignored;

pub use listing::WorkTree;
pub use scaffold::{commit_all, init};

/// Bytes of files by path.
pub type Blobs = BTreeMap<RepoPath, Vec<u8>>;

/// The git repository that a cluster lies in.
pub struct Git {
    repo: gix::Repository,
    /// The cluster's root within the work tree, with a trailing slash; empty when they are the same.
    prefix: String,
    work_dir: PathBuf,
    /// The index to read in place of the repository's.
    index_file: Option<PathBuf>,
}

impl std::fmt::Debug for Git {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("work_dir", &self.work_dir)
            .finish_non_exhaustive()
    }
}

/// Returns the directory at or above `dir` that holds git's own.
pub fn top(dir: &Path) -> Option<&Path> {
    dir.ancestors()
        .find(|dir| dir.join(".git").symlink_metadata().is_ok())
}

impl Git {
    /// Finds the repository with a work tree that `root` lies in. Reads neither the user's nor the system's
    /// configuration, and no environment variable.
    ///
    /// # Errors
    /// When there is one that cannot be opened.
    pub fn discover(root: &Path) -> Result<Option<Self>, Diagnostic> {
        let root = root
            .canonicalize()
            .map_err(|error| Diagnostic::io("open", root, &error))?;
        if let Some(top) = top(&root) {
            own_files::check(top)?;
        }
        // Whatever file of excludes the repository's own configuration names: it lies elsewhere.
        let options = || gix::open::Options::isolated().config_overrides(["core.excludesFile=/dev/null"]);
        let trust = gix::sec::trust::Mapping {
            full: options(),
            reduced: options(),
        };
        let found = gix::ThreadSafeRepository::discover_opts(
            &root,
            gix::discover::upwards::Options::default(),
            trust,
        );
        let repo = match found {
            Ok(repo) => repo.to_thread_local(),
            Err(_) if top(&root).is_none() => return Ok(None),
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
            index_file: None,
        }))
    }

    /// Reads this index, where one is named: that of a commit under way, which git names to its hooks in
    /// `GIT_INDEX_FILE` and which is another than the repository's for `git commit -a` and `git commit PATH`.
    #[must_use]
    pub fn with_index(self, index_file: Option<PathBuf>) -> Self {
        Self { index_file, ..self }
    }

    /// Returns the top of the work tree; of the linked one for a linked work tree.
    pub fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    /// Returns the cluster's root, which may be a directory below the top.
    pub fn root_dir(&self) -> PathBuf {
        self.work_dir.join(&self.prefix)
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
        self.read_index_within(paths, u64::MAX).map(|(blobs, _)| blobs)
    }

    /// Reads the staged versions of `paths` that have no more than `most` bytes; the others are only named.
    ///
    /// # Errors
    /// Those of [`Git::read_index`].
    pub fn read_index_within<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a RepoPath>,
        most: u64,
    ) -> Result<(Blobs, Vec<RepoPath>), Diagnostic> {
        let index = self.index()?;
        let mut blobs = Blobs::new();
        let mut larger = Vec::new();
        for path in paths {
            let full = self.full(path);
            let Some(entry) = index.entry_by_path_and_stage(full.as_bstr(), Stage::Unconflicted) else {
                continue;
            };
            if matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE)
                && !entry.flags.contains(Flags::INTENT_TO_ADD)
            {
                let header = self.repo.find_header(entry.id);
                if header.is_ok_and(|header| header.size() > most) {
                    larger.push(path.clone());
                } else {
                    blobs.insert(path.clone(), self.blob(entry.id, path)?);
                }
            }
        }
        Ok((blobs, larger))
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
        Ignored::new(self, &index)?.covers(self.full(path).as_bstr(), Mode::FILE)
    }

    fn index(&self) -> Result<gix::worktree::Index, Diagnostic> {
        let Some(file) = &self.index_file else {
            return self.repo.index_or_empty().map_err(|error| {
                broken("read the git index", &error).help("`git reset` rebuilds the index")
            });
        };
        let options = gix::index::decode::Options::default();
        gix::index::File::at(file, self.repo.object_hash(), false, options)
            .map(|index| gix::fs::FileSnapshot::new(index).into())
            .map_err(|error| broken("read the index that `GIT_INDEX_FILE` names", &error))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).expect("valid")
    }

    /// Runs git without the user's configuration. A test that asks for it fails where there is none.
    pub(super) fn git(dir: &Path, args: &[&str]) -> String {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@t",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(["-c", "protocol.file.allow=always", "-c", "core.autocrlf=false"])
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("PATH", path)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", dir)
            .output();
        let output = output.expect("git, which this test needs, is installed");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {error}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(super) fn put(dir: &Path, path: &str, text: &str) {
        let full = dir.join(path);
        fs::create_dir_all(full.parent().expect("below")).expect("made");
        fs::write(full, text).expect("written");
    }

    pub(super) fn open(root: &Path) -> Git {
        Git::discover(root).expect("opens").expect("a repository")
    }

    /// Two commits below `sub/`, then a staged and an unstaged change.
    fn sample() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        git(root, &["init", "-q"]);
        for (name, text) in [
            ("sub/a.yaml", "one\n"),
            ("sub/d/e.yaml", "one\n"),
            ("sub/d-x", "one\n"),
            ("top.yaml", "one\n"),
        ] {
            put(root, name, text);
        }
        git(root, &["add", "-A"]);
        git(root, &["commit", "-qm", "one"]);
        put(root, "sub/a.yaml", "two\n");
        git(root, &["commit", "-qam", "two"]);
        put(root, "sub/a.yaml", "staged\n");
        put(root, "sub/new.yaml", "new\n");
        git(root, &["add", "-A"]);
        put(root, "sub/a.yaml", "work tree\n");
        dir
    }

    fn texts(blobs: Result<Blobs, Diagnostic>) -> Vec<(String, String)> {
        let blobs = blobs.expect("reads");
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).trim().to_owned();
        blobs.iter().map(|(p, b)| (p.to_string(), text(b))).collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    #[test]
    fn reads_head_revisions_and_the_index_below_the_root() {
        let dir = sample();
        let repo = open(&dir.path().join("sub"));
        assert_eq!(repo.work_dir(), dir.path().canonicalize().expect("there"));
        let paths = ["a.yaml", "d/e.yaml", "d-x", "d", "new.yaml", "none/x", "a.yaml/x"].map(path);
        let rest = [("d-x", "one"), ("d/e.yaml", "one")];
        let with = |text: &str, more: &[(&str, &str)]| {
            let mut all = pairs(&[("a.yaml", text)]);
            all.extend(pairs(&rest));
            all.extend(pairs(more));
            all
        };
        assert_eq!(texts(repo.read_head(&paths)), with("two", &[]));
        assert_eq!(texts(repo.read_rev("HEAD~1", &paths)), with("one", &[]));
        assert_eq!(
            texts(repo.read_index(&paths)),
            with("staged", &[("new.yaml", "new")])
        );
        assert!(repo.is_tracked(&paths[0]).expect("reads") && !repo.is_tracked(&paths[5]).expect("reads"));
        let error = repo.read_rev("nonsense", &paths).expect_err("no such revision");
        assert_eq!(error.code, "git/unknown-revision");
    }

    #[test]
    fn ignore_files_count_and_the_users_own_does_not() {
        let dir = sample();
        let root = dir.path();
        put(root, ".gitignore", "/sub/age.key\n*.tmp\n!keep.tmp\nbuild/\n");
        put(root, "sub/.gitignore", "local.yaml\n");
        put(root, ".git/info/exclude", "excluded.yaml\n");
        put(root, ".config/git/ignore", "global.yaml\n");
        let repo = open(&root.join("sub"));
        for (name, ignored) in [
            ("age.key", true),
            ("deep/age.key", false),
            ("x.tmp", true),
            ("keep.tmp", false),
            ("build/x", true),
            ("local.yaml", true),
            ("excluded.yaml", true),
            ("global.yaml", false),
            ("a.yaml", false),
        ] {
            assert_eq!(repo.is_ignored(&path(name)), Ok(ignored), "{name}");
        }
    }

    #[test]
    fn no_repository_an_unborn_branch_and_a_detached_head() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        assert!(Git::discover(root).expect("fine").is_none());
        git(root, &["init", "-q"]);
        let a = [path("a")];
        let repo = open(root);
        assert_eq!(texts(repo.read_head(&a)), []);
        assert_eq!(texts(repo.read_index(&a)), []);
        assert_eq!(repo.is_tracked(&a[0]), Ok(false));
        put(root, "a", "one\n");
        git(root, &["add", "a"]);
        git(root, &["commit", "-qm", "one"]);
        git(root, &["checkout", "-q", "--detach"]);
        assert_eq!(texts(open(root).read_head(&a)), pairs(&[("a", "one")]));
    }

    #[test]
    fn shallow_clones_and_linked_work_trees() {
        let dir = sample();
        let (root, more) = (dir.path(), tempfile::tempdir().expect("a directory"));
        let (clone, tree) = (more.path().join("clone"), more.path().join("tree"));
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let source = format!("file://{}", text(root));
        git(root, &["clone", "-q", "--depth=1", &source, &text(&clone)]);
        let a = [path("sub/a.yaml")];
        assert_eq!(texts(open(&clone).read_head(&a)), pairs(&[("sub/a.yaml", "two")]));
        let error = open(&clone).read_rev("HEAD~1", &a).expect_err("not there");
        assert!(
            error.help.iter().any(|help| help.contains("--unshallow")),
            "{error:?}"
        );
        git(
            root,
            &["worktree", "add", "-q", "--detach", &text(&tree), "HEAD~1"],
        );
        let linked = open(&tree.join("sub"));
        assert_eq!(linked.work_dir(), tree.canonicalize().expect("there"));
        assert_eq!(
            texts(linked.read_head(&[path("a.yaml")])),
            pairs(&[("a.yaml", "one")])
        );
        assert_eq!(
            texts(linked.read_index(&[path("a.yaml")])),
            pairs(&[("a.yaml", "one")])
        );
    }

    #[test]
    fn broken_repositories_are_findings() {
        let a = [path("sub/a.yaml")];
        let broken: [(&str, &[u8]); 5] = [
            (".git/HEAD", b"nonsense"),
            (".git/HEAD", b"\xff\xfe"),
            (".git/index", b"DIRCgarbage"),
            (".git/config", b"[core\n"),
            (
                ".git/refs/heads/main",
                b"0123456789012345678901234567890123456789\n",
            ),
        ];
        for (name, bytes) in broken {
            let dir = sample();
            fs::write(dir.path().join(name), bytes).expect("written");
            let found = Git::discover(dir.path());
            let error = match found {
                Err(error) => error,
                Ok(repo) => {
                    let repo = repo.expect("a repository");
                    let (head, index) = (repo.read_head(&a), repo.read_index(&a));
                    head.err().or(index.err()).expect(name)
                }
            };
            assert_eq!(error.code, "git/failed", "{name}: {error:?}");
        }
        let dir = sample();
        let objects = dir.path().join(".git/objects");
        fs::remove_dir_all(&objects).expect("removed");
        fs::create_dir_all(&objects).expect("made");
        let error = open(dir.path()).read_head(&a).expect_err("no objects");
        assert_eq!(error.code, "git/failed");
        let file = tempfile::tempdir().expect("a directory");
        fs::write(file.path().join(".git"), "gitdir: /nowhere\n").expect("written");
        assert_eq!(Git::discover(file.path()).expect_err("broken").code, "git/failed");
    }
}
