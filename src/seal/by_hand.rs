//! SOPS files of ours that a person changed: what in them hides nothing any more, or opens no more.

use std::collections::BTreeSet;

use sops::{File, Format, Identities, MacCheck, SopsError, Status};

use super::finding;
use crate::diag::{Diagnostic, Diagnostics, argument};
use crate::known::hidden;
use crate::tree::{RAW_ORIGIN, RepoPath, Tree};
use crate::world::belief::doubt;
use crate::world::choices::Choice;
use crate::world::lock::{Lock, Sha256, git_marker};
use crate::world::{Choices, Existing};

/// Reports such files: nobody's choice carries a secret on in clear. One that the render replaces is left out.
pub fn report<S>(
    tree: &Tree<S>,
    existing: &Existing,
    lock: &Lock,
    choices: &Choices,
    identities: Option<&Identities>,
    diags: &mut Diagnostics,
) {
    let believed = lock
        .entries
        .iter()
        .filter(|(path, entry)| doubt(path, entry).is_none());
    let edited = believed.filter_map(|(path, entry)| {
        let bytes = existing.bytes(path)?;
        (Sha256::of_text(bytes) != entry.hash).then_some(path)
    });
    let all: BTreeSet<&RepoPath> = edited.chain(&choices.keep).collect();
    let stays = |path: &&RepoPath| path.is_sops() && choices.of(path) != Some(Choice::Overwrite);
    for path in all.into_iter().filter(stays) {
        let Some(bytes) = existing.bytes(path) else {
            continue;
        };
        let text = String::from_utf8_lossy(bytes);
        let Some(found) = look(path, &text, identities, diags) else {
            continue;
        };
        let is_raw = lock
            .entries
            .get(path)
            .is_some_and(|entry| entry.origin == RAW_ORIGIN);
        let raw = if is_raw { " --raw" } else { "" };
        let effect = match tree.get(path) {
            Some(_) => "takes the render instead",
            None => "deletes the file, which is no longer rendered",
        };
        let typed = argument(path.as_str());
        diags.push(found.help(format!(
            "`clusterwright configure{raw} --overwrite {typed}` {effect}"
        )));
    }
}

/// Looks at one file.
fn look(
    path: &RepoPath,
    text: &str,
    identities: Option<&Identities>,
    diags: &mut Diagnostics,
) -> Option<Diagnostic> {
    let name = path.as_str();
    let typed = argument(name);
    if let Some(mark) = git_marker(text) {
        let message = format!("`{name}` holds the marks of a merge that was not finished");
        let id = diags.sources.add(name, hidden(text, []));
        return Some(
            Diagnostic::error("merge/not-yaml", message)
                .at(id.span(mark), "git's mark")
                .help(format!(
                    "take one side whole: `git checkout --ours {typed}`, or `--theirs`"
                ))
                .help("`clusterwright secrets install-git` has git merge such files by value from now on"),
        );
    }
    let format = Format::of_text(name, text);
    let status = match format.status(text) {
        Ok(status) => status,
        Err(SopsError::NotEncrypted | SopsError::EmptyDocument) => {
            let message = format!("`{name}` is not encrypted any more");
            return Some(
                Diagnostic::error("secrets/not-encrypted", message)
                    .in_file(name)
                    .help(format!("encrypt it: `clusterwright secrets encrypt -i {typed}`")),
            );
        }
        Err(error) => return Some(finding(&error, name)),
    };
    in_clear(name, text, &status, diags).or_else(|| {
        let file = File::read(format, text).ok()?;
        match file.decrypt(identities?, MacCheck::Verify) {
            Err(error @ (SopsError::MacMismatch | SopsError::NoMac)) => Some(finding(&error, name)),
            // Whoever can open it finds the rest.
            _ => None,
        }
    })
}

/// Returns what is wrong with an encrypted file a part of which stands in clear.
fn in_clear(name: &str, text: &str, status: &Status, diags: &mut Diagnostics) -> Option<Diagnostic> {
    if let Some(at) = status.without_block.first() {
        let line = yaml::line::number(text, at.start);
        let message = format!(
            "the document at line {line} of `{name}` has no `sops` block, so Flux would apply it as it is"
        );
        return Some(
            Diagnostic::error("secrets/no-block", message)
                .in_file(name)
                .help("put it into a file of its own and encrypt that"),
        );
    }
    let (key, at) = status.unsealed.first()?;
    let line = yaml::line::number(text, at.start);
    let more = match status.unsealed.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let message = format!("`{key}` stands in clear in line {line} of `{name}`{more}");
    let id = diags.sources.add(name, hidden(text, [at.clone()]));
    let encrypt = format!("clusterwright secrets encrypt -i {}", argument(name));
    Some(
        Diagnostic::error("secrets/plain-value", message)
            .at(id.span(at.clone()), "not encrypted")
            .help(format!(
                "encrypt it where it stands: `{encrypt}`; if it was pushed, change it"
            )),
    )
}
