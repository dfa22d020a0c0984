//! The disk as `write` sees it: few operations below a root, each of which may fail or be the last one before a kill.

use super::root::{Access, Refused, Root};

/// The operations of the write stage. One trait, so that tests can make any of them fail. Paths are relative to the root.
pub trait Disk {
    /// Creates a directory and its parents.
    ///
    /// # Errors
    /// Those of [`Root::create_dir_all`].
    fn create_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused>;

    /// Writes a whole file, replacing what is there.
    ///
    /// # Errors
    /// Those of [`Root::replace`].
    fn write(&mut self, root: &Root, path: &str, bytes: &[u8]) -> Result<(), Refused>;

    /// Moves a file over another in one step, or a directory to a name that is free.
    ///
    /// # Errors
    /// Those of [`Root::rename`].
    fn rename(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused>;

    /// Removes a file; a file that is not there is fine.
    ///
    /// # Errors
    /// Those of [`Root::remove_file`].
    fn remove_file(&mut self, root: &Root, path: &str) -> Result<(), Refused>;

    /// Removes a directory with all that is in it; one that is not there is fine.
    ///
    /// # Errors
    /// Those of [`Root::remove_dir_all`].
    fn remove_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused>;

    /// Gives the file `to` the permissions of the file `from`, and its owner where the system lets us.
    ///
    /// # Errors
    /// Those of [`Root::copy_mode`].
    fn copy_mode(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused>;

    /// Removes a directory if it is empty.
    ///
    /// # Errors
    /// Those of [`Root::remove_empty_dir`]; a directory that is not empty is an error.
    fn remove_empty_dir(&mut self, root: &Root, path: &str) -> Result<(), Refused>;
}

/// The real disk: what the root does.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn create_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        root.create_dir_all(path)
    }

    fn write(&mut self, root: &Root, path: &str, bytes: &[u8]) -> Result<(), Refused> {
        root.replace(path, bytes, Access::Kept)
    }

    fn rename(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        root.rename(from, to)
    }

    fn remove_file(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        root.remove_file(path)
    }

    fn remove_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        root.remove_dir_all(path)
    }

    fn copy_mode(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        root.copy_mode(from, to)
    }

    fn remove_empty_dir(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        root.remove_empty_dir(path)
    }
}
