//! `clusterwright secrets set` and `unset`: one value.

use std::io::Read as _;

use zeroize::Zeroizing;

use super::args::{Set, Unset};
use super::{identities, of_file, of_option};
use crate::cli::exit::Exit;
use crate::cli::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::secrets::File;
use crate::side;
use crate::sops::{self, KeyPath, NewValue, SopsError};
use crate::sys::SecretText;

/// Largest value that is read from standard input, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Puts a value into a file.
pub(super) fn set(args: &Set, session: &mut Session<'_>) -> Outcome {
    let file = File::read(&session.world.root, &args.file).map_err(|finding| session.diags.abort(finding))?;
    let path = KeyPath::parse(&args.path).map_err(|error| session.diags.abort(of_option(&error, "PATH")))?;
    let text = value(args, session).map_err(|finding| session.diags.abort(finding))?;
    let value = if args.text {
        NewValue::Text(text)
    } else {
        NewValue::parse(text.expose())
    };
    let identities = identities(session)?;
    let document = usize::from(args.document - 1);
    let entropy = &mut *session.world.entropy;
    let new = sops::set(file.text.expose(), document, &path, &value, &identities, entropy);
    finish(session, &file, new, &format!("set {path} in {}", file.name))
}

/// Takes a value out of a file.
pub(super) fn unset(args: &Unset, session: &mut Session<'_>) -> Outcome {
    let file = File::read(&session.world.root, &args.file).map_err(|finding| session.diags.abort(finding))?;
    let path = KeyPath::parse(&args.path).map_err(|error| session.diags.abort(of_option(&error, "PATH")))?;
    let identities = identities(session)?;
    let document = usize::from(args.document - 1);
    let new = sops::unset(
        file.text.expose(),
        document,
        &path,
        &identities,
        session.world.entropy,
    );
    finish(session, &file, new, &format!("took {path} out of {}", file.name))
}

/// Writes what came out, if anything changed.
fn finish(
    session: &mut Session<'_>,
    file: &File,
    new: Result<Option<String>, SopsError>,
    said: &str,
) -> Outcome {
    match new.map_err(|error| session.diags.abort(of_file(&error, &file.name)))? {
        Some(text) => {
            file.write(&text)
                .map_err(|finding| session.diags.abort(finding))?;
            session.ui.note(said);
        }
        None => session.ui.note("nothing changes"),
    }
    Ok((Exit::Success, None))
}

/// Returns the value from where it was given. One line break at the end of a single line is dropped, for `echo` and
/// editors add it; a text of several lines stays as it is.
fn value(args: &Set, session: &Session<'_>) -> Result<SecretText, Diagnostic> {
    let read = if let Some(file) = &args.value_file {
        let name = file.display().to_string();
        side::read_path(&session.world.root.join(file), &name)?.ok_or_else(|| side::not_found(&name))?
    } else if args.value_stdin {
        let mut text = Zeroizing::new(String::with_capacity(1 << 16));
        let read = std::io::stdin().take(MAX_BYTES + 1).read_to_string(&mut text);
        let read = read.map_err(|error| Diagnostic::io("read", "standard input", &error))?;
        if read as u64 > MAX_BYTES {
            return Err(
                Diagnostic::error("secrets/argument", "the value is larger than 1 MiB")
                    .help("keep values of that size elsewhere; Kubernetes takes no Secret above 1 MiB"),
            );
        }
        SecretText::new(std::mem::take(&mut *text))
    } else {
        return Ok(SecretText::new(args.value.clone().unwrap_or_default()));
    };
    let text = read.expose();
    let line = text
        .strip_suffix('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(match line {
        Some(line) if !line.contains('\n') => SecretText::new(line.to_owned()),
        _ => read,
    })
}
