//! Private files, which git ignores: the one kind of file that may be a link.
//!
//! Many keep `age.key` elsewhere and link it. A link that git tracks, or could track, may be a stranger's, and lead to any
//! file of the person who runs this; one that git ignores and does not know was made here.

use super::Git;
use crate::diag::Diagnostic;
use crate::sys::named;
use crate::sys::root::{Refused, Root};
use crate::tree::RepoPath;

/// Reads a private file at the top of the root, of at most `limit` bytes. A link is followed where git ignores it.
///
/// # Errors
/// Those of [`Root::read`]; [`Refused::Link`] for a link that git does not ignore, and where there is no git.
pub fn read(root: &Root, name: &str, limit: u64) -> Result<Vec<u8>, Refused> {
    match root.read(name, limit) {
        Err(Refused::Link { at }) if at == name && is_own(root, name) => {
            named::read(&root.path().join(name), limit)
        }
        result => result,
    }
}

/// Returns whether a private file stands there: a file, or a link that [`read`] follows.
pub fn is_there(root: &Root, name: &str) -> bool {
    root.is_file(name) || matches!(root.read(name, 0), Err(Refused::Link { .. })) && is_own(root, name)
}

/// Returns whether git ignores a file and does not track it.
fn is_own(root: &Root, name: &str) -> bool {
    let (Ok(path), Ok(Some(git))) = (RepoPath::parse(name), Git::discover(root.path())) else {
        return false;
    };
    matches!(git.is_ignored(&path), Ok(true)) && matches!(git.is_tracked(&path), Ok(false))
}

/// The finding for a private file that was not read.
pub fn finding(refused: &Refused, name: &str) -> Diagnostic {
    let finding = refused.finding("read", name);
    match refused {
        Refused::Link { .. } => finding.help(format!(
            "or keep the link, where git ignores it: add `/{name}` to .gitignore"
        )),
        _ => finding,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_followed_where_git_ignores_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let repo = dir.path().join("repo");
        std::fs::create_dir(&repo).expect("made");
        std::fs::write(dir.path().join("key"), "KEY").expect("written");
        symlink("../key", repo.join("age.key")).expect("linked");
        let root = Root::new(&repo);
        let is_link = || matches!(read(&root, "age.key", 9), Err(Refused::Link { at }) if at == "age.key");
        assert!(is_link() && !is_there(&root, "age.key"), "without git");
        crate::vcs::init(&root).expect("made");
        assert!(is_link() && !is_there(&root, "age.key"), "not ignored");
        std::fs::write(repo.join(".gitignore"), "/age.key\n").expect("written");
        assert_eq!(read(&root, "age.key", 9).expect("read"), b"KEY");
        assert!(is_there(&root, "age.key"));
        assert!(matches!(
            read(&root, "age.key", 2),
            Err(Refused::TooLarge { limit: 2 })
        ));
        symlink("/dev/zero", repo.join("device")).expect("linked");
        std::fs::write(repo.join(".gitignore"), "/device\n").expect("written");
        assert!(matches!(
            read(&root, "device", 9),
            Err(Refused::NotRegular { .. })
        ));
    }

    #[test]
    fn a_link_that_git_tracks_is_a_strangers() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = Root::new(dir.path());
        crate::vcs::init(&root).expect("made");
        std::fs::write(dir.path().join("age.key"), "x").expect("written");
        crate::vcs::commit_all(&root, "all").expect("committed");
        std::fs::write(dir.path().join(".gitignore"), "/age.key\n").expect("written");
        std::fs::remove_file(dir.path().join("age.key")).expect("removed");
        symlink("/etc/hostname", dir.path().join("age.key")).expect("linked");
        let refused = read(&root, "age.key", 99).expect_err("tracked");
        let finding = finding(&refused, "age.key");
        assert_eq!((finding.code, finding.help.len()), ("path/link", 2));
    }
}
