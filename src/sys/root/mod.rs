//! The repository's root: the only way to what lies below it.
//!
//! A repository may be a stranger's. Nothing in it, no link, no name, no device, leads a command out of it: paths are
//! relative to the root and checked; no part of one may be a symbolic link; only regular files are read, and no more
//! than a limit of each; what is written appears whole or not at all.
//!
//! Linux resolves a path below the root's handle in one call that refuses links (`openat2`). Other Unix systems, and old
//! kernels, go from handle to handle, each opened without following. Where there are no handles, every part is looked at
//! first.
//!
//! What is not opened here, by name: private keys where `docs/trust.md` says, git's own directory and configuration, the
//! directory of `$EDITOR`, and paths that the command line names (see `tests/meta/boundary.rs`).

pub mod limits;
mod listing;
#[cfg(any(test, not(unix)))]
mod portable;
mod refused;
#[cfg(unix)]
mod unix;
mod walk;

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use super::replace::Access;
pub use listing::{DirEntry, Listing, OddName};
pub use refused::Refused;
pub use walk::{Bounds, TREE, Walked};

use super::dotgit::is_git_dir;

/// How the names of drafts begin: files that are to take another's place, and are left over when a run is killed.
pub const DRAFT: &str = ".clusterwright-";

/// What stands somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, whatever it names.
    Link,
    /// A device, a pipe or a socket.
    Special,
}

impl FileKind {
    /// Returns what people call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a device, a pipe or a socket",
        }
    }
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub len: u64,
    /// Whether its owner may run it.
    pub executable: bool,
    /// Whether it belongs to the user who runs and, unless it is a directory, has no other name. Where the system has no
    /// owners, everything does.
    pub own: bool,
}

/// The root of a repository. Cheap to clone; opened at its first use, and once.
#[derive(Debug, Clone)]
pub struct Root(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    #[cfg(unix)]
    handle: std::sync::OnceLock<rustix::fd::OwnedFd>,
    way: Way,
    /// How many bytes were read.
    read: AtomicU64,
}

impl Inner {
    /// Counts what is about to be read.
    fn spend(&self, bytes: u64) -> Result<(), Refused> {
        let before = self.read.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > limits::TOTAL {
            return Err(Refused::TooMuch);
        }
        Ok(())
    }
}

/// How paths are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(test),
    allow(dead_code, reason = "tests go every way, a program the best of its system")
)]
enum Way {
    /// By the kernel in one call, part by part where it cannot.
    Best,
    /// From handle to handle.
    #[cfg(unix)]
    Handles,
    /// By looking at every part first.
    #[cfg(any(test, not(unix)))]
    Portable,
}

macro_rules! by_way {
    ($self:ident, $name:ident($($arg:expr),*)) => {
        match $self.0.way {
            #[cfg(unix)]
            Way::Best | Way::Handles => unix::$name(&$self.0, $($arg),*),
            #[cfg(not(unix))]
            Way::Best => portable::$name(&$self.0, $($arg),*),
            #[cfg(any(test, not(unix)))]
            Way::Portable => portable::$name(&$self.0, $($arg),*),
        }
    };
}

