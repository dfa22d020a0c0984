//! Disks that fail.

use std::fs;
use std::io;

use clusterwright::sys::disk::{Disk, OsDisk};
use clusterwright::sys::root::{FileKind, Refused, Root};

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails without effect; later ones work.
    Error(io::ErrorKind),
    /// It takes effect and is reported as failed; later ones work.
    Lie,
    /// It and all later ones have no effect: the process was killed.
    Kill,
    /// It takes effect by half, then all later ones have none.
    KillHalfway,
    /// The process ends, for real.
    Abort,
}

/// Counts operations and goes wrong at one of them.
pub(crate) struct FaultyDisk {
    fault: Fault,
    at: usize,
    /// Operations so far.
    pub(crate) count: usize,
    dead: bool,
}

impl FaultyDisk {
    /// Goes wrong at operation `at`, counted from 0.
    pub(crate) fn new(fault: Fault, at: usize) -> Self {
        Self {
            fault,
            at,
            count: 0,
            dead: false,
        }
    }

    /// Returns the operation it goes wrong at.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns whether the fault came to pass.
    pub(crate) fn struck(&self) -> bool {
        self.count > self.at
    }

    fn step(
        &mut self,
        half: impl FnOnce() -> Result<(), Refused>,
        whole: impl FnOnce(&mut OsDisk) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let now = self.count;
        self.count += 1;
        let killed = || Refused::Io(io::Error::other("killed"));
        if self.dead {
            return Err(killed());
        }
        if now != self.at {
            return whole(&mut OsDisk);
        }
        match self.fault {
            Fault::Error(kind) => Err(Refused::Io(kind.into())),
            Fault::Lie => {
                let _ = whole(&mut OsDisk);
                Err(Refused::Io(io::Error::other("lost the answer")))
            }
            Fault::Kill => {
                self.dead = true;
                Err(killed())
            }
            Fault::KillHalfway => {
                self.dead = true;
                let _ = half();
                Err(killed())
            }
            Fault::Abort => std::process::abort(),
        }
    }
}

impl Disk for FaultyDisk {
    fn create_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        let half = || match path.rsplit_once('/') {
            Some((above, _)) => root.create_dir_all(above),
            None => Ok(()),
        };
        self.step(half, |disk| disk.create_dir_all(root, path))
    }

    fn write(&mut self, root: &Root, path: &str, bytes: &[u8]) -> Result<(), Refused> {
        // Worse than the real one, which leaves a half of another name.
        let half = || Ok(fs::write(root.path().join(path), &bytes[..bytes.len() / 2])?);
        self.step(half, |disk| disk.write(root, path, bytes))
    }

    fn rename(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        self.step(|| Ok(()), |disk| disk.rename(root, from, to))
    }

    fn remove_file(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        self.step(|| Ok(()), |disk| disk.remove_file(root, path))
    }

    fn remove_dir_all(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        let half = || {
            for entry in root.list(path)?.iter().take(1) {
                let path = format!("{path}/{}", entry.name);
                if entry.kind == FileKind::Directory {
                    root.remove_dir_all(&path)?;
                } else {
                    root.remove_file(&path)?;
                }
            }
            Ok(())
        };
        self.step(half, |disk| disk.remove_dir_all(root, path))
    }

    fn copy_mode(&mut self, root: &Root, from: &str, to: &str) -> Result<(), Refused> {
        self.step(|| Ok(()), |disk| disk.copy_mode(root, from, to))
    }

    fn remove_empty_dir(&mut self, root: &Root, path: &str) -> Result<(), Refused> {
        self.step(|| Ok(()), |disk| disk.remove_empty_dir(root, path))
    }
}
