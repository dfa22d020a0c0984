//! What is on the disk at the paths that matter, read once.

use std::collections::{BTreeMap, BTreeSet};

use crate::sys::root::{FileKind, Refused, Root, limits};
use crate::tree::RepoPath;

/// From how many files on reading is spread over threads.
const PARALLEL_FROM: usize = 128;

/// Most threads that read; more gain nothing on one disk.
const MAX_THREADS: usize = 8;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnDisk {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// The path, or a directory above it, is a symbolic link.
    Symlink {
        /// Which one.
        at: String,
    },
    /// A directory.
    Directory,
    /// Something above it is a file.
    BelowFile {
        /// Which one.
        at: String,
    },
    /// There, and not read: all files together are larger than what is read.
    TooMuch,
    /// There, but it cannot be read.
    Unreadable {
        /// What the system said.
        reason: String,
    },
}

/// The work tree at every rendered path and every path of the lock.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    files: BTreeMap<RepoPath, OnDisk>,
}

impl Existing {
    /// Reads `paths` below `root`, each once. Never fails: what cannot be read is [`OnDisk::Unreadable`].
    pub fn read<'a>(root: &Root, paths: impl IntoIterator<Item = &'a RepoPath>) -> Self {
        let paths: Vec<&RepoPath> = paths.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let threads = std::thread::available_parallelism()
            .map_or(1, std::num::NonZero::get)
            .min(MAX_THREADS);
        if paths.len() < PARALLEL_FROM || threads == 1 {
            return Self {
                files: read_all(root, &paths).into_iter().collect(),
            };
        }
        let chunk = paths.len().div_ceil(threads);
        let parts = std::thread::scope(|scope| {
            let readers: Vec<_> = paths
                .chunks(chunk)
                .map(|part| scope.spawn(move || read_all(root, part)))
                .collect();
            readers
                .into_iter()
                .flat_map(|reader| {
                    reader
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        Self { files: parts }
    }

    /// Builds a snapshot from what was read elsewhere, such as a revision.
    pub fn from_files(files: impl IntoIterator<Item = (RepoPath, Vec<u8>)>) -> Self {
        let file = |bytes| OnDisk::File {
            bytes,
            executable: false,
        };
        Self {
            files: files
                .into_iter()
                .map(|(path, bytes)| (path, file(bytes)))
                .collect(),
        }
    }

    /// Returns the same snapshot as if these files were not there.
    #[must_use]
    pub fn without(&self, paths: &BTreeSet<RepoPath>) -> Self {
        let mut files = self.files.clone();
        files.retain(|path, _| !paths.contains(path));
        Self { files }
    }

    /// Returns what is at `path`; [`OnDisk::Absent`] for a path that was not asked for.
    pub fn get(&self, path: &RepoPath) -> &OnDisk {
        self.files.get(path).unwrap_or(&OnDisk::Absent)
    }

    /// Returns the bytes of the file at `path`.
    pub fn bytes(&self, path: &RepoPath) -> Option<&[u8]> {
        match self.files.get(path) {
            Some(OnDisk::File { bytes, .. }) => Some(bytes),
            _ => None,
        }
    }

    /// Returns every path that was read with what is there, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&RepoPath, &OnDisk)> {
        self.files.iter()
    }
}

fn read_all(root: &Root, paths: &[&RepoPath]) -> Vec<(RepoPath, OnDisk)> {
    paths
        .iter()
        .map(|path| ((*path).clone(), read_one(root, path)))
        .collect()
}

fn read_one(root: &Root, path: &RepoPath) -> OnDisk {
    match root.read_with_meta(path.as_str(), limits::OUTPUT) {
        Ok((bytes, meta)) => OnDisk::File {
            bytes,
            executable: meta.executable,
        },
        Err(Refused::Absent) => OnDisk::Absent,
        Err(Refused::Link { at }) => OnDisk::Symlink { at },
        Err(Refused::BelowFile { at }) => OnDisk::BelowFile { at },
        Err(Refused::NotRegular {
            kind: FileKind::Directory,
        }) => OnDisk::Directory,
        Err(Refused::NotRegular { .. }) => OnDisk::Unreadable {
            reason: "not a regular file".to_owned(),
        },
        Err(Refused::TooMuch) => OnDisk::TooMuch,
        Err(refused) => OnDisk::Unreadable {
            reason: refused.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).expect("valid")
    }

    #[test]
    fn tells_files_from_everything_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        fs::create_dir_all(root.join("real/sub")).expect("made");
        fs::write(root.join("real/file"), "x\r\n").expect("written");
        let paths = [
            "real/file",
            "real/none",
            "none/none",
            "real/sub",
            "real/file/below",
        ]
        .map(path);
        let existing = Existing::read(&Root::new(root), &paths);
        assert_eq!(existing.bytes(&paths[0]), Some(&b"x\r\n"[..]));
        assert_eq!(existing.get(&paths[1]), &OnDisk::Absent);
        assert_eq!(existing.get(&paths[2]), &OnDisk::Absent);
        assert_eq!(existing.get(&paths[3]), &OnDisk::Directory);
        let at = "real/file".to_owned();
        assert_eq!(existing.get(&paths[4]), &OnDisk::BelowFile { at });
        assert_eq!(existing.iter().count(), 5);
    }

    #[cfg(unix)]
    #[test]
    fn sees_links_and_the_executable_bit() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path();
        fs::create_dir_all(root.join("real")).expect("made");
        fs::write(root.join("real/file"), "x").expect("written");
        fs::set_permissions(root.join("real/file"), fs::Permissions::from_mode(0o755)).expect("set");
        symlink("real", root.join("link")).expect("linked");
        symlink("file", root.join("real/link")).expect("linked");
        let paths = ["link/deep/file", "real/link", "real/file"].map(path);
        let existing = Existing::read(&Root::new(root), &paths);
        let link = |at: &str| OnDisk::Symlink { at: at.to_owned() };
        assert_eq!(existing.get(&paths[0]), &link("link"));
        assert_eq!(existing.get(&paths[1]), &link("real/link"));
        let bytes = b"x".to_vec();
        let executable = true;
        assert_eq!(existing.get(&paths[2]), &OnDisk::File { bytes, executable });
    }

    #[test]
    fn threads_read_what_one_thread_reads() {
        let dir = tempfile::tempdir().expect("a directory");
        let paths: Vec<RepoPath> = (0..PARALLEL_FROM * 2)
            .map(|i| path(&format!("d{}/f{i}", i % 7)))
            .collect();
        for (i, path) in paths.iter().enumerate() {
            fs::create_dir_all(dir.path().join(path.parent())).expect("made");
            fs::write(path.under(dir.path()), i.to_string()).expect("written");
        }
        let existing = Existing::read(&Root::new(dir.path()), &paths);
        for (i, path) in paths.iter().enumerate() {
            assert_eq!(existing.bytes(path), Some(i.to_string().as_bytes()), "{path}");
        }
    }
}
