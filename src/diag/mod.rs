//! Findings: one type, one sink, one renderer per format.
//!
//! Wrong input, a broken world (a file that cannot be read) and a failed rule are all [`Diagnostic`]s. A stage
//! reports to the [`Diagnostics`] sink, collects everything it can, and returns [`Aborted`] when the next stage must
//! not start.

mod argument;
pub mod catalogue;
pub mod concise;
mod counted;
pub mod human;
pub mod json;
pub mod screen;
mod sink;

pub use argument::argument;
pub use counted::counted;
pub use sink::{Aborted, Diagnostics, Mark};

use crate::source::Span;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The run stops with exit code 1.
    Error,
    /// Worth mending; the run goes on.
    Warning,
    /// For information.
    Note,
}

impl Severity {
    /// Returns the word shown to users.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A marked range with what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The range.
    pub span: Span,
    /// Shown beside the carets; may be empty.
    pub text: String,
}

/// One finding: what is wrong, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name, `topic/what-is-wrong`; the [`catalogue`] has an entry for each.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Lowercase phrase that can stand alone; never holds a secret.
    pub message: String,
    /// The place to edit.
    pub primary: Option<Label>,
    /// Other places that matter, possibly in other files.
    pub secondary: Vec<Label>,
    /// The file, when there is no text to quote.
    pub path: Option<String>,
    /// What explains the finding.
    pub notes: Vec<String>,
    /// The edits or commands that mend it, in the imperative.
    pub help: Vec<String>,
}

impl Diagnostic {
    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            primary: None,
            secondary: Vec::new(),
            path: None,
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Starts an error.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Starts a warning.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Starts a note.
    #[must_use]
    pub fn note_level(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    /// Reports that the system refused an action on a file, with what the system said.
    #[must_use]
    pub fn io(action: &str, path: impl AsRef<std::path::Path>, error: &std::io::Error) -> Self {
        let path = path.as_ref().display().to_string();
        let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
        Self::error(
            "io/failed",
            format!("cannot {action} `{path}`: {}", io_reason(error)),
        )
        .in_file(path)
    }

    /// Sets the primary place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.primary = Some(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Sets the primary place when there is one.
    #[must_use]
    pub fn at_opt(self, span: Option<Span>, text: impl Into<String>) -> Self {
        match span {
            Some(span) => self.at(span, text),
            None => self,
        }
    }

    /// Adds a second place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// Names the file when no text of it can be quoted.
    #[must_use]
    pub fn in_file(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Adds an explanation.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds an edit or command that mends it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// Returns what the system said, without the error number.
pub(crate) fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
