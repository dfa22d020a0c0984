//! Where findings are collected.

use super::{Diagnostic, Severity};
use crate::source::SourceMap;

/// Proof that an error has been reported: only the sink makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aborted(());

/// How much had been reported at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(usize);

/// Collects findings and the texts they quote.
#[derive(Debug, Default)]
pub struct Diagnostics {
    /// The texts that spans point into.
    pub sources: SourceMap,
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Reports a finding; the same finding twice counts once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.items.contains(&diagnostic) {
            self.items.push(diagnostic);
        }
    }

    /// Reports a finding that ends the stage.
    pub fn abort(&mut self, diagnostic: Diagnostic) -> Aborted {
        debug_assert_eq!(diagnostic.severity, Severity::Error, "only an error aborts");
        self.push(diagnostic);
        Aborted(())
    }

    /// Reports findings that end the stage, of which one at least is an error.
    pub fn abort_all(&mut self, findings: impl IntoIterator<Item = Diagnostic>) -> Aborted {
        for finding in findings {
            self.push(finding);
        }
        debug_assert!(self.has_errors(), "only an error aborts");
        Aborted(())
    }

    /// Returns what [`Self::rewind`] goes back to, and [`Self::since`] begins at.
    pub fn mark(&self) -> Mark {
        Mark(self.items.len())
    }

    /// Forgets what was reported since `mark`. The texts stay.
    pub fn rewind(&mut self, mark: Mark) {
        self.items.truncate(mark.0);
    }

    /// Returns what was reported since `mark`, in that order.
    pub fn since(&self, mark: Mark) -> &[Diagnostic] {
        self.items.get(mark.0..).unwrap_or_default()
    }

    /// Returns whether an error was reported.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
    }

    /// Ends a stage: `Err` when it, or one before it, reported an error.
    ///
    /// # Errors
    /// When an error was reported.
    pub fn checkpoint(&self) -> Result<(), Aborted> {
        if self.has_errors() {
            Err(Aborted(()))
        } else {
            Ok(())
        }
    }

    /// Returns the findings: errors first, then by file and position, then in the order they were reported.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut items: Vec<_> = self.items.iter().collect();
        items.sort_by_key(|d| {
            let place = d
                .primary
                .as_ref()
                .map(|l| (self.sources.get(l.span.source).name.clone(), l.span.start));
            (d.severity, place.is_none(), place)
        });
        items
    }

    /// Returns how many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.items.iter().filter(|d| d.severity == severity).count()
    }
}
