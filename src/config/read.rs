//! From a file to its text.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use super::load::CLUSTER;
use crate::diag::{Aborted, Diagnostic, Diagnostics, io_reason};

/// The most bytes a configuration file may have, 4 MiB: far beyond any real one, and little enough to read and to
/// quote from.
pub const MAX_CONFIG_BYTES: u64 = 4 * 1024 * 1024;

pub(super) fn missing(root: &Path, diags: &mut Diagnostics) -> Aborted {
    let finding =
        Diagnostic::error("config/missing-file", format!("there is no `{CLUSTER}` here")).in_file(CLUSTER);
    let other = ["cluster.yml", "config.yaml", "cluster.sample.yaml"];
    let finding = match other.iter().find(|name| root.join(name).is_file()) {
        Some(name) => finding.help(format!("rename `{name}` to `{CLUSTER}`")),
        None => finding.help("run `clusterwright init` to write one with placeholders to fill in"),
    };
    diags.abort(finding)
}

/// Reads one file as text, without a byte order mark.
pub(super) fn read(root: &Path, name: &str, diags: &mut Diagnostics) -> Result<Option<String>, Aborted> {
    match read_bytes(&root.join(name), name) {
        Ok(Some(bytes)) => text_of(bytes, name)
            .map(Some)
            .map_err(|finding| diags.abort(*finding)),
        Ok(None) => Ok(None),
        Err(finding) => Err(diags.abort(*finding)),
    }
}

fn read_bytes(path: &Path, name: &str) -> Result<Option<Vec<u8>>, Box<Diagnostic>> {
    let failed = |error: io::Error| unreadable(name, &error);
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "a directory"
        } else {
            "not a regular file"
        };
        let finding = Diagnostic::error("config/not-a-file", format!("`{name}` is {what}"));
        let help = format!("move it away and run `clusterwright init` to write `{CLUSTER}`");
        return Err(Box::new(finding.in_file(name).help(help)));
    }
    // Asked before reading: a file of any size may lie there.
    if metadata.len() > MAX_CONFIG_BYTES {
        return Err(too_large(name));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(MAX_CONFIG_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_CONFIG_BYTES {
        return Err(too_large(name));
    }
    Ok(Some(bytes))
}

fn unreadable(name: &str, error: &io::Error) -> Box<Diagnostic> {
    let message = format!("cannot read `{name}`: {}", io_reason(error));
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => format!("allow yourself to read it: `chmod u+r {name}`"),
        io::ErrorKind::NotFound => format!("remove the broken link `{name}`, or mend its target"),
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
