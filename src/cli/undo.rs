//! `clusterwright undo`: takes the last run back.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::exit::Exit;
use super::help::Help;
use super::{Outcome, Session};
use crate::diag::screen::{AnsiColor, ScreenStyle};
use crate::diag::{Diagnostic, Diagnostics, counted};
use crate::diff::redact;
use crate::diff::text::{self, FileVersions};
use crate::pipeline;
use crate::raw;
use crate::world::BASE_DIR;
use crate::world::lock::{LOCK_FILE, Lock};
use crate::write::Reverted;

/// Arguments of `undo`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("undo --dry-run", "What the last run wrote"),
        ("undo", "Take it back, after a question"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// Take it back without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show what would be taken back and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
}

/// Shows what the last run did the other way round, and takes it back.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    if !args.dry_run {
        session.recover(args.yes)?;
    }
    let (record, files) = pipeline::last_run(&session.world, &mut session.diags)?;
    let human = session.ui.is_human();
    if human {
        let text = show(&files, session.ui.is_styled());
        session.ui.print(&text);
    }
    let undone = if args.dry_run {
        false
    } else if args.yes {
        true
    } else {
        match human.then(|| session.ui.confirm("Take this back?")).flatten() {
            Some(answer) => answer,
            None => return Err(session.diags.abort(unconfirmed())),
        }
    };
    if undone {
        pipeline::undo(&session.world, &record, &mut session.diags)?;
    }
    if human {
        session.ui.line(if !undone {
            "Nothing was taken back."
        } else if raw::is_raw(&session.world.root) {
            "Taken back. Your templates and their data are as you left them: the next `clusterwright configure --raw` \
             follows them again."
        } else {
            "Taken back. cluster.yaml is as you left it: the next `clusterwright configure` follows it again."
        });
    }
    Ok((
        Exit::Success,
        Some(json!({"undone": undone, "changes": machine(&files)})),
    ))
}

fn unconfirmed() -> Diagnostic {
    Diagnostic::error(
        "usage/unconfirmed",
        "nobody is there to ask, so nothing was taken back",
    )
    .help("`clusterwright undo --yes` takes it back without asking, `--dry-run` only shows it")
}

/// What an undo does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    /// The run deleted it; it comes back.
    Restore,
    /// The run changed it; the bytes before come back.
    Revert,
    /// The run created it; it goes.
    Delete,
}

impl Way {
    fn of(file: &Reverted) -> Self {
        match (&file.now, &file.before) {
            (None, _) => Self::Restore,
            (_, None) => Self::Delete,
            _ => Self::Revert,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Revert => "revert",
            Self::Delete => "delete",
        }
    }

    fn style(self) -> ScreenStyle {
        let color = match self {
            Self::Restore => AnsiColor::Green,
            Self::Revert => AnsiColor::Yellow,
            Self::Delete => AnsiColor::Red,
        };
        ScreenStyle::of(color)
    }
}

fn sides(file: &Reverted) -> FileVersions<'_> {
    FileVersions {
        path: &file.path,
        old: file.now.as_deref(),
        new: file.before.as_deref(),
    }
}

/// The files without the lock and the bases of merges, which are bookkeeping.
fn visible(files: &[Reverted]) -> impl Iterator<Item = &Reverted> {
    let own = |path: &str| path == LOCK_FILE || path.starts_with(BASE_DIR);
    files.iter().filter(move |file| !own(file.path.as_str()))
}

fn show(files: &[Reverted], styled: bool) -> String {
    let mut out = String::new();
    let style = if styled {
        text::Escapes::Styled
    } else {
        text::Escapes::Plain
    };
    for file in visible(files) {
        let way = Way::of(file);
        if way == Way::Revert {
            out.push_str(&sides(file).render(style));
        } else {
            let color = way.style();
            let _ = writeln!(out, "  {color}{:<12}{color:#} {}", way.word(), file.path);
        }
    }
    let count = |way| visible(files).filter(|file| Way::of(file) == way).count();
    let parts: Vec<String> = [
        (Way::Revert, "reverted"),
        (Way::Restore, "restored"),
        (Way::Delete, "deleted"),
    ]
    .into_iter()
    .map(|(way, word)| (count(way), word))
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    let total = match visible(files).count() {
        0 => "No file changes, only `clusterwright.lock` is as before.".to_owned(),
        total => format!("{}: {}.", counted(total, "file"), parts.join(", ")),
    };
    let _ = writeln!(out, "{total}");
    if count(Way::Delete) > 0 {
        out.push_str(
            "Flux prunes: if the run was pushed already, the live objects of deleted files go as well.\n",
        );
    }
    out
}

fn machine(files: &[Reverted]) -> Vec<Value> {
    let lock = |side: fn(&Reverted) -> Option<&[u8]>| {
        let file = files.iter().find(|file| file.path.as_str() == LOCK_FILE);
        let text = file
            .and_then(side)
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        Lock::parse(text.unwrap_or_default(), &mut Diagnostics::default()).unwrap_or_default()
    };
    let locks = [
        lock(|file| file.now.as_deref()),
        lock(|file| file.before.as_deref()),
    ];
    visible(files)
        .map(|file| {
            let entry = locks.iter().find_map(|lock| lock.entries.get(&file.path));
            let mut change = json!({"path": file.path, "change": Way::of(file)});
            if let Some(entry) = entry {
                change["app"] = json!(entry.origin);
            }
            let sides = sides(file);
            if sides.is_sensitive() {
                let diff = redact::compare(sides.old, sides.new);
                change["keys"] = json!(diff.keys);
                change["notes"] = json!(diff.notes);
            } else if let Some((added, removed)) = sides.line_counts() {
                change["added"] = json!(added);
                change["removed"] = json!(removed);
            }
            change
        })
        .collect()
}
