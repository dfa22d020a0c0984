//! `clusterwright diff`: the rendered tree against a revision or the work tree.

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::OutputFormat;
use super::{Outcome, Session, raw, summary};
use crate::diff::json as diff_json;
use crate::pipeline::{Compared, Run};

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("diff", "Against the last commit"),
        ("diff main", "Against a branch"),
        ("diff --worktree --exit-code", "In a script: do the files differ?"),
    ],
    pending: Some("`--exit-code` found differences"),
    environment: &[KEYS],
})]
pub(super) struct Args {
    /// Revision to compare with
    #[arg(default_value = "HEAD", value_name = "REV", conflicts_with = "worktree")]
    pub(super) revision: String,
    /// Compare with the files as they are now
    #[arg(short, long)]
    pub(super) worktree: bool,
    /// Exit with 2 when there are differences
    #[arg(long)]
    pub(super) exit_code: bool,
    #[command(flatten)]
    pub(super) raw: raw::Args,
}

/// Shows differences; never writes.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let source = args.raw.source(&mut session.diags)?;
    let run = Run::of(source, &mut session.world, &mut session.diags);
    let (compared, plan) = (run.compared()?, run.plan()?);
    let other = if args.worktree {
        None
    } else {
        Some(run.against(&args.revision)?)
    };
    let Compared {
        tree,
        existing,
        changes,
    } = other.as_ref().unwrap_or(compared);
    let differs = changes
        .differing()
        .any(|change| change.kind.touches_file() || change.kind.is_conflict());
    if session.ui.format != OutputFormat::Json {
        let styled = session.ui.is_styled();
        let details = summary::details(changes, tree, existing, styled, true);
        session.ui.print(&details);
        if session.ui.is_human() {
            session.ui.print(&summary::by_app(changes, plan));
            session.ui.line(&summary::total(changes));
        }
    }
    let exit = if args.exit_code && differs {
        Exit::Pending
    } else {
        Exit::Success
    };
    Ok((
        exit,
        Some(json!({"changes": diff_json::changes(changes, tree, existing)})),
    ))
}
