//! Git's own files, looked at before git's library opens them: it waits for a pipe, and reads what is huge into memory. No
//! clone brings such a thing, an archive may.

use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;
use crate::sys::root::{FileKind, Refused, limits};

/// The files that are opened when a repository is, in its directory and in the one that linked work trees share.
const FILES: &[&str] = &[
    "HEAD",
    "commondir",
    "config",
    "config.worktree",
    INDEX,
    "info/exclude",
    "objects/info/alternates",
    "packed-refs",
    "shallow",
];

/// May be as large as it likes: it grows with the repository.
const INDEX: &str = "index";

/// Looks at the files of the repository in `top`.
///
/// # Errors
/// When one is no file, or far too large.
pub(super) fn check(top: &Path) -> Result<(), Diagnostic> {
    let git = top.join(".git");
    look(top, &git)?;
    let dir = named_in(&git, "gitdir:", top).unwrap_or(git);
    let common = named_in(&dir.join("commondir"), "", &dir);
    for dir in std::iter::once(dir).chain(common) {
        for name in FILES {
            look(top, &dir.join(name))?;
        }
    }
    Ok(())
}

/// What is absent or unreadable git tells of better, and of a directory in the place of a file.
fn look(top: &Path, path: &Path) -> Result<(), Diagnostic> {
    let Ok(meta) = path.metadata() else {
        return Ok(());
    };
    let refused = if !meta.is_file() && !meta.is_dir() {
        Refused::NotRegular {
            kind: FileKind::Special,
        }
    } else if meta.is_file() && meta.len() > limits::LOCK && !path.ends_with(INDEX) {
        Refused::TooLarge { limit: limits::LOCK }
    } else {
        return Ok(());
    };
    let shown = path.strip_prefix(top).unwrap_or(path).display().to_string();
    Err(refused.finding("read", &shown))
}

/// Returns the directory that a file of one line names, relative to `from`.
fn named_in(file: &Path, prefix: &str, from: &Path) -> Option<PathBuf> {
    let meta = file.metadata().ok()?;
    if !meta.is_file() || meta.len() > limits::CONFIG {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    Some(from.join(text.strip_prefix(prefix)?.trim()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;
    use crate::sys::root::Root;
    use crate::tree::RepoPath;
    use crate::vcs::{Git, init};

    /// The code of what is said of a repository with something else in the place of a file.
    fn code(root: &Path, at: &str, make: &dyn Fn(&Path)) -> &'static str {
        let file = root.join(at);
        fs::create_dir_all(file.parent().expect("below")).expect("made");
        let kept = fs::read(&file).ok();
        let _ = fs::remove_file(&file);
        make(&file);
        let path = RepoPath::parse("d/e.yaml").expect("valid");
        let asked = Git::discover(root).and_then(|git| git.expect("one").is_ignored(&path));
        fs::remove_file(&file).expect("removed");
        if let Some(bytes) = kept {
            fs::write(file, bytes).expect("written");
        }
        asked.expect_err(at).code
    }

    #[test]
    fn what_git_would_wait_for_is_refused() {
        let socket = |at: &Path| drop(std::os::unix::net::UnixListener::bind(at).expect("bound"));
        let huge = |at: &Path| fs::File::create(at).expect("made").set_len(1 << 30).expect("set");
        let dir = tempfile::tempdir().expect("a directory");
        init(&Root::new(dir.path())).expect("made");
        let ignores = [".gitignore", "d/.gitignore"].map(str::to_owned);
        let own = FILES.iter().map(|name| format!(".git/{name}"));
        for at in ignores.into_iter().chain(own) {
            assert_eq!(code(dir.path(), &at, &socket), "path/not-a-file", "{at}");
            if !at.ends_with(INDEX) {
                assert_eq!(code(dir.path(), &at, &huge), "path/too-large", "{at}");
            }
        }
        // The same where `.git` leads elsewhere.
        fs::rename(dir.path().join(".git"), dir.path().join("elsewhere")).expect("moved");
        fs::write(dir.path().join(".git"), "gitdir: elsewhere\n").expect("written");
        for at in [".git", "elsewhere/HEAD", "elsewhere/packed-refs"] {
            assert_eq!(code(dir.path(), at, &socket), "path/not-a-file", "{at}");
        }
        fs::create_dir(dir.path().join("shared")).expect("made");
        let shares = |at: &Path| {
            fs::write(at, "../shared\n").expect("written");
            let _ = fs::remove_file(dir.path().join("shared/config"));
            socket(&dir.path().join("shared/config"));
        };
        assert_eq!(
            code(dir.path(), "elsewhere/commondir", &shares),
            "path/not-a-file"
        );
        let git = Git::discover(dir.path()).expect("opens").expect("one");
        let path = RepoPath::parse("d/e.yaml").expect("valid");
        assert_eq!(git.is_ignored(&path), Ok(false));
    }

    #[test]
    fn a_file_of_excludes_that_the_repository_names_elsewhere_is_not_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().join("repo");
        fs::create_dir(&root).expect("made");
        init(&Root::new(&root)).expect("made");
        let elsewhere = dir.path().join("excludes");
        fs::write(&elsewhere, "*.yaml\n").expect("written");
        let config = root.join(".git/config");
        let text = fs::read_to_string(&config).expect("there");
        let named = format!("{text}[core]\n\texcludesFile = {}\n", elsewhere.display());
        fs::write(&config, named).expect("written");
        let git = Git::discover(&root).expect("opens").expect("one");
        let path = RepoPath::parse("a.yaml").expect("valid");
        assert_eq!(git.is_ignored(&path), Ok(false));
    }
}
