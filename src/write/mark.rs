//! How a run knows its own journal again, without a secret and without anything outside of the repository.
//!
//! Each transaction makes an empty file, `mark`, and its plan names what the system says about that file and nobody can
//! choose: the number of its inode, and the time when the inode last changed, to the nanosecond. No tool sets either; the
//! file is never touched again, and moves of the directory leave both as they are. So a plan that came with a clone, an
//! archive or a copy names another mark than the one beside it. Mark and plan must also belong to the user who runs, and
//! the mark have one name only, so that nobody else on the machine makes a pair that fits.
//!
//! Limits, all of which end in a finding and never in an action: a copy of one's own interrupted repository, or one that
//! was moved to another file system, is not known again; nor is one whose owner or permissions were changed as a whole,
//! or that lies on a file system without lasting inode numbers. It proves nothing against a program that runs as the
//! same user, which could write the files themselves just as well. Where there are no inodes, the time of the file's
//! creation stands for both.

use std::fmt;

use crate::sys::root::Root;

/// What the system says about the mark of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MachineMark(String);

impl MachineMark {
    /// Returns where the mark of a transaction or of an undo record lies.
    pub(super) fn file(dir: &str) -> String {
        format!("{dir}/mark")
    }

    /// Looks at the mark in `dir`; `None` when there is none of our own.
    pub(super) fn in_dir(root: &Root, dir: &str) -> Option<Self> {
        let (trace, meta) = root.trace(&Self::file(dir)).ok()?;
        meta.own.then_some(Self(trace))
    }

    /// Reads the text of a mark in a plan.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | ' ' | '-');
        (!text.is_empty() && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for MachineMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn file(root: &Path, dir: &str) -> PathBuf {
        root.join(MachineMark::file(dir))
    }

    fn look(root: &Path, dir: &str) -> Option<MachineMark> {
        MachineMark::in_dir(&Root::new(root), dir)
    }

    fn marked() -> (tempfile::TempDir, MachineMark) {
        let dir = tempfile::tempdir().expect("made");
        fs::create_dir(dir.path().join("one")).expect("made");
        fs::create_dir(dir.path().join("other")).expect("made");
        fs::write(file(dir.path(), "one"), "").expect("written");
        let mark = look(dir.path(), "one").expect("there");
        (dir, mark)
    }

    #[test]
    fn it_stays_what_it_is_when_its_directory_moves() {
        let (dir, mark) = marked();
        assert_eq!(MachineMark::parse(&mark.to_string()), Some(mark.clone()));
        fs::rename(dir.path().join("one"), dir.path().join("moved")).expect("moved");
        assert_eq!(look(dir.path(), "moved"), Some(mark));
    }

    #[test]
    fn a_copy_with_all_that_can_be_copied_is_another() {
        let (dir, mark) = marked();
        let (from, to) = (file(dir.path(), "one"), file(dir.path(), "other"));
        fs::copy(&from, &to).expect("copied");
        let times = fs::metadata(&from).expect("there");
        let times = fs::FileTimes::new()
            .set_modified(times.modified().expect("known"))
            .set_accessed(times.accessed().expect("known"));
        let copy = fs::File::options().write(true).open(&to).expect("opened");
        copy.set_times(times).expect("set");
        assert_ne!(look(dir.path(), "other"), Some(mark));
    }

    #[test]
    fn links_and_second_names_are_none() {
        let (dir, _) = marked();
        let (from, to) = (file(dir.path(), "one"), file(dir.path(), "other"));
        std::os::unix::fs::symlink(&from, &to).expect("linked");
        assert_eq!(look(dir.path(), "other"), None);
        fs::remove_file(&to).expect("removed");
        assert_eq!(look(dir.path(), "other"), None);
        fs::hard_link(&from, dir.path().join("second")).expect("linked");
        assert_eq!(look(dir.path(), "one"), None);
    }
}
