//! The files of the input folders.

use std::collections::BTreeSet;

use super::glob;
use super::place::Place;
use super::settings::Settings;
use crate::diag::{Diagnostic, Diagnostics};
use crate::sys::dotgit::is_git_modules;
use crate::sys::root::{FileKind, Refused, Root, TREE, limits};
use crate::tree::RepoPath;

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
pub(super) fn read(root: &Root, settings: &Settings, diags: &mut Diagnostics) -> Vec<Input> {
    let mut found = Vec::new();
    let mut outputs: BTreeSet<RepoPath> = BTreeSet::new();
    let places: Vec<(String, Place)> = settings
        .inputs
        .iter()
        .map(|input| {
            let shown = input.trim_start_matches("./").trim_end_matches('/');
            (shown.to_owned(), Place::of(root, input))
        })
        .collect();
    // Git keeps no empty folder, so one that is missing is one without files.
    if places.iter().all(|(_, place)| matches!(place.look(), Ok(None))) {
        let first = settings.inputs.first();
        let span = first.and_then(|first| settings.place(first, diags));
        let finding = Diagnostic::error("raw/no-input", "none of the `inputs` exists").at_opt(span, "");
        diags.push(
            finding
                .in_file(super::SETTINGS)
                .help("name the folders that hold the templates"),
        );
    }
    for (shown, place) in places {
        match place.look() {
            Ok(None) => {}
            Ok(Some(FileKind::Directory)) => {
                for (path, name) in walk(&place, &shown, settings, diags) {
                    let shown = joined(&shown, &name);
                    let file = File {
                        root: &place.root,
                        path,
                        name,
                        shown,
                    };
                    found.extend(one(file, false, settings, &mut outputs, diags));
                }
            }
            Ok(Some(_)) => {
                let name = shown.rsplit('/').next().unwrap_or(&shown).to_owned();
                let file = File {
                    root: &place.root,
                    path: place.below.clone(),
                    name,
                    shown,
                };
                found.extend(one(file, true, settings, &mut outputs, diags));
            }
            Err(refused) => diags.push(refused.finding("read", &shown)),
        }
    }
    found
}

pub(super) fn joined(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}/{name}")
    }
}

/// A file that was found.
struct File<'a> {
    /// Below what it is opened.
    root: &'a Root,
    /// Its path there.
    path: String,
    /// The path that includes name it by.
    name: String,
    /// What findings call it.
    shown: String,
}

/// Returns the files below an input: their paths below its root, and below itself. A link is a finding, unless it is
/// excluded: it could lead anywhere.
fn walk(place: &Place, shown: &str, settings: &Settings, diags: &mut Diagnostics) -> Vec<(String, String)> {
    let found = match place.root.walk(&place.below, TREE, |_| true) {
        Ok(found) => found,
        Err(refused) => {
            diags.push(refused.finding("read", shown));
            return Vec::new();
        }
    };
    let name = |path: &str| {
        let name = path.strip_prefix(place.below.as_str()).unwrap_or(path);
        name.trim_start_matches('/').to_owned()
    };
    for link in &found.links {
        let (name, at) = (name(link), joined(shown, &name(link)));
        if is_wanted(settings, &name, &at) {
            let finding = Refused::Link { at: at.clone() }.finding("read", &at);
            diags.push(finding.help("or leave it out: add it to `exclude_patterns`"));
        }
    }
    if let Some(at) = &found.cut {
        let at = joined(shown, &name(at));
        diags.push(Refused::TooDeep { at: at.clone() }.finding("read", &at));
    }
    let files = found.files.into_iter();
    files.map(|path| (path.clone(), name(&path))).collect()
}

/// Returns whether the patterns take a file of an input.
fn is_wanted(settings: &Settings, name: &str, shown: &str) -> bool {
    let included = settings
        .include
        .iter()
        .any(|pattern| glob::matches(pattern, name));
    included
        && !settings
            .exclude
            .iter()
            .any(|pattern| glob::matches_end(pattern, shown))
}

fn one(
    File {
        root,
        path,
        name,
        shown,
    }: File<'_>,
    always: bool,
    settings: &Settings,
    outputs: &mut BTreeSet<RepoPath>,
    diags: &mut Diagnostics,
) -> Option<Input> {
    let wanted = always || is_wanted(settings, &name, &shown);
    let is_template = !settings.suffix.is_empty() && has_suffix(&name, &settings.suffix);
    let mut purpose = if is_template || always || settings.suffix.is_empty() {
        Use::Render
    } else {
        Use::Copy
    };
    let mut output = None;
    if wanted {
        let stem = if is_template && !settings.keep_suffix {
            &name[..name.len() - settings.suffix.len()]
        } else {
            &name
        };
        match RepoPath::parse(&format!("{}/{stem}", settings.output)) {
            // Git takes addresses from there, and old versions commands.
            Ok(path) if is_git_modules(path.file_name()) => {
                let message = format!("`{shown}` would write `{path}`, which tells git what to fetch");
                let finding = Diagnostic::error("raw/bad-path", message).in_file(shown);
                diags.push(finding.help("write that file by hand, and exclude the template"));
                return None;
            }
            Ok(path) if outputs.insert(path.clone()) => output = Some(path),
            Ok(_) => purpose = Use::Include,
            Err(error) => {
                let message = format!("the output path of `{shown}` is not usable: {error}");
                let finding = Diagnostic::error("raw/bad-path", message).in_file(shown);
                diags.push(finding.help("`output` must lie in the repository"));
                return None;
            }
        }
    } else {
        purpose = Use::Include;
    }
    let text = match read_text(root, &path, &shown) {
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

fn read_text(root: &Root, path: &str, shown: &str) -> Result<String, Diagnostic> {
    root.read_text(path, limits::RAW)
        .map_err(|refused| match refused {
            Refused::TooLarge { .. } => {
                let message = format!("`{shown}` is larger than 16 MiB");
                Diagnostic::error("raw/too-large", message)
                    .in_file(shown)
                    .help("exclude it")
            }
            Refused::NotText => Diagnostic::warning(
                "raw/not-text",
                format!("`{shown}` is not UTF-8 text and is left out"),
            )
            .in_file(shown)
            .help("copy it by hand, or exclude it"),
            refused => refused.finding("read", shown),
        })
}
