//! `clusterwright secrets set` and `unset`: one value.

use std::io::Read as _;
use std::path::PathBuf;

use sops::{Format, Identities, KeyPath, NewValue, SopsError};
use zeroize::Zeroizing;

use super::{identities, numbers, of_file, of_option, warn_of_others};
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS};
use crate::cli::{Outcome, Session};
use crate::diag::{Aborted, Diagnostic, Severity};
use crate::secrets::{SecretFile, configuration, slip, typed};
use crate::sys::SecretText;
use crate::world::side;

/// Arguments of `secrets set`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets set kubernetes/apps/default/echo/app/secret.sops.yaml stringData.password --value-stdin", "Take the value from standard input: no shell remembers it"),
        ("secrets set kubernetes/apps/default/echo/app/secret.sops.yaml stringData.port 8080 --text", "A value that looks like a number, as text"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(in crate::cli) struct SetArgs {
    /// The SOPS file
    file: PathBuf,
    /// Where: `["stringData"]["password"]` or `stringData.password`; `data` in a binary file
    path: String,
    /// The value: JSON where it is JSON, else text; below `data` and `stringData`, always text. Others on this machine can see it while the command runs
    #[arg(group = "source")]
    value: Option<String>,
    /// Read the value from a file; for a binary file, byte for byte
    #[arg(long, value_name = "FILE", group = "source")]
    value_file: Option<PathBuf>,
    /// Read the value from standard input
    #[arg(long, group = "source")]
    value_stdin: bool,
    /// Take the value as text even if it looks like JSON
    #[arg(long)]
    text: bool,
    /// Document of the file
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    document: u16,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    format: Option<Format>,
}

/// Arguments of `secrets unset`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets unset kubernetes/apps/default/echo/app/secret.sops.yaml stringData.password", "Take one value out"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct UnsetArgs {
    /// The SOPS file
    file: PathBuf,
    /// Where: `["stringData"]["password"]` or `stringData.password`
    path: String,
    /// Document of the file
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    document: u16,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    format: Option<Format>,
}

/// Largest value that is read from standard input, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Puts a value into a file.
pub(super) fn set(args: &SetArgs, session: &mut Session<'_>) -> Outcome {
    let file = SecretFile::read(session.world.root.path(), &args.file)
        .map_err(|finding| session.diags.abort(finding))?;
    let path = KeyPath::parse(&args.path).map_err(|error| session.diags.abort(of_option(&error, "PATH")))?;
    let format = file.format(args.format);
    let value = value(args, format, session).map_err(|finding| session.diags.abort(finding))?;
    let identities = identities(session)?;
    let at = path.within(usize::from(args.document - 1));
    let mended = mended(&file, format, &identities, session)?;
    let old = mended.as_deref().or_else(|| file.text().ok()).unwrap_or_default();
    let new = format.set(old, at, &value, &identities, session.world.entropy);
    let new = new.map(|new| new.or_else(|| mended.clone()));
    if let Ok(Some(new)) = &new {
        let document = usize::from(args.document - 1);
        watch(&file, format, slip::Put { old, new }, &path, document, session)?;
    }
    finish(
        session,
        &file,
        format,
        new,
        &format!("set {path} in {}", file.name),
    )
}

/// Tells of a value for a key that nobody knows, or for a place that is not encrypted.
fn watch(
    file: &SecretFile,
    format: Format,
    put: slip::Put<'_>,
    path: &KeyPath,
    document: usize,
    session: &mut Session<'_>,
) -> Result<(), Aborted> {
    let root = session.world.root.path();
    if let Some(name) = configuration::name_of(root, &file.path, put.new) {
        // Its other keys are there to be read.
        return match configuration::unknown_key(root, name, path) {
            Ok(None) => Ok(()),
            Ok(Some(finding)) | Err(finding) => Err(session.diags.abort(finding)),
        };
    }
    let found = slip::look(file, format, put, path, document);
    match found.map_err(|error| session.diags.abort(of_file(&error, &file.name)))? {
        Some(finding) if finding.severity == Severity::Error => Err(session.diags.abort(finding)),
        found => {
            found.into_iter().for_each(|finding| session.diags.push(finding));
            Ok(())
        }
    }
}

