//! What a person chose on the command line for paths in conflict.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, ChangeKind, Choice};
use crate::diag::Diagnostic;
use crate::merge::Resolutions;
use crate::tree::RepoPath;

/// `--overwrite PATH`, `--keep PATH` and what was chosen for places in files.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Where the render wins. Also takes an edit back that would otherwise stay ([`ChangeKind::Kept`]).
    pub overwrite: BTreeSet<RepoPath>,
    /// Where the file on the disk wins.
    pub keep: BTreeSet<RepoPath>,
    /// Which side wins at contradicting places of a file.
    pub resolutions: BTreeMap<RepoPath, Resolutions>,
}

impl Choices {
    /// Returns the choice for a path; `--keep` wins, for [`check`] reports the contradiction.
    pub(super) fn of(&self, path: &RepoPath) -> Option<Choice> {
        if self.keep.contains(path) {
            Some(Choice::Keep)
        } else if self.overwrite.contains(path) {
            Some(Choice::Overwrite)
        } else {
            None
        }
    }
}

/// Reports choices that decided nothing. `changes` is sorted by path.
pub(super) fn check(choices: &Choices, changes: &[Change]) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for path in choices.overwrite.intersection(&choices.keep) {
        let message = format!("`--overwrite` and `--keep` both name `{path}`");
        findings.push(
            Diagnostic::error("diff/contradicting-choices", message)
                .in_file(path.as_str())
                .help("give one of the two"),
        );
    }
    let all = choices.overwrite.iter().map(|path| ("--overwrite", path));
    for (flag, path) in all.chain(choices.keep.iter().map(|path| ("--keep", path))) {
        let found = changes.binary_search_by(|c| c.path.cmp(path)).ok();
        let change = found.map(|i| &changes[i]);
        if change.is_none_or(|c| c.choice.is_none()) {
            findings.push(useless(flag, path, change, changes));
        }
    }
    findings
}

fn useless(flag: &str, path: &RepoPath, change: Option<&Change>, changes: &[Change]) -> Diagnostic {
    let message = format!("`{flag} {path}` matches no conflict");
    let finding = Diagnostic::error("diff/useless-choice", message).in_file(path.as_str());
    let finding = match change.map(|c| c.kind) {
        None => finding.note("nothing is rendered there, and the lock does not list it"),
        Some(ChangeKind::Kept) => finding.note("your version stays without it"),
        Some(kind) => finding.note(format!("the file would be: {}", kind.word())),
    };
    let open: Vec<&str> = changes
        .iter()
        .filter(|c| c.kind.is_conflict() || c.choice.is_some())
        .map(|c| c.path.as_str())
        .collect();
    let closest = open
        .iter()
        .map(|other| (strsim::jaro_winkler(other, path.as_str()), other))
        .filter(|(score, _)| *score > 0.9)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match closest {
        Some((_, other)) => finding.help(format!("did you mean `{flag} {other}`?")),
        None => finding.help(format!("leave `{flag} {path}` out")),
    }
}