impl Root {
    /// Names a directory as the root. The path is the person's, links in it are followed. Where nothing is there,
    /// everything below is absent.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with(path.into(), Way::Best)
    }

    fn with(path: PathBuf, way: Way) -> Self {
        Self(Arc::new(Inner {
            path,
            #[cfg(unix)]
            handle: std::sync::OnceLock::new(),
            way,
            read: AtomicU64::new(0),
        }))
    }

    /// Returns the path of the root itself, for what is shown, for git, and for what a person named relative to it. What
    /// lies below is opened by the other methods.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Reads a regular file of at most `limit` bytes (see [`limits`]).
    ///
    /// # Errors
    /// When it is absent, below a link or one itself, no regular file, too large, or the system refuses.
    pub fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, Refused> {
        self.read_with_meta(path, limit).map(|(bytes, _)| bytes)
    }

    /// Reads a regular file, and what else is known of it.
    ///
    /// # Errors
    /// Those of [`Root::read`].
    pub fn read_with_meta(&self, path: &str, limit: u64) -> Result<(Vec<u8>, Meta), Refused> {
        checked_file(path)?;
        let (file, meta) = by_way!(self, open(path))?;
        regular(meta, path)?;
        if meta.len > limit {
            return Err(Refused::TooLarge { limit });
        }
        self.0.spend(meta.len)?;
        Ok((read_all(&file, meta.len, limit)?, meta))
    }

    /// Reads a regular file that is not kept in memory, and what else is known of it: it does not count among what is
    /// read by this root together.
    ///
    /// # Errors
    /// Those of [`Root::read`] but [`Refused::TooMuch`].
    pub fn read_in_passing(&self, path: &str, limit: u64) -> Result<(Vec<u8>, Meta), Refused> {
        checked_file(path)?;
        let (file, meta) = by_way!(self, open(path))?;
        regular(meta, path)?;
        Ok((read_all(&file, meta.len, limit)?, meta))
    }

    /// Reads a file that may be absent.
    ///
    /// # Errors
    /// Those of [`Root::read`] but [`Refused::Absent`].
    pub fn read_if_there(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, Refused> {
        match self.read(path, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Refused::Absent) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// Reads a file as text.
    ///
    /// # Errors
    /// Those of [`Root::read`], and when it is not UTF-8.
    pub fn read_text(&self, path: &str, limit: u64) -> Result<String, Refused> {
        String::from_utf8(self.read(path, limit)?).map_err(|_| Refused::NotText)
    }

    /// Reads a file, which may be absent, as text.
    ///
    /// # Errors
    /// Those of [`Root::read_text`] but [`Refused::Absent`].
    pub fn read_text_if_there(&self, path: &str, limit: u64) -> Result<Option<String>, Refused> {
        match self.read_text(path, limit) {
            Ok(text) => Ok(Some(text)),
            Err(Refused::Absent) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// Tells what stands at a path, a link itself included; `None` for nothing. The empty path is the root.
    ///
    /// # Errors
    /// When the path lies below a link or a file, or the system refuses.
    pub fn look(&self, path: &str) -> Result<Option<Meta>, Refused> {
        checked(path)?;
        match by_way!(self, look(path)) {
            Ok(meta) => Ok(Some(meta)),
            Err(Refused::Absent) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    /// Returns what the system says of a file and nobody can choose: the number of its inode, and the time when that last
    /// changed. Where there are no inodes, the time when the file was made. Digits, dots, blanks and minus signs.
    ///
    /// # Errors
    /// When it is absent, below a link, no regular file, or the system refuses.
    pub fn trace(&self, path: &str) -> Result<(String, Meta), Refused> {
        checked_file(path)?;
        let (trace, meta) = by_way!(self, trace(path))?;
        regular(meta, path)?;
        Ok((trace, meta))
    }

    /// Returns whether a regular file stands at a path, with no link in any part.
    pub fn is_file(&self, path: &str) -> bool {
        matches!(
            self.look(path),
            Ok(Some(Meta {
                kind: FileKind::File,
                ..
            }))
        )
    }

    /// Returns whether a directory stands at a path, with no link in any part.
    pub fn is_dir(&self, path: &str) -> bool {
        matches!(
            self.look(path),
            Ok(Some(Meta {
                kind: FileKind::Directory,
                ..
            }))
        )
    }

    /// Returns whether anything stands at a path, or in its way: links, special files, and what cannot be looked at.
    pub fn is_taken(&self, path: &str) -> bool {
        !matches!(self.look(path), Ok(None))
    }

    /// Lists a directory, sorted by name; names that are not UTF-8 are left out. The empty path is the root.
    ///
    /// # Errors
    /// When it is absent, below a link or one itself, no directory, or the system refuses.
    pub fn list(&self, path: &str) -> Result<Vec<DirEntry>, Refused> {
        self.list_all(path).map(|listing| listing.entries)
    }

    /// Lists a directory with the names in it that are not UTF-8, for whoever must not pass anything over.
    ///
    /// # Errors
    /// Those of [`Root::list`].
    pub fn list_all(&self, path: &str) -> Result<Listing, Refused> {
        checked(path)?;
        let mut listing: Listing = by_way!(self, list(path))?;
        listing.entries.sort_by(|a, b| a.name.cmp(&b.name));
        listing.odd.sort();
        Ok(listing)
    }

    /// Makes a file that must not be there yet: whole or not at all. The directory above must be there.
    ///
    /// # Errors
    /// [`Refused::Exists`] when something is there, a link included; otherwise those of [`Root::replace`].
    pub fn create_new(&self, path: &str, bytes: &[u8], access: Access) -> Result<(), Refused> {
        checked_file(path)?;
        by_way!(self, write(path, bytes, access, true))
    }

    /// Makes a file, or replaces a regular one in one step: a reader sees the old bytes or the new ones. With
    /// [`Access::Kept`] the mode stays, and the owner where the system lets us; with [`Access::Private`] only the owner
    /// can read it. The directory above must be there.
    ///
    /// # Errors
    /// When the path lies below a link, or is one or anything else than a regular file, or the system refuses; what was
    /// there is then as it was.
    pub fn replace(&self, path: &str, bytes: &[u8], access: Access) -> Result<(), Refused> {
        checked_file(path)?;
        by_way!(self, write(path, bytes, access, false))
    }

    /// Removes the drafts of killed runs from a directory; what a run works on stays, and what belongs to somebody else.
    ///
    /// # Errors
    /// When the directory is absent, below a link or one itself, or the system refuses to list it.
    pub fn remove_drafts(&self, path: &str) -> Result<(), Refused> {
        checked(path)?;
        by_way!(self, remove_drafts(path))
    }

    /// Makes a directory and those above it. One that is there is fine.
    ///
    /// # Errors
    /// When a part is a link or a file, or the system refuses.
    pub fn create_dir_all(&self, path: &str) -> Result<(), Refused> {
        checked(path)?;
        // Most are there already: one call.
        if self.is_dir(path) {
            return Ok(());
        }
        let ends = path.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            let part = &path[..end];
            match by_way!(self, create_dir(part)) {
                Ok(()) => {}
                Err(Refused::Exists) => match self.look(part)?.map(|meta| meta.kind) {
                    Some(FileKind::Directory) => {}
                    Some(FileKind::Link) => return Err(Refused::Link { at: part.to_owned() }),
                    _ => return Err(Refused::BelowFile { at: part.to_owned() }),
                },
                Err(refused) => return Err(refused),
            }
        }
        Ok(())
    }

    /// Makes the directories above a path.
    ///
    /// # Errors
    /// Those of [`Root::create_dir_all`].
    pub fn create_parents(&self, path: &str) -> Result<(), Refused> {
        match path.rsplit_once('/') {
            Some((above, _)) => self.create_dir_all(above),
            None => Ok(()),
        }
    }

    /// Lets only its owner into a directory (mode 0700). Where the system has no modes, nothing happens.
    ///
    /// # Errors
    /// When it is absent, below a link or one itself, or the system refuses.
    pub fn make_private(&self, path: &str) -> Result<(), Refused> {
        checked_file(path)?;
        by_way!(self, make_private(path))
    }

    /// Moves a file over another in one step, or a directory to a name that is free.
    ///
    /// # Errors
    /// When a part of either is a link, what is moved is absent or neither, something else than a regular file stands at
    /// the target of a file, anything at that of a directory, or the system refuses.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), Refused> {
        checked_file(from)?;
        checked_file(to)?;
        let moved = self.look(from)?.ok_or(Refused::Absent)?;
        match self.look(to)? {
            Some(_) if moved.kind == FileKind::Directory => return Err(Refused::Exists),
            Some(meta) => regular(meta, to)?,
            None => {}
        }
        if moved.kind != FileKind::Directory {
            regular(moved, from)?;
        }
        by_way!(self, rename(from, to))
    }

    /// Gives the file `to` the mode of the file `from`, and its owner where the system lets us.
    ///
    /// # Errors
    /// When either is absent, below a link or no regular file, or the system refuses.
    pub fn copy_mode(&self, from: &str, to: &str) -> Result<(), Refused> {
        checked_file(from)?;
        checked_file(to)?;
        by_way!(self, copy_mode(from, to))
    }

    /// Removes a file, a link or a special file by its name; what a link names stays. One that is not there is fine.
    ///
    /// # Errors
    /// When it is a directory, a part above is a link, or the system refuses.
    pub fn remove_file(&self, path: &str) -> Result<(), Refused> {
        checked_file(path)?;
        absent_is_fine(by_way!(self, remove_file(path)))
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// When it is absent, not empty, no directory, below a link, or the system refuses.
    pub fn remove_empty_dir(&self, path: &str) -> Result<(), Refused> {
        checked_file(path)?;
        by_way!(self, remove_dir(path))
    }

    /// Removes a directory with all that is in it, and follows no link in it. One that is not there is fine.
    ///
    /// # Errors
    /// When it is no directory, a part of it is a link, directories lie too deep in each other, or the system refuses.
    pub fn remove_dir_all(&self, path: &str) -> Result<(), Refused> {
        checked_file(path)?;
        match self.look(path)? {
            None => return Ok(()),
            Some(meta) if meta.kind == FileKind::Directory => {}
            Some(meta) if meta.kind == FileKind::Link => return Err(Refused::Link { at: path.to_owned() }),
            Some(_) => return Err(Refused::BelowFile { at: path.to_owned() }),
        }
        absent_is_fine(by_way!(self, remove_tree(path)))
    }

    /// Takes a lock on a file without waiting, and makes the file where it is absent; `None` when somebody has it. A file
    /// system that knows no locks is trusted.
    ///
    /// # Errors
    /// When it is below a link, or no regular file, or the system refuses.
    pub fn try_lock(&self, path: &str) -> Result<Option<Held>, Refused> {
        checked_file(path)?;
        let file = by_way!(self, lock_file(path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held(Some(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                Ok(Some(Held(None)))
            }
            Err(TryLockError::Error(error)) => Err(Refused::Io(error)),
        }
    }
}

/// A lock on a file; released when dropped, or when the process dies.
#[derive(Debug)]
pub struct Held(Option<File>);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing alone is not enough while a child that was just forked still has the descriptor.
        if let Some(file) = &self.0 {
            let _ = file.unlock();
        }
    }
}

fn absent_is_fine(result: Result<(), Refused>) -> Result<(), Refused> {
    match result {
        Err(Refused::Absent) => Ok(()),
        other => other,
    }
}

/// Passes a regular file.
fn regular(meta: Meta, path: &str) -> Result<(), Refused> {
    match meta.kind {
        FileKind::File => Ok(()),
        FileKind::Link => Err(Refused::Link { at: path.to_owned() }),
        kind => Err(Refused::NotRegular { kind }),
    }
}

/// Reads a file to its end, which may have moved since its size was asked for.
pub(super) fn read_all(file: &File, len: u64, limit: u64) -> Result<Vec<u8>, Refused> {
    if len > limit {
        return Err(Refused::TooLarge { limit });
    }
    // One more, so that the end is seen without another allocation.
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(Refused::TooLarge { limit });
    }
    Ok(bytes)
}

/// Returns a name for a file that is to take another's place.
fn draft_name() -> Result<String, Refused> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(format!("{DRAFT}{:016x}", u64::from_le_bytes(bytes)))
}

/// Returns whether a name is one that [`draft_name`] makes.
#[cfg(any(unix, test))]
fn is_draft(name: &str) -> bool {
    name.strip_prefix(DRAFT).is_some_and(|rest| {
        rest.len() == 16
            && rest
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// Replaces a file that a person named, wherever it lies, in one step, as [`Root::replace`] does. Links above it are
/// followed; one in its own place is refused.
pub(super) fn replace_named(target: &Path, bytes: &[u8], access: Access) -> Result<(), Refused> {
    #[cfg(unix)]
    return unix::write_named(target, bytes, access);
    #[cfg(not(unix))]
    return portable::write_named(target, bytes, access);
}

/// Passes a path that names something below the root, or the root itself as the empty path.
fn checked(path: &str) -> Result<(), Refused> {
    if path.is_empty() {
        return Ok(());
    }
    for part in path.split('/') {
        let outside = matches!(part, "" | "." | "..") || part.contains('\0');
        // What is a separator or a drive somewhere else.
        if outside || (cfg!(windows) && part.contains(['\\', ':'])) {
            return Err(Refused::Outside);
        }
        if is_git_dir(part) {
            return Err(Refused::Git);
        }
    }
    Ok(())
}

/// Passes a path that names something below the root.
fn checked_file(path: &str) -> Result<(), Refused> {
    if path.is_empty() {
        return Err(Refused::Outside);
    }
    checked(path)
}
