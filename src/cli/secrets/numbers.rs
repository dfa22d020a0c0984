//! Numbers that not all releases of `sops` read alike.

use sops::{Format, Status};

use crate::cli::Session;
use crate::diag::Diagnostic;

/// Warns of the numbers in a new text of a file that were not in the one before.
pub(super) fn warn(session: &mut Session<'_>, format: Format, name: &str, before: Option<&str>, text: &str) {
    let inexact = |text: &str| {
        format
            .status(text)
            .map_or_else(|_| Vec::new(), |Status { inexact, .. }| inexact)
    };
    let known = before.map_or_else(Vec::new, inexact);
    for (path, span) in inexact(text) {
        if !known.iter().any(|(there, _)| *there == path) {
            let line = yaml::line::number(text, span.start);
            session.diags.push(newer_only(name, &path, line));
        }
    }
}

/// The finding for a number that is not read alike by all releases of `sops`.
fn newer_only(name: &str, path: &str, line: usize) -> Diagnostic {
    Diagnostic::warning(
        "secrets/number",
        format!("`sops` before 3.13.2 will not open `{name}`: it reads the number `{path}` differently (line {line})"),
    )
    .in_file(name)
    .help("if such a release must open it, make the number a text, in quotes")
    .help("or encrypt with `--mac-only-encrypted`, so that the MAC leaves it out")
}
