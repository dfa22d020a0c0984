//! What a rule is.

use std::ops::Range;

use super::manifests::Manifests;
use crate::diag::Severity;
use crate::tree::RepoPath;

/// A check over the whole tree.
#[derive(Debug)]
pub struct Rule {
    /// Stable name; reads well as "allow *name*".
    pub name: &'static str,
    /// How bad a finding is.
    pub level: Severity,
    /// One line.
    pub summary: &'static str,
    /// What `explain` prints: what it does, why it matters, an example, how to fix it, exceptions.
    pub docs: &'static str,
    /// Looks for findings.
    pub run: fn(&Manifests<'_>, &mut Vec<Finding>),
}

/// A place where a rule is broken.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The file.
    pub path: RepoPath,
    /// The bytes to underline.
    pub span: Option<Range<usize>>,
    /// Beside the carets.
    pub label: String,
    /// Lowercase phrase.
    pub message: String,
    /// The edit that mends it.
    pub help: String,
    /// Other places.
    pub also: Vec<(RepoPath, Range<usize>, String)>,
    /// Whether it stands on something that the tree does not say. [`Rule::findings`] leaves it out.
    pub is_guess: bool,
}

impl Rule {
    /// Runs the rule.
    pub fn findings(&self, manifests: &Manifests<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        (self.run)(manifests, &mut findings);
        findings.retain(|finding| !finding.is_guess);
        findings
    }
}

impl Finding {
    /// Starts a finding about a file.
    pub fn new(path: &RepoPath, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            span: None,
            label: String::new(),
            message: message.into(),
            help: help.into(),
            also: Vec::new(),
            is_guess: false,
        }
    }

    /// Underlines bytes of the file.
    #[must_use]
    pub fn at(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.span = Some(span);
        self.label = label.into();
        self
    }
}
