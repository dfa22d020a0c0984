//! The files of the input folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::glob;
use super::settings::Settings;
use crate::diag::{Diagnostic, Diagnostics};
use crate::tree::RepoPath;

/// Largest template, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// What a file of the inputs is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is rendered.
    Render,
    /// It is copied.
    Copy,
    /// It gives nothing by itself; others may include it.
    Include,
}

/// A file of the inputs.
#[derive(Debug)]
pub(super) struct Input {
    /// The path that includes name it by: relative to its input.
    pub(super) name: String,
    /// The path in the repository.
    pub(super) shown: String,
    /// Its text.
    pub(super) text: String,
    /// What it is for.
    pub(super) purpose: Use,
    /// Where the result goes.
    pub(super) output: Option<RepoPath>,
}

/// Reads all files of the inputs; of several for one output, the first counts.
pub(super) fn read(root: &Path, settings: &Settings, diags: &mut Diagnostics) -> Vec<Input> {
    let mut found = Vec::new();
    let mut outputs: BTreeSet<RepoPath> = BTreeSet::new();
    // Git keeps no empty folder, so one that is missing is one without files.
    if !settings.inputs.iter().any(|input| root.join(input).exists()) {
        let finding = Diagnostic::error("raw/no-input", "none of the `inputs` exists");
        diags.push(
            finding
                .in_file(super::SETTINGS)
                .help("name the folders that hold the templates"),
        );
    }
    for input in &settings.inputs {
        let shown = input.trim_start_matches("./").trim_end_matches('/');
        let path = root.join(shown);
        if path.is_file() {
            let name = shown.rsplit('/').next().unwrap_or(shown);
            let file = (path.clone(), name.to_owned(), shown.to_owned());
            found.extend(one(file, true, settings, &mut outputs, diags));
        } else if path.is_dir() {
            let mut files = Vec::new();
            walk(&path, "", &mut files, diags, shown);
            files.sort_by(|(_, a), (_, b)| a.split('/').cmp(b.split('/')));
            for (path, name) in files {
                let shown = if shown.is_empty() {
                    name.clone()
                } else {
                    format!("{shown}/{name}")
                };
                found.extend(one((path, name, shown), false, settings, &mut outputs, diags));
            }
        }
    }
    found
}

/// Collects the files below a folder; links to folders are not followed, as Python does it.
fn walk(dir: &Path, below: &str, files: &mut Vec<(PathBuf, String)>, diags: &mut Diagnostics, shown: &str) {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => return diags.push(Diagnostic::io("read", format!("{shown}/{below}"), &error)),
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let name = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !name.ends_with("/.git") && name != ".git" => {
                walk(&entry.path(), &name, files, diags, shown);
            }
            Ok(_) if entry.path().is_file() => files.push((entry.path(), name)),
            _ => {}
        }
    }
}

fn one(
    (path, name, shown): (PathBuf, String, String),
    always: bool,
    settings: &Settings,
    outputs: &mut BTreeSet<RepoPath>,
    diags: &mut Diagnostics,
) -> Option<Input> {
    let included = always
        || settings
            .include
            .iter()
            .any(|pattern| glob::matches(pattern, &name));
    let excluded = !always
        && settings
            .exclude
            .iter()
            .any(|pattern| glob::matches_end(pattern, &shown));
    let is_template = !settings.suffix.is_empty() && has_suffix(&name, &settings.suffix);
    let mut purpose = if is_template || always || settings.suffix.is_empty() {
        Use::Render
    } else {
        Use::Copy
    };
    let mut output = None;
    if !included || excluded {
        purpose = Use::Include;
    } else {
        let stem = if is_template && !settings.keep_suffix {
            &name[..name.len() - settings.suffix.len()]
        } else {
            &name
        };
        match RepoPath::parse(&format!("{}/{stem}", settings.output)) {
            Ok(path) if outputs.insert(path.clone()) => output = Some(path),
            Ok(_) => purpose = Use::Include,
            Err(error) => {
                let message = format!("the output path of `{shown}` is not usable: {error}");
                let finding = Diagnostic::error("raw/bad-path", message).in_file(shown);
                diags.push(finding.help("`output` must lie in the repository"));
                return None;
            }
        }
    }
    let text = match read_text(&path, &shown) {
        Ok(text) => text,
        // What nobody renders may be anything.
        Err(_) if purpose == Use::Include => return None,
        Err(finding) => {
            diags.push(finding);
            return None;
        }
    };
    Some(Input {
        name,
        shown,
        text,
        purpose,
        output,
    })
}

/// Returns whether a name ends in the suffix, with something before it, as Python's `Path.suffix` has it.
fn has_suffix(name: &str, suffix: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    suffix.rfind('.') == Some(0) && file.len() > suffix.len() && file.ends_with(suffix)
}

fn read_text(path: &Path, shown: &str) -> Result<String, Diagnostic> {
    let size = std::fs::metadata(path)
        .map_err(|error| Diagnostic::io("read", shown, &error))?
        .len();
    if size > MAX_BYTES {
        let message = format!("`{shown}` is larger than 16 MiB");
        return Err(Diagnostic::error("raw/too-large", message)
            .in_file(shown)
            .help("exclude it"));
    }
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => Diagnostic::warning(
            "raw/not-text",
            format!("`{shown}` is not UTF-8 text and is left out"),
        )
        .in_file(shown)
        .help("copy it by hand, or exclude it"),
        _ => Diagnostic::io("read", shown, &error),
    })
}
