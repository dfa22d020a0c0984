//! From a file to its text.

use std::io;

use super::load::CLUSTER;
use crate::diag::{Aborted, Diagnostic, Diagnostics, argument, io_reason};
use crate::sys::root::{FileKind, Refused, Root, limits};
use crate::vcs::private;
use crate::world::above;

/// The most bytes a configuration file may have.
pub const MAX_CONFIG_BYTES: u64 = limits::CONFIG;

pub(super) fn missing(root: &Root, diags: &mut Diagnostics) -> Aborted {
    let finding =
        Diagnostic::error("config/missing-file", format!("there is no `{CLUSTER}` here")).in_file(CLUSTER);
    let other = ["cluster.yml", "config.yaml", "cluster.sample.yaml"];
    let rename = other.iter().find(|name| root.is_file(name));
    let finding = match (rename, above(root.path(), &[CLUSTER])) {
        (Some(name), _) => finding.help(format!("rename `{name}` to `{CLUSTER}`")),
        (None, Some(up)) => {
            let typed = argument(&up);
            finding.help(format!("it is in `{up}`: run the command with `-C {typed}`"))
        }
        (None, None) => finding.help("run `clusterwright init` to write one with placeholders to fill in"),
    };
    diags.abort(finding)
}

/// Reads one file as text, without a byte order mark.
pub(super) fn read(root: &Root, name: &str, diags: &mut Diagnostics) -> Result<Option<String>, Aborted> {
    match read_bytes(root, name) {
        Ok(Some(bytes)) => text_of(bytes, name)
            .map(Some)
            .map_err(|finding| diags.abort(*finding)),
        Ok(None) => Ok(None),
        Err(finding) => Err(diags.abort(*finding)),
    }
}

fn read_bytes(root: &Root, name: &str) -> Result<Option<Vec<u8>>, Box<Diagnostic>> {
    match private::read(root, name, limits::CONFIG) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Refused::Absent) => Ok(None),
        Err(Refused::NotRegular { kind }) => {
            let what = match kind {
                FileKind::Directory => "a directory",
                _ => "not a regular file",
            };
            let finding = Diagnostic::error("config/not-a-file", format!("`{name}` is {what}"));
            let help = format!("move it away and run `clusterwright init` to write `{CLUSTER}`");
            Err(Box::new(finding.in_file(name).help(help)))
        }
        Err(Refused::TooLarge { .. }) => Err(too_large(name)),
        Err(Refused::Io(error)) => Err(unreadable(name, &error)),
        Err(refused) => Err(Box::new(private::finding(&refused, name))),
    }
}

fn unreadable(name: &str, error: &io::Error) -> Box<Diagnostic> {
    let message = format!("cannot read `{name}`: {}", io_reason(error));
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => format!("allow yourself to read it: `chmod u+r {name}`"),
        _ => format!("replace `{name}` by a regular file"),
    };
    Box::new(
        Diagnostic::error("config/unreadable", message)
            .in_file(name)
            .help(help),
    )
}

fn too_large(name: &str) -> Box<Diagnostic> {
    let message = format!("`{name}` is larger than {} MiB", MAX_CONFIG_BYTES / 1024 / 1024);
    let finding = Diagnostic::error("config/too-large", message).in_file(name);
    Box::new(finding.help("check that this is the right file: a configuration has a few kilobytes"))
}

/// Returns the bytes as text, without a byte order mark.
fn text_of(bytes: Vec<u8>, name: &str) -> Result<String, Box<Diagnostic>> {
    let refused = |what: &str, help: &str| {
        let message = format!("`{name}` is not UTF-8 text: {what}");
        Box::new(
            Diagnostic::error("config/not-text", message)
                .in_file(name)
                .help(help),
        )
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refused("it is UTF-16", "save it as UTF-8"));
    }
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        let what = format!(
            "line {} holds a NUL byte, as binary files do",
            line_of(&bytes, at)
        );
        return Err(refused(&what, "check that this is the right file"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let what = format!("line {} holds a byte that is not", line_of(error.as_bytes(), at));
        refused(&what, "save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Returns the 1-based line of a byte.
fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at].split(|byte| *byte == b'\n').count()
}
