//! Where template files come from: the embedded library, overlaid by the user's own `templates/`.

use std::collections::BTreeMap;
use std::path::Path;

use super::{BUILT_IN, Language};
use crate::diag::{Aborted, Diagnostic, Diagnostics};

/// The folders of a user's `templates/` that are ours to read; others, such as makejinja's `config/`, are left alone.
const LAYERS: [&str; 2] = ["apps", "repo"];
/// Largest template, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Returns the files of the library by path below `templates/`: a user's file wins over the built-in one that gives the
/// same output.
///
/// # Errors
/// When a user's file cannot be read as text.
pub fn files(root: &Path, diags: &mut Diagnostics) -> Result<BTreeMap<String, String>, Aborted> {
    let mut files: BTreeMap<String, String> = BUILT_IN
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    let own = root.join("templates");
    for layer in LAYERS {
        if own.join(layer).is_dir() {
            collect(&own, layer, &mut files, diags);
        }
    }
    diags.checkpoint()?;
    Ok(files)
}

fn collect(own: &Path, below: &str, files: &mut BTreeMap<String, String>, diags: &mut Diagnostics) {
    let dir = own.join(below);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) => return diags.push(Diagnostic::io("read", format!("templates/{below}"), &error)),
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let path = format!("{below}/{name}");
        let shown = format!("templates/{path}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(own, &path, files, diags),
            Ok(kind) if kind.is_file() => match read(&entry.path(), &shown) {
                Ok(text) => {
                    // The same output overrides, whatever its template is written in; two of the user's own collide.
                    let (_, output) = Language::of(&path);
                    let same = ["", ".tera", ".j2"].map(|suffix| format!("{output}{suffix}"));
                    for built_in in same {
                        if is_built_in(files, &built_in) {
                            files.remove(&built_in);
                        }
                    }
                    files.insert(path, text);
                }
                Err(finding) => diags.push(finding),
            },
            _ => diags.push(
                Diagnostic::error(
                    "template/not-a-file",
                    format!("`{shown}` is a symbolic link or a special file"),
                )
                .in_file(&shown)
                .help("put the file itself there"),
            ),
        }
    }
}

/// Returns whether a file is still the built-in one.
fn is_built_in(files: &BTreeMap<String, String>, path: &str) -> bool {
    let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == path);
    built_in.is_some_and(|(_, built_in)| files.get(path).is_some_and(|text| text == built_in))
}

fn read(path: &Path, shown: &str) -> Result<String, Diagnostic> {
    let size = std::fs::metadata(path)
        .map_err(|error| Diagnostic::io("read", shown, &error))?
        .len();
    if size > MAX_BYTES {
        return Err(
            Diagnostic::error("template/too-large", format!("`{shown}` is larger than 4 MiB")).in_file(shown),
        );
    }
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => {
            Diagnostic::error("template/not-text", format!("`{shown}` is not UTF-8 text")).in_file(shown)
        }
        _ => Diagnostic::io("read", shown, &error),
    })
}
