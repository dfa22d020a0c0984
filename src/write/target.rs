//! What stands at a path right now, looked at immediately before it is touched.

use crate::diag::Diagnostic;
use crate::sys::root::{Refused, Root, limits};
use crate::tree::RepoPath;
use crate::world::lock::Sha256;

/// What stands at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetState {
    /// Nothing; the directory above may be missing as well.
    Absent {
        /// Whether the directory is there.
        dir_exists: bool,
    },
    /// A file with this hash.
    File(Sha256),
}

impl TargetState {
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
pub(super) fn look(root: &Root, path: &RepoPath) -> Result<TargetState, Diagnostic> {
    Ok(read(root, path)?.1)
}

/// Looks at a target and returns its bytes, none when it is absent.
pub(super) fn read(root: &Root, path: &RepoPath) -> Result<(Vec<u8>, TargetState), Diagnostic> {
    let name = path.as_str();
    // The diff has read no larger one either.
    match root.read_in_passing(name, limits::OUTPUT) {
        Ok((bytes, _)) => {
            let hash = Sha256::of(&bytes);
            Ok((bytes, TargetState::File(hash)))
        }
        Err(Refused::Absent) => {
            let dir_exists = root.is_dir(path.parent());
            Ok((Vec::new(), TargetState::Absent { dir_exists }))
        }
        Err(Refused::Link { at }) => Err(link(path, &at)),
        Err(Refused::BelowFile { at }) => Err(blocked(path, &at, "is not a directory")),
        Err(Refused::NotRegular { .. }) => Err(blocked(path, name, "is not a file")),
        Err(Refused::TooLarge { .. }) => Err(blocked(path, name, "is larger than anything that is rendered")),
        Err(refused) => Err(refused.finding("look at", name)),
    }
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
