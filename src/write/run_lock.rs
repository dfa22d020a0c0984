//! One run at a time.

use crate::diag::Diagnostic;
use crate::sys::disk::Disk;
use crate::sys::root::{FileKind, Held, Root};
use crate::world::OWN_DIR;

/// The file that is locked, below the root.
const FILE: &str = ".clusterwright/run.lock";

/// Keeps other runs from writing in the same repository; released when dropped, or when the process dies.
///
/// [`super::apply`] and [`super::recover()`] take it themselves, and only when there is something to write: a run that
/// changes nothing leaves no trace. The file stays behind, for removing it would race.
#[derive(Debug)]
pub struct RunLock {
    _held: Held,
}

impl RunLock {
    /// Takes the lock of the repository at `root`, without waiting. A file system that knows no locks is trusted.
    ///
    /// # Errors
    /// When another run holds it, or its file cannot be made.
    pub fn acquire(root: &Root, disk: &mut impl Disk) -> Result<Self, Diagnostic> {
        match root.look(OWN_DIR) {
            Ok(Some(meta)) if meta.kind == FileKind::Directory => {}
            Ok(Some(_)) => return Err(not_ours(OWN_DIR, "a directory")),
            Ok(None) => disk
                .create_dir_all(root, OWN_DIR)
                .map_err(|refused| refused.finding("create", OWN_DIR))?,
            Err(refused) => return Err(refused.finding("open", OWN_DIR)),
        }
        match root.try_lock(FILE) {
            Ok(Some(held)) => Ok(Self { _held: held }),
            Ok(None) => Err(Diagnostic::error(
                "write/another-run",
                "another clusterwright is writing in this repository",
            )
            .in_file(FILE)
            .help("wait until it is done, and run again")),
            Err(refused) => match root.look(FILE) {
                Ok(Some(meta)) if meta.kind != FileKind::File => Err(not_ours(FILE, "a file")),
                _ => Err(refused.finding("lock", FILE)),
            },
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
