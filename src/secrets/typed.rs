//! Values that a person typed in clear into an encrypted file.

use sops::{Format, Identities, SopsError};

use super::file::SecretFile;
use crate::diag::{Diagnostic, argument};
use crate::seal;
use crate::sys::Entropy;
use crate::tree::RepoPath;
use crate::vcs::Git;

/// Returns the text of an encrypted file with such values encrypted where they stand; `None` when there are none.
///
/// # Errors
/// When the file cannot be opened, or something else in it was changed by hand as well.
pub fn sealed(
    file: &SecretFile,
    format: Format,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, Diagnostic> {
    let Ok(text) = file.text() else { return Ok(None) };
    let Ok(status) = format.status(text) else {
        return Ok(None);
    };
    if status.unsealed.is_empty() {
        return Ok(None);
    }
    let (before, unread) = versions(file);
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let sealed = format.seal_typed(text, &before, identities, entropy);
    sealed.map_err(|error| match &error {
        SopsError::PlainInScope { path, span } => {
            let line = yaml::line::number(text, span.start);
            let (name, typed) = (&file.name, argument(&file.name));
            let finding = Diagnostic::error(
                "secrets/plain-value",
                format!("`{path}` stands in clear in line {line} of `{name}`, and cannot be encrypted there"),
            )
            .in_file(name);
            let finding = match unread {
                None => finding.note(
                    "the MAC fits neither without it nor with what git has in its place, so that something else was \
                     changed, too",
                ),
                Some(unread) => unread.help.into_iter().fold(
                    finding.note(format!(
                        "the MAC does not fit without it, and what git has in its place is not known: {}",
                        unread.message
                    )),
                    Diagnostic::help,
                ),
            };
            finding.help(format!(
                "put every encrypted line back as it was committed (`git diff {typed}`), then `clusterwright secrets set {typed} \
                 '{path}' --value-stdin`"
            ))
        }
        _ => seal::finding(&error, &file.name),
    })
}

/// Returns the versions of a file that git has in its index and in HEAD, and why one of them could not be read.
fn versions(file: &SecretFile) -> (Vec<String>, Option<Diagnostic>) {
    let git = match Git::discover(file.root()) {
        Ok(git) => git,
        Err(finding) => return (Vec::new(), Some(finding)),
    };
    let (Some(git), Ok(path)) = (git, RepoPath::parse(&file.name)) else {
        return (Vec::new(), None);
    };
    let (mut texts, mut unread) = (Vec::new(), None);
    for blobs in [git.read_index([&path]), git.read_head([&path])] {
        match blobs {
            // One that is no text was not encrypted.
            Ok(blobs) => texts.extend(
                blobs
                    .into_values()
                    .filter_map(|bytes| String::from_utf8(bytes).ok()),
            ),
            Err(finding) => unread = unread.or(Some(finding)),
        }
    }
    (texts, unread)
}
