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
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// What the system says about the mark of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark(String);

impl Mark {
    /// Returns where the mark of a transaction or of an undo record lies.
    pub(super) fn file(dir: &Path) -> PathBuf {
        dir.join("mark")
    }

    /// Looks at the mark in `dir`; `None` when there is none of our own.
    pub(super) fn in_dir(dir: &Path) -> Option<Self> {
        let meta = fs::symlink_metadata(Self::file(dir)).ok()?;
        (meta.is_file() && is_own(&meta)).then(|| Self(facts(&meta)))
    }

    /// Reads the text of a mark in a plan.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | ' ' | '-');
        (!text.is_empty() && text.chars().all(plain)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(unix)]
fn facts(meta: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    format!("{} {}.{:09}", meta.ino(), meta.ctime(), meta.ctime_nsec())
}

#[cfg(not(unix))]
fn facts(meta: &Metadata) -> String {
    let made = meta.created().ok();
    let since = made.and_then(|made| made.duration_since(std::time::UNIX_EPOCH).ok());
    format!("0 {}", since.map_or(0, |since| since.as_nanos()))
}

/// Returns whether a file belongs to the user who runs, and to no other name.
#[cfg(unix)]
pub(super) fn is_own(meta: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    meta.uid() == rustix::process::geteuid().as_raw() && (meta.is_dir() || meta.nlink() == 1)
}

#[cfg(not(unix))]
pub(super) fn is_own(_: &Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn marked() -> (tempfile::TempDir, Mark) {
        let dir = tempfile::tempdir().expect("made");
        fs::write(Mark::file(dir.path()), "").expect("written");
        let mark = Mark::in_dir(dir.path()).expect("there");
        (dir, mark)
    }

    #[test]
    fn it_stays_what_it_is_when_its_directory_moves() {
        let (dir, mark) = marked();
        let (from, to) = (dir.path().join("txn"), dir.path().join("undo"));
        fs::create_dir(&from).expect("made");
        fs::rename(Mark::file(dir.path()), Mark::file(&from)).expect("moved");
        let inside = Mark::in_dir(&from).expect("there");
        fs::rename(&from, &to).expect("moved");
        assert_eq!(Mark::in_dir(&to), Some(inside.clone()));
        assert_eq!(Mark::parse(&inside.to_string()), Some(inside));
        assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
    }

    #[test]
    fn a_copy_with_all_that_can_be_copied_is_another() {
        let (dir, mark) = marked();
        let copy = tempfile::tempdir().expect("made");
        let (from, to) = (Mark::file(dir.path()), Mark::file(copy.path()));
        fs::copy(&from, &to).expect("copied");
        let times = fs::metadata(&from).expect("there");
        let times = fs::FileTimes::new()
            .set_modified(times.modified().expect("known"))
            .set_accessed(times.accessed().expect("known"));
        let file = fs::File::options().write(true).open(&to).expect("opened");
        file.set_times(times).expect("set");
        assert_ne!(Mark::in_dir(copy.path()), Some(mark));
    }

    #[test]
    fn links_and_second_names_are_none() {
        let (dir, _) = marked();
        let other = tempfile::tempdir().expect("made");
        std::os::unix::fs::symlink(Mark::file(dir.path()), Mark::file(other.path())).expect("linked");
        assert_eq!(Mark::in_dir(other.path()), None);
        fs::remove_file(Mark::file(other.path())).expect("removed");
        assert_eq!(Mark::in_dir(other.path()), None);
        fs::hard_link(Mark::file(dir.path()), dir.path().join("second")).expect("linked");
        assert_eq!(Mark::in_dir(dir.path()), None);
    }
}