/// Returns the text of a file in which values stand in clear, with these encrypted; `None` when there are none.
fn mended(
    file: &SecretFile,
    format: Format,
    identities: &Identities,
    session: &mut Session<'_>,
) -> Result<Option<String>, Aborted> {
    let mended = file
        .text()
        .and_then(|_| typed::sealed(file, format, identities, session.world.entropy));
    mended.map_err(|finding| session.diags.abort(finding))
}

/// Takes a value out of a file.
pub(super) fn unset(args: &UnsetArgs, session: &mut Session<'_>) -> Outcome {
    let file = SecretFile::read(session.world.root.path(), &args.file)
        .map_err(|finding| session.diags.abort(finding))?;
    let path = KeyPath::parse(&args.path).map_err(|error| session.diags.abort(of_option(&error, "PATH")))?;
    let identities = identities(session)?;
    let at = path.within(usize::from(args.document - 1));
    let format = file.format(args.format);
    let mended = mended(&file, format, &identities, session)?;
    let old = mended.as_deref().or_else(|| file.text().ok()).unwrap_or_default();
    let new = format.unset(old, at, &identities, session.world.entropy);
    finish(
        session,
        &file,
        format,
        new,
        &format!("took {path} out of {}", file.name),
    )
}

/// Writes what came out, if anything changed.
fn finish(
    session: &mut Session<'_>,
    file: &SecretFile,
    format: Format,
    new: Result<Option<String>, SopsError>,
    said: &str,
) -> Outcome {
    match new.map_err(|error| session.diags.abort(of_file(&error, &file.name)))? {
        Some(text) => {
            file.write(&text)
                .map_err(|finding| session.diags.abort(finding))?;
            numbers::warn(session, format, &file.name, file.text().ok(), &text);
            warn_of_others(&file.path, &file.name, format, &text, session);
            session.ui.note(said);
        }
        None => session.ui.note("nothing changes"),
    }
    Ok((Exit::Success, None))
}

/// Returns the value from where it was given. One line break at the end of a single line is dropped, for `echo` and
/// editors add it; a text of several lines, and the bytes of a binary file, stay as they are.
fn value(args: &SetArgs, format: Format, session: &Session<'_>) -> Result<NewValue, Diagnostic> {
    let (bytes, name) = if let Some(file) = &args.value_file {
        let name = file.display().to_string();
        let read = side::read_bytes(&session.world.root.path().join(file), &name)?;
        (read.ok_or_else(|| side::not_found(&name))?, name)
    } else if args.value_stdin {
        (standard_input()?, "standard input".to_owned())
    } else {
        let bytes = args.value.clone().unwrap_or_default().into_bytes();
        (Zeroizing::new(bytes), "the value".to_owned())
    };
    let typed = args.value_file.is_none() && !args.value_stdin;
    if format == Format::Binary && !typed {
        return Ok(NewValue::Bytes(bytes));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Diagnostic::error("side/not-text", format!("{name} is not text"))
            .help("keep bytes that are not text in a binary file")
    })?;
    let line = text
        .strip_suffix('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    let text = match line {
        Some(line) if !typed && !line.contains('\n') => line,
        _ => text,
    };
    Ok(if args.text {
        NewValue::Text(SecretText::new(text.to_owned()))
    } else {
        NewValue::parse(text, format)
    })
}

fn standard_input() -> Result<Zeroizing<Vec<u8>>, Diagnostic> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 << 16));
    let read = std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes);
    let read = read.map_err(|error| Diagnostic::io("read", "standard input", &error))?;
    if read as u64 > MAX_BYTES {
        return Err(
            Diagnostic::error("secrets/argument", "the value is larger than 1 MiB")
                .help("keep values of that size elsewhere; Kubernetes takes no Secret above 1 MiB"),
        );
    }
    Ok(bytes)
}
