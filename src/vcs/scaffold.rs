//! Making a repository, for `demo`.

use std::path::Path;

use super::{Repository, broken};
use crate::diag::Diagnostic;
use crate::tree::RepoPath;

/// Makes a git repository with an empty history; one that is there already stays as it is.
///
/// # Errors
/// When the system refuses.
pub fn init(root: &Path) -> Result<(), Diagnostic> {
    if root.join(".git").exists() {
        return Ok(());
    }
    gix::init(root)
        .map(drop)
        .map_err(|error| broken("create the git repository", &error))
}

/// Commits every file below `root` that is not ignored. Meant for a repository without history.
///
/// # Errors
/// When a file cannot be read or an object cannot be written.
pub fn commit_all(root: &Path, message: &str) -> Result<(), Diagnostic> {
    let Some(git) = Repository::discover(root)? else {
        return Err(Diagnostic::error(
            "git/none",
            "there is no git repository to commit to",
        ));
    };
    let tree = git.write_tree(root, "")?;
    let author = gix::actor::Signature {
        name: "clusterwright".into(),
        email: "clusterwright@localhost".into(),
        time: gix::date::Time::now_utc(),
    };
    let mut buffer = gix::date::parse::TimeBuf::default();
    let author = author.to_ref(&mut buffer);
    let commit = || -> gix::Result<()> {
        git.repo
            .commit_as(author, author, "HEAD", message, tree, gix::commit::NO_PARENT_IDS)?;
        git.repo
            .index_from_tree(&tree)?
            .write(gix::index::write::Options::default())?;
        Ok(())
    };
    commit().map_err(|error| broken("commit", &error))
}

impl Repository {
    /// Writes a directory as a tree object and returns its id.
    fn write_tree(&self, root: &Path, below: &str) -> Result<gix::ObjectId, Diagnostic> {
        use gix::objs::tree::{Entry, EntryKind};
        let dir = root.join(below);
        let listed = std::fs::read_dir(&dir).map_err(|error| Diagnostic::io("read", &dir, &error))?;
        let mut entries = Vec::new();
        for found in listed.flatten() {
            let Ok(name) = found.file_name().into_string() else {
                continue;
            };
            let path = if below.is_empty() {
                name.clone()
            } else {
                format!("{below}/{name}")
            };
            let Ok(repo_path) = RepoPath::parse(&path) else {
                continue;
            };
            let is_dir = found.file_type().is_ok_and(|kind| kind.is_dir());
            if self.is_ignored(&repo_path)? {
                continue;
            }
            let (kind, oid) = if is_dir {
                (EntryKind::Tree, self.write_tree(root, &path)?)
            } else {
                let bytes =
                    std::fs::read(found.path()).map_err(|error| Diagnostic::io("read", &path, &error))?;
                let id = self
                    .repo
                    .write_blob(bytes)
                    .map_err(|error| broken("write a blob", &error))?;
                (EntryKind::Blob, id.detach())
            };
            entries.push(Entry {
                mode: kind.into(),
                filename: name.into(),
                oid,
            });
        }
        entries.sort();
        let id = self.repo.write_object(&gix::objs::Tree { entries });
        id.map(gix::Id::detach)
            .map_err(|error| broken("write a tree", &error))
    }
}
