//! Changes for people: a line for each app, then the differences.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::diag::counted;
use crate::diag::screen::{AnsiColor, ScreenStyle};
use crate::diff::text::{self, FileVersions};
use crate::diff::{Cause, Change, ChangeKind, ChangeSet};
use crate::plan::Plan;
use crate::seal::Sealed;
use crate::tree::Tree;
use crate::world::Existing;

fn style(kind: ChangeKind) -> ScreenStyle {
    let color = match kind {
        ChangeKind::Create | ChangeKind::Recreate | ChangeKind::Adopt => AnsiColor::Green,
        ChangeKind::Update | ChangeKind::Merge => AnsiColor::Yellow,
        ChangeKind::Delete | ChangeKind::Forget => AnsiColor::Red,
        ChangeKind::Kept | ChangeKind::Unchanged => return ScreenStyle::new().dimmed(),
        _ => AnsiColor::Magenta,
    };
    ScreenStyle::of(color)
}

/// One line for each app and kind of change, with the keys that decided.
pub(super) fn by_app(changes: &ChangeSet, plan: &Plan) -> String {
    let mut rows: BTreeMap<(&str, ChangeKind, bool), usize> = BTreeMap::new();
    for change in changes.differing() {
        let is_new = changes.cause(change) == Cause::Templates;
        *rows.entry((&change.origin.app, change.kind, is_new)).or_default() += 1;
    }
    let width = rows.keys().map(|(app, ..)| app.len()).max().unwrap_or(0);
    let mut out = String::new();
    for ((app, kind, is_new), count) in rows {
        let style = style(kind);
        let files = counted(count, "file");
        let why = if is_new {
            "new templates".to_owned()
        } else {
            reasons(app, plan)
        };
        let line = format!(
            "  {style}{:<12}{style:#} {app:width$}  {files:<9} {why}",
            kind.word()
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The config keys that decided about an app.
fn reasons(app: &str, plan: &Plan) -> String {
    let mut apps = plan.apps.iter();
    let planned = apps.find(|planned| planned.app.id() == app);
    let reasons = planned
        .map(|planned| planned.reasons.as_slice())
        .unwrap_or_default();
    reasons
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The total in one sentence.
pub(super) fn total(changes: &ChangeSet) -> String {
    let words = [
        (ChangeKind::Create, "created"),
        (ChangeKind::Recreate, "recreated"),
        (ChangeKind::Update, "updated"),
        (ChangeKind::Merge, "merged with your edits"),
        (ChangeKind::Delete, "deleted"),
        (ChangeKind::Adopt, "adopted"),
        (ChangeKind::Forget, "forgotten"),
        (ChangeKind::Kept, "kept as you edited them"),
        (ChangeKind::Unchanged, "unchanged"),
    ];
    let parts: Vec<String> = words
        .iter()
        .map(|(kind, word)| (changes.count(*kind), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!(
        "{}: {}",
        counted(changes.changes().len(), "file"),
        parts.join(", ")
    )
}

/// Every file that a run would change, by where the change comes from.
pub(super) fn by_cause(changes: &ChangeSet) -> String {
    let mut causes: BTreeMap<Cause, Vec<&Change>> = BTreeMap::new();
    for change in changes.differing() {
        causes.entry(changes.cause(change)).or_default().push(change);
    }
    let mut out = String::new();
    for (cause, changes) in causes {
        let _ = writeln!(out, "  {} ({})", cause.words(), changes.len());
        for change in changes {
            let style = style(change.kind);
            let _ = writeln!(
                out,
                "    {style}{:<12}{style:#} {}",
                change.kind.word(),
                change.path
            );
        }
    }
    out
}

/// Up to how many changed files are listed one by one; the summary by app tells the rest.
const LISTED: usize = 40;

/// Every change: updated files as hunks, others as a line, or with `whole` every line of every file.
pub(super) fn details(
    changes: &ChangeSet,
    tree: &Tree<Sealed>,
    existing: &Existing,
    styled: bool,
    whole: bool,
) -> String {
    let mut out = String::new();
    let many = !whole && changes.differing().count() > LISTED;
    for change in changes.differing() {
        if many
            && !matches!(
                change.kind,
                ChangeKind::Update | ChangeKind::Merge | ChangeKind::Delete
            )
        {
            continue;
        }
        let hunks = matches!(change.kind, ChangeKind::Update | ChangeKind::Merge)
            || change.kind.is_conflict()
            || whole;
        match FileVersions::of(change, tree, existing) {
            Some(sides) if hunks => out.push_str(&sides.render(style_of(styled))),
            Some(sides) => {
                let lines = sides.line_counts().filter(|_| !sides.is_sensitive());
                let _ = writeln!(out, "{}", one_line(change, lines));
            }
            None => {
                let _ = writeln!(out, "{}", one_line(change, None));
            }
        }
    }
    out
}

fn one_line(change: &Change, lines: Option<(usize, usize)>) -> String {
    let style = style(change.kind);
    let lines = match lines {
        Some((added, 0)) => format!("  (+{added})"),
        Some((added, removed)) => format!("  (+{added} -{removed})"),
        None => String::new(),
    };
    format!(
        "  {style}{:<12}{style:#} {}{lines}",
        change.kind.word(),
        change.path
    )
}

fn style_of(styled: bool) -> text::Escapes {
    if styled {
        text::Escapes::Styled
    } else {
        text::Escapes::Plain
    }
}
