//! `clusterwright resolve`: conflicts between a person's edits and the render, settled place by place.

use std::collections::BTreeSet;

use clap::ValueHint;

use super::configure::{self, How};
use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::Ui;
use super::{Outcome, Session, raw};
use crate::diag::{Aborted, Diagnostic, Diagnostics, argument};
use crate::diff::{Change, ChangeSet};
use crate::pipeline::Run;
use crate::plan::closest;
use crate::tree::{Conflict, RepoPath};
use crate::world::{Choices, Side};

/// Arguments of `resolve`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("resolve", "Ask about every place of every conflict"),
        ("resolve --take yours --yes", "Your edits win everywhere"),
        ("resolve kubernetes/apps/default/echo/app/helmrelease.yaml --take template --at spec.values.replicas", "One place of one file"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {
    /// Settle only the conflicts in these files
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(super) paths: Vec<String>,
    /// Do not ask: which side wins at every place
    #[arg(long, value_enum)]
    pub(super) take: Option<Take>,
    /// With --take and one PATH: only at this place, such as spec.values.replicas
    #[arg(long, value_name = "PLACE", requires = "take")]
    pub(super) at: Vec<String>,
    /// Write without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show the changes and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) raw: raw::Args,
}

/// Which side of a conflict wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Take {
    /// The file as you edited it
    Yours,
    /// What is rendered now
    Template,
}

/// What a person answers.
#[derive(Clone, Copy)]
enum Answer {
    Take(Side),
    Skip,
}

/// Asks about every conflict, then configures with the answers.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let paths = paths(args, &mut session.diags)?;
    let source = args.raw.source(&mut session.diags)?;
    if !args.dry_run {
        session.recover(args.yes)?;
    }
    let ui = &mut session.ui;
    let mut run = Run::of(source, &mut session.world, &mut session.diags);
    let all = &run.compared()?.changes;
    let changes: Vec<Change> = all.conflicts().cloned().collect();
    let known = |path: &RepoPath| all.changes().iter().any(|change| change.path == *path);
    let unknown: Vec<Diagnostic> = paths
        .iter()
        .filter(|path| !known(path))
        .map(|path| no_such_path(path, all))
        .collect();
    if !unknown.is_empty() {
        run.forget();
        return Err(run.abort_all(unknown));
    }
    let choices = match choices(args, &paths, &changes, ui) {
        Ok(choices) => choices,
        Err(finding) => {
            run.forget();
            return Err(run.abort(finding));
        }
    };
    if changes.is_empty() {
        run.forget();
        ui.line("There are no conflicts.");
        return Ok((Exit::Success, None));
    }
    let how = How {
        dry_run: args.dry_run,
        check: false,
        yes: args.yes,
    };
    run.choose(choices);
    configure::carry_out(&run, how, ui)
}

/// A path that was named and is no file of the run: what may be meant.
fn no_such_path(path: &RepoPath, all: &ChangeSet) -> Diagnostic {
    let finding = Diagnostic::error(
        "resolve/no-such-path",
        format!("`{path}` is no file that is rendered, so it has no conflict"),
    );
    // The name of an app, or of a folder.
    let is_in = |change: &&Change| {
        let file = change.path.as_str();
        change.origin.app.split('/').any(|part| part == path.as_str())
            || file
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let below: Vec<String> = all
        .conflicts()
        .filter(is_in)
        .map(|change| argument(change.path.as_str()))
        .collect();
    if !below.is_empty() {
        return finding.help(format!(
            "its conflicts are in these files: `clusterwright resolve {}`",
            below.join(" ")
        ));
    }
    let near = closest(path.as_str(), all.conflicts().map(|change| change.path.as_str()));
    match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None if all.conflicts().next().is_none() => finding.help("there are no conflicts: leave it out"),
        None => finding.help("`clusterwright configure --dry-run` lists the files with conflicts"),
    }
}

/// Asks about the conflicts in `paths`, or in every file.
fn choices(
    args: &Args,
    paths: &BTreeSet<RepoPath>,
    changes: &[Change],
    ui: &mut Ui,
) -> Result<Choices, Diagnostic> {
    let mut choices = Choices::default();
    let mut seen = BTreeSet::new();
    let asked = |change: &&Change| paths.is_empty() || paths.contains(&change.path);
    for change in changes.iter().filter(asked) {
        if change.conflicts.is_empty() {
            match answer(args, change, None, ui)? {
                Answer::Take(Side::Yours) => choices.keep.insert(change.path.clone()),
                Answer::Take(Side::Render) => choices.overwrite.insert(change.path.clone()),
                Answer::Skip => false,
            };
            continue;
        }
        for conflict in &change.conflicts {
            if !args.at.is_empty() && !args.at.contains(&conflict.place) {
                continue;
            }
            seen.insert(conflict.place.clone());
            if let Answer::Take(side) = answer(args, change, Some(conflict), ui)? {
                let sides = choices.resolutions.entry(change.path.clone()).or_default();
                sides.insert(conflict.place.clone(), side);
            }
        }
    }
    if let Some(place) = args.at.iter().find(|place| !seen.contains(*place)) {
        let message = format!("there is no conflict at `{place}`");
        let finding = Diagnostic::error("resolve/no-such-place", message);
        return Err(finding.help("`clusterwright configure --dry-run` lists the places"));
    }
    Ok(choices)
}

fn paths(args: &Args, diags: &mut Diagnostics) -> Result<BTreeSet<RepoPath>, Aborted> {
    let mut paths = BTreeSet::new();
    for path in &args.paths {
        match RepoPath::parse(path) {
            Ok(path) => {
                paths.insert(path);
            }
            Err(error) => diags.push(
                Diagnostic::error("usage/path", format!("`{path}`: {error}"))
                    .help("give the path as it is shown, relative to the directory of cluster.yaml"),
            ),
        }
    }
    diags.checkpoint()?;
    Ok(paths)
}

/// Shows a conflict and returns the answer: from the command line, else from the terminal.
fn answer(
    args: &Args,
    change: &Change,
    conflict: Option<&Conflict>,
    ui: &mut Ui,
) -> Result<Answer, Diagnostic> {
    match args.take {
        Some(Take::Yours) => return Ok(Answer::Take(Side::Yours)),
        Some(Take::Template) => return Ok(Answer::Take(Side::Render)),
        None => {}
    }
    let mut text = format!("\n{}: {}\n", change.path, change.kind.word());
    if let Some(conflict) = conflict {
        let place = if conflict.place.is_empty() {
            "the whole file"
        } else {
            &conflict.place
        };
        text.push_str(&format!("  at {place}\n"));
        if !conflict.hidden {
            for (name, side) in [
                ("was", &conflict.base),
                ("yours", &conflict.yours),
                ("template", &conflict.render),
            ] {
                text.push_str(&format!("  {name}:\n"));
                for line in side.as_deref().unwrap_or("(absent)").lines() {
                    text.push_str(&format!("    {}\n", crate::diag::screen::line(line)));
                }
            }
        }
    }
    ui.say(text.trim_end_matches('\n'));
    match ui.choose("Keep [y]ours, take the [t]emplate's, [s]kip?", &['y', 't', 's']) {
        Some('y') => Ok(Answer::Take(Side::Yours)),
        Some('t') => Ok(Answer::Take(Side::Render)),
        Some(_) => Ok(Answer::Skip),
        None => Err(
            Diagnostic::error("resolve/no-terminal", "there is a conflict, and nobody to ask")
                .in_file(change.path.as_str())
                .help("run it in a terminal, or choose for all places: `--take yours` or `--take template`"),
        ),
    }
}
