//! The disk as `write` sees it: few operations, each of which may fail or be the last one before a kill.

use std::fs;
use std::io;
use std::path::Path;

/// The operations of the write stage. One trait, so that tests can make any of them fail.
pub trait Disk {
    /// Creates a directory and its parents.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir_all(&mut self, path: &Path) -> io::Result<()>;

    /// Writes a whole file, replacing what is there.
    ///
    /// # Errors
    /// What the system says; the file may then hold part of the bytes.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Moves a file over another on the same file system, in one step.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; a file that is not there is fine.
    ///
    /// # Errors
    /// What the system says.
    fn remove_file(&mut self, path: &Path) -> io::Result<()>;

    /// Removes a directory with all that is in it; one that is not there is fine.
    ///
    /// # Errors
    /// What the system says.
    fn remove_dir_all(&mut self, path: &Path) -> io::Result<()>;

    /// Gives the file `to` the permissions of the file `from`, and its owner where the system lets us.
    ///
    /// # Errors
    /// What the system says.
    fn copy_mode(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a directory if it is empty.
    ///
    /// # Errors
    /// What the system says; a directory that is not empty is an error.
    fn remove_empty_dir(&mut self, path: &Path) -> io::Result<()>;
}

/// The real disk.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsDisk;

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl Disk for OsDisk {
    fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(path, bytes)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        ignore_missing(fs::remove_file(path))
    }

    fn remove_dir_all(&mut self, path: &Path) -> io::Result<()> {
        ignore_missing(fs::remove_dir_all(path))
    }

    fn copy_mode(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        super::replace::keep_owner(from, to);
        fs::set_permissions(to, fs::metadata(from)?.permissions())
    }

    fn remove_empty_dir(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }
}
