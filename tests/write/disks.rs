//! Disks that fail.

use std::fs;
use std::io;
use std::path::Path;

use clusterwright::sys::disk::{Disk, OsDisk};

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
        half: impl FnOnce() -> io::Result<()>,
        whole: impl FnOnce(&mut OsDisk) -> io::Result<()>,
    ) -> io::Result<()> {
        let now = self.count;
        self.count += 1;
        let killed = || io::Error::other("killed");
        if self.dead {
            return Err(killed());
        }
        if now != self.at {
            return whole(&mut OsDisk);
        }
        match self.fault {
            Fault::Error(kind) => Err(kind.into()),
            Fault::Lie => {
                let _ = whole(&mut OsDisk);
                Err(io::Error::other("lost the answer"))
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
    fn create_dir_all(&mut self, path: &Path) -> io::Result<()> {
        let half = || path.parent().map_or(Ok(()), fs::create_dir_all);
        self.step(half, |disk| disk.create_dir_all(path))
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let half = || fs::write(path, &bytes[..bytes.len() / 2]);
        self.step(half, |disk| disk.write(path, bytes))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Ok(()), |disk| disk.rename(from, to))
    }

    fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        self.step(|| Ok(()), |disk| disk.remove_file(path))
    }

    fn remove_dir_all(&mut self, path: &Path) -> io::Result<()> {
        let half = || {
            for entry in fs::read_dir(path)?.flatten().take(1) {
                let path = entry.path();
                if path.is_dir() {
                    fs::remove_dir_all(path)?;
                } else {
                    fs::remove_file(path)?;
                }
            }
            Ok(())
        };
        self.step(half, |disk| disk.remove_dir_all(path))
    }

    fn copy_mode(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(|| Ok(()), |disk| disk.copy_mode(from, to))
    }

    fn remove_empty_dir(&mut self, path: &Path) -> io::Result<()> {
        self.step(|| Ok(()), |disk| disk.remove_empty_dir(path))
    }
}
