//! The findings of the diff: what stops the run, and what a person should know.

use super::{Change, ChangeKind, ChangeSet};
use crate::diag::{Diagnostic, Diagnostics, counted};
use crate::sys::root::Refused;
use crate::tree::{RAW_ORIGIN, REPO_ORIGIN, RepoPath};
use crate::world::{Existing, OnDisk};

/// Reports the conflicts as errors, with the choices, and recreated files as notes.
pub fn report(changes: &ChangeSet, existing: &Existing, diags: &mut Diagnostics) {
    recreated(changes, diags);
    for change in changes.changes() {
        if change.kind == ChangeKind::EditedUpdate && !change.conflicts.is_empty() {
            let finding = contradictions(change, existing, diags);
            diags.push(finding);
        } else if let Some(finding) = whole_file(change) {
            diags.push(finding);
        }
    }
}

/// The places of a file that a person and the render changed in different ways.
fn contradictions(change: &Change, existing: &Existing, diags: &mut Diagnostics) -> Diagnostic {
    let path = &change.path;
    let places = change.conflicts.len();
    let message = match places {
        1 => format!("`{path}`: your edit contradicts what is rendered now"),
        _ => format!("`{path}`: your edits contradict what is rendered now, at {places} places"),
    };
    let mut finding = Diagnostic::error("merge/conflict", message);
    let text = existing
        .bytes(path)
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    // Offsets count LF line ends.
    let text = text.filter(|text| !text.contains('\r'));
    let first = change.conflicts.iter().find_map(|conflict| conflict.span.clone());
    finding = match (text, first) {
        (Some(text), Some(span)) => {
            let id = diags.sources.add(path.as_str(), text);
            let span = yaml::line::trim(text, span);
            finding.at(id.span(span), "yours")
        }
        _ => finding.in_file(path.as_str()),
    };
    for conflict in &change.conflicts {
        let place = match conflict.place.as_str() {
            "" => "the whole file",
            place => place,
        };
        finding = if conflict.hidden {
            finding.note(format!("`{place}`: both changed it"))
        } else {
            finding.note(format!(
                "`{place}`: was {}, yours {}, rendered {}",
                snippet(conflict.base.as_deref()),
                snippet(conflict.yours.as_deref()),
                snippet(conflict.render.as_deref())
            ))
        };
    }
    finding
        .help(format!("choose place by place: `clusterwright resolve {path}`"))
        .help(choice("--keep", change, "keeps your version of the file"))
        .help(choice(
            "--overwrite",
            change,
            "takes the render; your edits are lost unless they are committed",
        ))
}

/// The first line of a value, for a note.
fn snippet(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "absent".to_owned();
    };
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first: String = lines.next().unwrap_or_default().trim().chars().take(60).collect();
    match lines.next() {
        Some(_) => format!("`{first}` …"),
        None => format!("`{first}`"),
    }
}

/// How many deleted files are told one by one.
const FEW: usize = 5;

/// Deleted files that come back: each with its app, or many in one.
fn recreated(changes: &ChangeSet, diags: &mut Diagnostics) {
    let all = changes.changes().iter();
    let all: Vec<&Change> = all.filter(|change| change.kind == ChangeKind::Recreate).collect();
    if let [first, second, .., last] = &all[..]
        && all.len() > FEW
    {
        let files = counted(all.len(), "file");
        let message = format!("{files} were deleted and are still rendered: they come back");
        let which = format!("`{}`, `{}`, … `{}`", first.path, second.path, last.path);
        diags.push(
            Diagnostic::note_level("diff/recreated", message)
                .note(which)
                .help("`clusterwright plan` lists the apps and what switches each off"),
        );
        return;
    }
    for change in all {
        let app = &change.origin.app;
        let message = format!(
            "`{}` was deleted and is still rendered: it comes back",
            change.path
        );
        let finding = Diagnostic::note_level("diff/recreated", message).in_file(change.path.as_str());
        // What belongs to the whole tree, or to a namespace with an app in it, nobody can switch off.
        let is_app = ![REPO_ORIGIN, RAW_ORIGIN].contains(&app.as_str()) && !app.ends_with("/namespace");
        diags.push(if is_app {
            finding.help(format!("switch `{app}` off to be rid of it"))
        } else {
            finding
        });
    }
}

