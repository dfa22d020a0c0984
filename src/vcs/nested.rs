//! Other repositories inside the work tree: git takes a directory for one by what its `.git` holds, and looks into no such
//! directory. A `.git` that holds nothing of the kind hides nothing.
//!
//! The facts are those of git's `is_nonbare_repository_dir`, `is_git_directory` and `read_gitfile_gently` (`setup.c`), of
//! `validate_headref` (`path.c`) and of `treat_directory` (`dir.c`). In doubt a directory is none: links are not followed,
//! and a `.git` file counts when it leads into the directory of the repository around it, as it does for submodules and
//! linked work trees.

use std::path::{Component, Path, PathBuf};

use gix::bstr::ByteSlice as _;
use gix::index::entry::Mode;

use super::Git;
use crate::sys::named;
use crate::sys::root::{DirEntry, FileKind, Root, limits};

impl Git {
    /// Returns whether git takes a directory of the work tree for another repository, whose files are its own affair. `full`
    /// is its path from the top, with a slash behind it; `dir` where it is.
    pub(super) fn is_other(
        &self,
        index: &gix::index::State,
        full: &str,
        dir: &Path,
        entries: &[DirEntry],
    ) -> bool {
        let name = full.trim_end_matches('/').as_bytes().as_bstr();
        // A submodule, also one whose `.git` is gone; but files that are tracked make it a directory like any other.
        if let Some(entry) = index.entry_by_path(name) {
            return entry.mode == Mode::COMMIT;
        }
        let git = entries.iter().find(|entry| entry.name == ".git");
        let is_one = match git.map(|entry| entry.kind) {
            Some(FileKind::Directory) => is_git_directory(&dir.join(".git"), Path::new("")),
            Some(FileKind::File) => self.is_led_to(dir),
            _ => false,
        };
        is_one && index.prefixed_entries(full.as_bytes().as_bstr()).is_none()
    }

    /// Returns whether the `.git` file of a directory leads to a repository that lies in our own.
    fn is_led_to(&self, dir: &Path) -> bool {
        let Ok(bytes) = named::read(&dir.join(".git"), limits::CONFIG) else {
            return false;
        };
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        let Some(target) = text.strip_prefix("gitdir: ") else {
            return false;
        };
        let target = normal(&dir.join(target.trim_end_matches(['\n', '\r'])));
        let own = normal(self.common_dir());
        target
            .strip_prefix(&own)
            .is_ok_and(|below| is_git_directory(&own, below))
    }
}

/// Returns whether what lies at `below` in a directory is the directory of a repository: a `HEAD` that is one, and
/// `objects` and `refs`, which a linked work tree has elsewhere.
fn is_git_directory(top: &Path, below: &Path) -> bool {
    let root = Root::new(top);
    let path = |dir: &Path, name: &str| dir.join(name).to_str().map(|path| path.replace('\\', "/"));
    let read = |name: &str| root.read_if_there(&path(below, name)?, limits::CONFIG).ok();
    let (Some(Some(head)), Some(common)) = (read("HEAD"), read("commondir")) else {
        return false;
    };
    let common = match common.as_deref().map(std::str::from_utf8) {
        None => Some(below.to_path_buf()),
        Some(Ok(text)) => {
            let common = normal(&top.join(below).join(text.trim_end_matches(['\n', '\r'])));
            common.strip_prefix(normal(top)).ok().map(Path::to_path_buf)
        }
        Some(Err(_)) => None,
    };
    let has = |name: &str| {
        let path = common.as_deref().and_then(|common| path(common, name));
        path.is_some_and(|path| root.is_dir(&path))
    };
    is_head(&head) && has("objects") && has("refs")
}

/// Returns whether the text of a `HEAD` names a ref or a commit.
fn is_head(text: &[u8]) -> bool {
    match text.strip_prefix(b"ref:") {
        Some(name) => name.trim_ascii_start().starts_with(b"refs/"),
        // Forty digits begin the longer hashes as well.
        None => text.len() >= 40 && text[..40].iter().all(u8::is_ascii_hexdigit),
    }
}

