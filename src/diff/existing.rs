//! What is on the disk at the paths that matter, read once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

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
    pub fn read<'a>(root: &Path, paths: impl IntoIterator<Item = &'a RepoPath>) -> Self {
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

/// What is known about a directory.
#[derive(Clone)]
enum Dir {
    Real,
    Missing,
    Not(OnDisk),
}

fn read_all(root: &Path, paths: &[&RepoPath]) -> Vec<(RepoPath, OnDisk)> {
    let mut dirs = HashMap::new();
    paths
        .iter()
        .map(|path| {
            let on_disk = match dir(root, path.parent(), &mut dirs) {
                Dir::Real => read_one(root, path),
                Dir::Missing => OnDisk::Absent,
                Dir::Not(what) => what,
            };
            ((*path).clone(), on_disk)
        })
        .collect()
}

/// Looks at a directory and those above it, each once.
fn dir<'a>(root: &Path, path: &'a str, known: &mut HashMap<&'a str, Dir>) -> Dir {
    if path.is_empty() {
        return Dir::Real;
    }
    if let Some(known) = known.get(path) {
        return known.clone();
    }
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    let found = match dir(root, above, known) {
        Dir::Real => match fs::symlink_metadata(root.join(path)) {
            Ok(meta) if meta.is_dir() => Dir::Real,
            Ok(meta) if meta.is_symlink() => Dir::Not(OnDisk::Symlink { at: path.to_owned() }),
            Ok(_) => Dir::Not(OnDisk::BelowFile { at: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Dir::Missing,
            Err(error) => Dir::Not(unreadable(&error)),
        },
        other => other,
    };
    known.insert(path, found.clone());
    found
}

fn read_one(root: &Path, path: &RepoPath) -> OnDisk {
    let full = path.under(root);
    let meta = match fs::symlink_metadata(&full) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return OnDisk::Absent,
        Err(error) => return unreadable(&error),
    };
    if meta.is_symlink() {
        let at = path.as_str().to_owned();
        return OnDisk::Symlink { at };
    }
    if meta.is_dir() {
        return OnDisk::Directory;
    }
    if !meta.is_file() {
        let reason = "not a regular file".to_owned();
        return OnDisk::Unreadable { reason };
    }
    let size = usize::try_from(meta.len()).unwrap_or(0);
    match read_bytes(&full, size) {
        Ok(bytes) => OnDisk::File {
            bytes,
            executable: is_executable(&meta),
        },
        Err(error) => unreadable(&error),
    }
}

/// Reads a file whose size is known already, without asking for it again.
fn read_bytes(path: &Path, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size + 1);
    fs::File::open(path)?.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(error: &io::Error) -> OnDisk {
    OnDisk::Unreadable {
        reason: crate::diag::io_reason(error),
    }
}

#[cfg(unix)]
fn is_executable(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
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
        let existing = Existing::read(root, &paths);
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
        let existing = Existing::read(root, &paths);
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
        let existing = Existing::read(dir.path(), &paths);
        for (i, path) in paths.iter().enumerate() {
            assert_eq!(existing.bytes(path), Some(i.to_string().as_bytes()), "{path}");
        }
    }
}