/// A help with the command that makes a choice for a file.
fn choice(option: &str, change: &Change, effect: &str) -> String {
    let raw = if change.origin.app == RAW_ORIGIN {
        " --raw"
    } else {
        ""
    };
    format!("`clusterwright configure{raw} {option} {}` {effect}", change.path)
}

fn whole_file(change: &Change) -> Option<Diagnostic> {
    let path = &change.path;
    let finding = match change.kind {
        ChangeKind::EditedUpdate => Diagnostic::error(
            "diff/edited",
            format!("`{path}` was edited by hand, and its render has changed"),
        )
        .note("the version that it was edited from is not in git, so the two cannot be merged")
        .help(choice("--keep", change, "keeps your version"))
        .help(choice(
            "--overwrite",
            change,
            "takes the render; your edit is lost unless it is committed",
        )),
        ChangeKind::EditedDelete => Diagnostic::error(
            "diff/edited-delete",
            format!("`{path}` was edited by hand, and it is no longer rendered"),
        )
        .help(choice("--keep", change, "leaves the file to you"))
        .help(choice("--overwrite", change, "deletes it")),
        ChangeKind::ForeignDiffers => Diagnostic::error(
            "diff/foreign",
            format!("`{path}` was not written by clusterwright and differs from the render"),
        )
        .help(choice("--keep", change, "keeps your version"))
        .help(choice("--overwrite", change, "takes the render"))
        .help("`clusterwright adopt` shows all such files by app and takes over those that you name"),
        _ => return None,
    };
    Some(finding.in_file(path.as_str()))
}

pub(super) fn in_the_way(path: &RepoPath, what: &OnDisk) -> Diagnostic {
    let finding = match what {
        OnDisk::Symlink { at } if at == path.as_str() => Diagnostic::error(
            "diff/symlink",
            format!("`{path}` is a symbolic link; clusterwright writes only real files"),
        )
        .help(format!("replace the link with a file, or delete it: `rm {at}`")),
        // The same finding for every file behind the link, so that it is reported once.
        OnDisk::Symlink { at } => {
            return Diagnostic::error(
                "diff/symlink",
                format!("`{at}` is a symbolic link; clusterwright does not write through links"),
            )
            .in_file(at.as_str())
            .help(format!("replace the link `{at}` with a real directory"));
        }
        OnDisk::Directory => Diagnostic::error(
            "diff/directory-in-the-way",
            format!("`{path}` is a directory, and a file must stand there"),
        )
        .help(format!("move the directory away: `mv {path} {path}.old`")),
        OnDisk::BelowFile { at } => {
            return Diagnostic::error(
                "diff/file-in-the-way",
                format!("`{at}` is a file, and a directory must stand there"),
            )
            .in_file(at.as_str())
            .help(format!("move the file away: `mv {at} {at}.old`"));
        }
        // The same finding for every file, so that it is reported once.
        OnDisk::TooMuch => return Refused::TooMuch.finding("read", path.as_str()),
        OnDisk::Unreadable { reason } => {
            Diagnostic::error("io/failed", format!("cannot read `{path}`: {reason}"))
                .help("clusterwright reads each file that it may replace; make this one readable")
        }
        OnDisk::Absent | OnDisk::File { .. } => {
            Diagnostic::error("internal/diff", format!("`{path}` is not in the way"))
        }
    };
    finding.in_file(path.as_str())
}

pub(super) fn never_ours(path: &RepoPath, reason: &str) -> Diagnostic {
    Diagnostic::error("diff/never-ours", format!("`{path}` is rendered, but {reason}"))
        .in_file(path.as_str())
        .help("remove or rename the template that renders it")
}

pub(super) fn file_and_directory(path: &RepoPath) -> Diagnostic {
    Diagnostic::error(
        "diff/file-and-directory",
        format!("`{path}` is rendered as a file, and other files are rendered below it"),
    )
    .in_file(path.as_str())
    .help("rename one of the templates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fault_of_a_file_is_told_once() {
        let mut sink = Diagnostics::default();
        let link = OnDisk::Symlink { at: "a".to_owned() };
        for name in ["a/b", "a/c", "a/d"] {
            let path = RepoPath::parse(name).expect("a path");
            sink.push(in_the_way(&path, &OnDisk::TooMuch));
            sink.push(in_the_way(&path, &link));
        }
        let codes: Vec<&str> = sink.sorted().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["path/too-much", "diff/symlink"]);
    }
}
