//! Choices on the command line that decided nothing.

use super::{Change, ChangeKind};
use crate::diag::Diagnostic;
use crate::tree::RepoPath;
use crate::world::Choices;

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