/// Returns a path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::{git, open, put};
    use super::*;
    use crate::tree::RepoPath;

    #[test]
    fn what_git_would_add_is_listed_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = &dir.path().canonicalize().expect("there");
        git(root, &["init", "-q"]);
        let at = |path: &str| root.join(path);
        let full = |path: &str| at(path).to_str().expect("UTF-8").to_owned();
        let commit = |path: &str| {
            git(&at(path), &["add", "-A"]);
            git(&at(path), &["commit", "-qm", "one"]);
        };
        let copy = |to: &str, without: &str| {
            git(root, &["init", "-q", &full(to)]);
            fs::remove_dir_all(at(to).join(".git").join(without))
                .or_else(|_| fs::remove_file(at(to).join(".git").join(without)))
                .expect("removed");
            put(root, &format!("{to}/x"), "x\n");
        };
        // Tracked before another repository was made there.
        put(root, "tracked/a", "a\n");
        commit("");
        git(root, &["init", "-q", &full("tracked")]);
        put(root, "tracked/.git/description", "x\n");
        put(root, "tracked/b", "b\n");
        // What has something of a repository.
        fs::create_dir_all(at("empty/.git")).expect("made");
        put(root, "empty/x", "x\n");
        for (place, text) in [
            ("words/.git", "nonsense\n"),
            ("nowhere/.git", "gitdir: ../none\n"),
            ("itself/.git", "gitdir: .\n"),
        ] {
            put(root, place, text);
            put(root, &format!("{}x", place.trim_end_matches(".git")), "x\n");
        }
        copy("headless", "HEAD");
        copy("no-objects", "objects");
        copy("no-refs", "refs");
        copy("bad-head", "HEAD");
        put(root, "bad-head/.git/HEAD", "main\n");
        // Repositories.
        for nested in ["other", "deep/er/other"] {
            git(root, &["init", "-q", &full(nested)]);
            put(root, &format!("{nested}/x"), "x\n");
            commit(nested);
            git(&at(nested), &["checkout", "-q", "--detach"]);
        }
        let modules = full(".git/modules/sub");
        fs::create_dir_all(at(".git/modules")).expect("made");
        git(
            root,
            &["init", "-q", "--separate-git-dir", &modules, &full("sub")],
        );
        put(root, "sub/x", "x\n");
        commit("sub");
        git(root, &["worktree", "add", "-q", "--detach", &full("linked")]);

        let (ours, odd) = open(root).listed();
        assert_eq!(odd, [""; 0]);
        git(root, &["add", "-A"]);
        let listed = git(root, &["ls-files", "-s"]);
        let files = listed.lines().filter(|line| !line.starts_with("160000"));
        let theirs: Vec<&str> = files.filter_map(|line| Some(line.split_once('\t')?.1)).collect();
        assert_eq!(ours, theirs);
        for hidden in ["empty/x", "tracked/b", "bad-head/x"] {
            assert!(theirs.contains(&hidden), "{hidden}: {theirs:?}");
        }
        for own in ["other", "deep/er/other", "sub", "linked"] {
            assert!(
                !theirs.iter().any(|path| path.starts_with(&format!("{own}/"))),
                "{own}"
            );
        }

        // Now that the index has it, a submodule is one without its `.git`, too.
        fs::remove_dir_all(at("other/.git")).expect("removed");
        assert_eq!(open(root).listed().0, theirs);
    }

    #[test]
    fn what_lies_too_deep_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = Root::new(dir.path());
        super::super::init(&root).expect("made");
        let deep = vec!["d"; 70].join("/");
        put(dir.path(), &format!("{deep}/x.yaml"), "x\n");
        put(dir.path(), "y.yaml", "y\n");
        let found = open(dir.path()).work_tree_files(&root).expect("listed");
        assert_eq!(
            found.files.iter().map(RepoPath::as_str).collect::<Vec<_>>(),
            ["y.yaml"]
        );
        assert_eq!(found.deep, Some(vec!["d"; 65].join("/")));
    }

    impl Git {
        /// The files of the whole work tree, and the odd names.
        fn listed(&self) -> (Vec<String>, Vec<String>) {
            let found = self.work_tree_files(&Root::new(self.work_dir())).expect("listed");
            assert_eq!(found.deep, None);
            (found.files.iter().map(ToString::to_string).collect(), found.odd)
        }
    }
}
