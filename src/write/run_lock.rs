//! One run at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::OWN_DIR;
use crate::diag::Diagnostic;
use crate::sys::disk::Disk;

/// Keeps other runs from writing in the same repository; released when dropped, or when the process dies.
///
/// [`super::apply`] and [`super::recover()`] take it themselves, and only when there is something to write: a run that
/// changes nothing leaves no trace. The file stays behind, for removing it would race.
#[derive(Debug)]
pub struct RunLock {
    file: Option<File>,
}

impl RunLock {
    /// Takes the lock of the repository at `root`, without waiting. A file system that knows no locks is trusted.
    ///
    /// # Errors
    /// When another run holds it, or its file cannot be made.
    pub fn acquire(root: &Path, disk: &mut impl Disk) -> Result<Self, Diagnostic> {
        let dir = root.join(OWN_DIR);
        let path = dir.join("run.lock");
        match fs::symlink_metadata(&dir) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(not_ours(OWN_DIR, "a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => disk
                .create_dir_all(&dir)
                .map_err(|error| Diagnostic::io("create", &dir, &error))?,
            Err(error) => return Err(Diagnostic::io("open", &dir, &error)),
        }
        if fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_file()) {
            return Err(not_ours(".clusterwright/run.lock", "a file"));
        }
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| Diagnostic::io("open", &path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(Diagnostic::error(
                "write/another-run",
                "another clusterwright is writing in this repository",
            )
            .in_file(".clusterwright/run.lock")
            .help("wait until it is done, and run again")),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Self { file: None })
            }
            Err(TryLockError::Error(error)) => Err(Diagnostic::io("lock", &path, &error)),
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing alone is not enough while a child that was just forked still has the descriptor.
        if let Some(file) = &self.file {
            let _ = file.unlock();
        }
    }
}

fn not_ours(path: &str, what: &str) -> Diagnostic {
    Diagnostic::error("write/own-directory", format!("`{path}` is not {what}"))
        .in_file(path)
        .help(format!(
            "clusterwright keeps its own files there; remove `{path}`"
        ))
}
