//! What stands at a path right now, looked at immediately before it is touched.

use std::fs;
use std::io;
use std::path::Path;

use super::plan::parents;
use crate::diag::Diagnostic;
use crate::lock::Sha256;
use crate::sys::root::limits;
use crate::tree::RepoPath;

/// What stands at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing; the directory above may be missing as well.
    Absent {
        /// Whether the directory is there.
        dir_exists: bool,
    },
    /// A file with this hash.
    File(Sha256),
}

impl State {
    /// Returns whether this is the state with the given hash, `None` for absent.
    pub(super) fn is(self, hash: Option<Sha256>) -> bool {
        match self {
            Self::Absent { .. } => hash.is_none(),
            Self::File(found) => hash == Some(found),
        }
    }
}

/// Looks at a target.
///
/// # Errors
/// When something above it or the target itself is a symbolic link or not what it must be, or cannot be read.
pub(super) fn look(root: &Path, path: &RepoPath) -> Result<State, Diagnostic> {
    Ok(read(root, path)?.1)
}

/// Looks at a target and returns its bytes, none when it is absent.
pub(super) fn read(root: &Path, path: &RepoPath) -> Result<(Vec<u8>, State), Diagnostic> {
    for dir in parents(path.as_str()) {
        match fs::symlink_metadata(root.join(dir)) {
            Ok(meta) if meta.is_dir() => {}
            Ok(meta) if meta.is_symlink() => return Err(link(path, dir)),
            Ok(_) => return Err(blocked(path, dir, "is not a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Vec::new(), State::Absent { dir_exists: false }));
            }
            Err(error) => return Err(Diagnostic::io("look at", root.join(dir), &error)),
        }
    }
    let full = path.under(root);
    match fs::symlink_metadata(&full) {
        // The diff has read no larger one either.
        Ok(meta) if meta.is_file() && meta.len() > limits::OUTPUT => Err(blocked(
            path,
            path.as_str(),
            "is larger than anything that is rendered",
        )),
        Ok(meta) if meta.is_file() => {
            let bytes = fs::read(&full).map_err(|error| Diagnostic::io("read", &full, &error))?;
            let hash = Sha256::of(&bytes);
            Ok((bytes, State::File(hash)))
        }
        Ok(meta) if meta.is_symlink() => Err(link(path, path.as_str())),
        Ok(_) => Err(blocked(path, path.as_str(), "is not a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok((Vec::new(), State::Absent { dir_exists: true }))
        }
        Err(error) => Err(Diagnostic::io("look at", &full, &error)),
    }
}

/// Returns whether something stands at a path, a broken link included.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn link(path: &RepoPath, at: &str) -> Diagnostic {
    Diagnostic::error(
        "write/symlink",
        format!("cannot write `{path}`: `{at}` is a symbolic link"),
    )
    .in_file(path.as_str())
    .help(format!(
        "replace the link `{at}` with a real file or directory, and run again"
    ))
}

fn blocked(path: &RepoPath, at: &str, what: &str) -> Diagnostic {
    Diagnostic::error(
        "write/in-the-way",
        format!("cannot write `{path}`: `{at}` {what}"),
    )
    .in_file(path.as_str())
    .help(format!("move it away, `mv {at} {at}.old`, and run again"))
}
