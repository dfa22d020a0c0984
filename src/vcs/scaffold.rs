//! Making a repository, for `demo`.

use super::{Git, broken};
use crate::diag::Diagnostic;
use crate::sys::dotgit::is_git_dir;
use crate::sys::root::{FileKind, Root, limits};
use crate::tree::RepoPath;

/// Makes a git repository with an empty history; one that is there already stays as it is.
///
/// # Errors
/// When the system refuses.
pub fn init(root: &Root) -> Result<(), Diagnostic> {
    let is_there = |entry: &crate::sys::root::DirEntry| is_git_dir(&entry.name);
    if root.list("").is_ok_and(|entries| entries.iter().any(is_there)) {
        return Ok(());
    }
    gix::init(root.path())
        .map(drop)
        .map_err(|error| broken("create the git repository", &error))
}

/// Commits every regular file below `root` that is not ignored. Meant for a repository without history.
///
/// # Errors
/// When a file cannot be read or an object cannot be written.
pub fn commit_all(root: &Root, message: &str) -> Result<(), Diagnostic> {
    let Some(git) = Git::discover(root.path())? else {
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

impl Git {
    /// Writes a directory as a tree object and returns its id.
    fn write_tree(&self, root: &Root, below: &str) -> Result<gix::ObjectId, Diagnostic> {
        use gix::objs::tree::{Entry, EntryKind};
        let listed = root
            .list(below)
            .map_err(|refused| refused.finding("read", below))?;
        let mut entries = Vec::new();
        for found in listed {
            let name = found.name;
            let path = if below.is_empty() {
                name.clone()
            } else {
                format!("{below}/{name}")
            };
            let Ok(repo_path) = RepoPath::parse(&path) else {
                continue;
            };
            let known = matches!(found.kind, FileKind::File | FileKind::Directory);
            if !known || self.is_ignored(&repo_path)? {
                continue;
            }
            let (kind, oid) = if found.kind == FileKind::Directory {
                (EntryKind::Tree, self.write_tree(root, &path)?)
            } else {
                let bytes = root
                    .read(&path, limits::OUTPUT)
                    .map_err(|refused| refused.finding("read", &path))?;
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
