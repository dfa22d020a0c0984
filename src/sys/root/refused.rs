//! Why something below the root was not opened, and what a person is told.

use std::io;

use super::{FileKind, limits};
use crate::diag::{Diagnostic, io_reason};

/// Why something below the root was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nothing is there, or a directory above is missing.
    #[error("it is not there")]
    Absent,
    /// A part of the path is a symbolic link.
    #[error("`{at}` is a symbolic link")]
    Link {
        /// The path up to the link.
        at: String,
    },
    /// A part above is no directory, or what should be one is none.
    #[error("`{at}` is not a directory")]
    BelowFile {
        /// The path up to it.
        at: String,
    },
    /// No regular file.
    #[error("it is {}", kind.noun())]
    NotRegular {
        /// What it is.
        kind: FileKind,
    },
    /// Larger than what is read of such a file.
    #[error("it is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// All that was read by this root is more than a repository holds.
    #[error("all files together are larger than {} MiB", limits::TOTAL >> 20)]
    TooMuch,
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Something is there that must not be.
    #[error("something is there already")]
    Exists,
    /// Directories lie too deep in each other.
    #[error("the directories below `{at}` lie too deep in each other")]
    TooDeep {
        /// Where it was too much.
        at: String,
    },
    /// Absolute, empty, or with `..`.
    #[error("the path leads out of the repository")]
    Outside,
    /// In git's own directory, by one of its names.
    #[error("the path lies in .git")]
    Git,
    /// What the system said.
    #[error("{}", io_reason(.0))]
    Io(#[from] io::Error),
}

impl Refused {
    /// Returns the finding for an action on a path. Stages that know more of the file say it themselves.
    pub fn finding(&self, action: &str, path: &str) -> Diagnostic {
        let error = |code, what: String| Diagnostic::error(code, what).in_file(path);
        match self {
            Self::Link { at } => {
                let message = if at == path {
                    format!("`{at}` is a symbolic link, which is not followed")
                } else {
                    format!("`{path}` lies below the symbolic link `{at}`, which is not followed")
                };
                error("path/link", message)
                    .note("a link could lead out of the repository, to whatever the person who runs this can read or write")
                    .help(format!("put the file or the directory itself at `{at}`, or remove the link: `rm {at}`"))
            }
            Self::BelowFile { at } => {
                let message = format!("cannot {action} `{path}`: `{at}` is not a directory");
                error("path/not-a-directory", message).help(format!("move it away: `mv {at} {at}.old`"))
            }
            Self::NotRegular { kind } => error(
                "path/not-a-file",
                format!("`{path}` is {}, not a file", kind.noun()),
            )
            .help("put a regular file there, or remove it"),
            Self::TooLarge { limit } => {
                let message = format!("`{path}` is larger than {} MiB", limit >> 20);
                error("path/too-large", message)
                    .help("check that this is the right file: such files are far smaller")
            }
            // It is no fault of the file at which it shows, and the same for all that come after.
            Self::TooMuch => Diagnostic::error(
                "path/too-much",
                format!(
                    "the files that are read are larger than {} MiB together",
                    limits::TOTAL >> 20
                ),
            )
            .help(
                "look for large files, `du -a . | sort -n | tail`, and move them out of the repository; old renders in \
                 `.clusterwright/base` that no line of the lock names can go",
            ),
            Self::NotText => error("path/not-text", format!("`{path}` is not UTF-8 text"))
                .help("save it as UTF-8, or check that this is the right file"),
            Self::TooDeep { at } => {
                let message = format!("the directories below `{at}` lie too deep in each other");
                error("path/too-deep", message)
                    .help(format!("look at what is there, and remove it: `rm -r {at}`"))
            }
            Self::Outside | Self::Git => error("path/outside", format!("cannot {action} `{path}`: {self}"))
                .help("name a path in the repository"),
            Self::Absent => {
                let error = io::Error::new(io::ErrorKind::NotFound, "No such file or directory");
                Diagnostic::io(action, path, &error)
            }
            Self::Exists => {
                let error = io::Error::new(io::ErrorKind::AlreadyExists, "File exists");
                Diagnostic::io(action, path, &error)
            }
            Self::Io(error) => Diagnostic::io(action, path, error),
        }
    }
}
