//! `clusterwright diff`: the rendered tree against a revision or the work tree.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::Format;
use super::{Outcome, Session, raw, summary};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::{ChangeKind, ChangeSet, json as diff_json};
use crate::pipeline::{self, Before, Compared};
use crate::seal::Sealed;
use crate::tree::{RepoPath, Tree};
use crate::world::lock::{Lock, LockEntry, Sha256};
use crate::world::{Choices, Existing};

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
    let mut catalog = None;
    let prepared = raw::look(&args.raw, &mut catalog, session)?;
    let raw::Prepared {
        tree,
        vault,
        keys,
        before,
        plan,
    } = prepared;
    let diags = &mut session.diags;
    let compared = pipeline::compare_quietly(&mut session.world, tree, (&vault, &keys), &before, diags)?;
    let Compared {
        tree,
        existing,
        changes,
    } = compared;
    let (existing, changes) = if args.worktree {
        (existing, changes)
    } else {
        let kept: BTreeSet<&RepoPath> = changes
            .changes()
            .iter()
            .filter(|change| matches!(change.kind, ChangeKind::Kept))
            .map(|change| &change.path)
            .collect();
        let (existing, changes) = against(&args.revision, &tree, &before, &kept, diags)?;
        (Rc::new(existing), changes)
    };
    let differs = changes
        .differing()
        .any(|change| change.kind.touches_file() || change.kind.is_conflict());
    if session.ui.format != Format::Json {
        let styled = session.ui.is_styled();
        let details = summary::details(&changes, &tree, &existing, styled, true);
        session.ui.print(&details);
        if session.ui.is_human() {
            session.ui.print(&summary::by_app(&changes, plan.as_ref()));
            session.ui.line(&summary::total(&changes));
        }
    }
    let exit = if args.exit_code && differs {
        Exit::Pending
    } else {
        Exit::Success
    };
    Ok((
        exit,
        Some(json!({"changes": diff_json::changes(&changes, &tree, &existing)})),
    ))
}

/// Compares with a revision. There, every file that we know of counts as ours: edits show as differences.
fn against(
    revision: &str,
    tree: &Tree<Sealed>,
    before: &Before,
    kept: &BTreeSet<&RepoPath>,
    diags: &mut Diagnostics,
) -> Result<(Existing, ChangeSet), Aborted> {
    let Some(git) = &before.git else {
        return Err(diags.abort(
            Diagnostic::error("git/none", "there is no git repository to compare with")
                .help("compare with the files as they are: `clusterwright diff --worktree`"),
        ));
    };
    let paths: BTreeSet<&RepoPath> = tree
        .iter()
        .map(|artifact| &artifact.path)
        .chain(before.lock.entries.keys())
        .collect();
    let blobs = match revision {
        "HEAD" => git.read_head(paths),
        revision => git.read_rev(revision, paths),
    };
    let mut blobs = blobs.map_err(|finding| diags.abort(finding))?;
    for path in kept {
        // Your edit stays, so it is no difference that a write would make.
        if let Some(artifact) = tree.get(path) {
            blobs.insert((*path).clone(), artifact.text().as_bytes().to_vec());
        }
    }
    let mut lock = Lock::default();
    for (path, bytes) in &blobs {
        let origin = before
            .lock
            .entries
            .get(path)
            .map_or_else(|| "repo".to_owned(), |entry| entry.origin.clone());
        lock.entries.insert(
            path.clone(),
            LockEntry {
                hash: Sha256::of_text(bytes),
                origin,
                fingerprint: None,
            },
        );
    }
    let existing = Existing::from_files(blobs);
    match ChangeSet::compute(tree, &existing, &lock, &Choices::default()) {
        Ok(changes) => Ok((existing, changes)),
        Err(findings) => Err(diags.abort_all(findings)),
    }
}
