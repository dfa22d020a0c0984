//! Exit codes: 0 done or clean, 1 error, 2 changes pending. Usage errors are 1, so that 2 means one thing.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, or clean.
    Success,
    /// Something was wrong, and has been said.
    Failure,
    /// `--check` or `--exit-code` found changes.
    Pending,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::from(0),
            Exit::Failure => Self::from(1),
            Exit::Pending => Self::from(2),
        }
    }
}
