//! `clusterwright configure`: the main job.

use clap::ValueHint;
use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::{Outcome, Session, raw, summary};
use crate::config::CONFIG_FILES;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::{ChangeKind, ChangeSet, json as diff_json};
use crate::pipeline::{self, Before, Compared};
use crate::plan::Plan;
use crate::seal::Sealed;
use crate::sys::root::Root;
use crate::tree::{RepoPath, Tree};
use crate::vcs::Repository;
use crate::world::{Choices, side};

/// Arguments of `configure`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("configure", "Show what changes, ask, write"),
        ("configure --dry-run", "Show what changes"),
        ("configure --check", "In CI: is the tree what cluster.yaml says?"),
        ("configure --yes --keep kubernetes/apps/default/echo/app/helmrelease.yaml", "Write, but your version of this file stays"),
    ],
    pending: Some("`--check` found changes, and wrote nothing"),
    environment: &[KEYS],
})]
pub(super) struct Args {
    /// Write without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show the changes and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
    /// Write nothing and exit with 2 when there are changes
    #[arg(long)]
    pub(super) check: bool,
    /// Take the rendered version of a file that you edited or that is not ours
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(super) overwrite: Vec<String>,
    /// Keep your version of a file in conflict
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(super) keep: Vec<String>,
    #[command(flatten)]
    pub(super) raw: raw::Args,
}

/// Does everything: validate, render, check, seal, show, write.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let choices = choices(args, &mut session.diags)?;
    let how = How {
        dry_run: args.dry_run,
        check: args.check,
        yes: args.yes,
    };
    carry_out(choices, how, &args.raw, session)
}

/// How far a run goes.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) dry_run: bool,
    pub(super) check: bool,
    pub(super) yes: bool,
}

/// The same with choices for conflicts.
pub(super) fn carry_out(choices: Choices, how: How, raw: &raw::Args, session: &mut Session<'_>) -> Outcome {
    if !how.dry_run && !how.check {
        session.recover(how.yes)?;
    }
    let mut catalog = None;
    let prepared = raw::prepare(raw, choices, &mut catalog, private_files, session)?;
    let raw::Prepared {
        tree,
        vault,
        keys,
        before,
        plan,
    } = prepared;
    let diags = &mut session.diags;
    let compared = pipeline::compare(&mut session.world, tree, (&vault, &keys), &before, diags)?;
    show(&compared, plan.as_ref(), session);
    let exit = finish(how, &compared, session)?;
    let result = json!({
        "written": exit == Written::Yes,
        "changes": diff_json::changes(&compared.changes, &compared.tree, &compared.existing),
        "talos_first": talos_first(&compared.changes),
        "secrets_not_verified": compared.tree.stage().unverified(),
    });
    let exit = match exit {
        Written::Pending if how.check => Exit::Pending,
        _ => Exit::Success,
    };
    Ok((exit, Some(result)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Yes,
    NothingToDo,
    Pending,
}

fn choices(args: &Args, diags: &mut Diagnostics) -> Result<Choices, Aborted> {
    let mut choices = Choices::default();
    for (set, paths, flag) in [
        (&mut choices.overwrite, &args.overwrite, "--overwrite"),
        (&mut choices.keep, &args.keep, "--keep"),
    ] {
        for path in paths {
            match RepoPath::parse(path) {
                Ok(path) => {
                    set.insert(path);
                }
                Err(error) => diags.push(
                    Diagnostic::error("usage/path", format!("`{flag} {path}`: {error}"))
                        .help("give the path as it is shown, relative to the directory of cluster.yaml"),
                ),
            }
        }
    }
    diags.checkpoint()?;
    Ok(choices)
}

/// Files that hold secrets in clear must not be in git: the side files, and of the configuration's those in `clear`.
fn private_files(before: &Before, clear: &[&str], diags: &mut Diagnostics) -> Result<(), Aborted> {
    let Some(git) = &before.git else { return Ok(()) };
    for name in clear.iter().chain(&side::PRIVATE[1..]) {
        if let Ok(path) = RepoPath::parse(name) {
            match private_file(git, &path) {
                Ok(finding) => finding.into_iter().for_each(|finding| diags.push(finding)),
                Err(finding) => diags.push(finding),
            }
        }
    }
    diags.checkpoint()
}

/// Says when a private file is tracked, or not ignored.
pub(super) fn private_file(git: &Repository, path: &RepoPath) -> Result<Option<Diagnostic>, Diagnostic> {
    if git.is_tracked(path)? {
        let message = format!("`{path}` holds secrets in clear and is tracked by git");
        let mut help =
            format!("`git rm --cached {path}`, add `/{path}` to .gitignore, and replace what it held");
        if CONFIG_FILES.contains(&path.as_str()) {
            help = format!("encrypt it, `clusterwright secrets encrypt -i {path}`; or {help}");
        }
        let finding = match path.as_str() {
            name if CONFIG_FILES.contains(&name) => Diagnostic::warning("git/private-file", message),
            _ => Diagnostic::error("git/private-file", message),
        };
        return Ok(Some(finding.in_file(path.as_str()).help(help)));
    }
    if Root::new(git.root_dir()).is_taken(path.as_str()) && !git.is_ignored(path)? {
        return Ok(Some(
            Diagnostic::warning(
                "git/not-ignored",
                format!("`{path}` holds secrets in clear and is not git-ignored"),
            )
            .in_file(path.as_str())
            .help(format!(
                "add `/{path}` to .gitignore, or run `clusterwright init`"
            )),
        ));
    }
    Ok(None)
}

fn show(compared: &Compared, plan: Option<&Plan>, session: &mut Session<'_>) {
    if !session.ui.is_human() {
        return;
    }
    let Compared {
        tree,
        existing,
        changes,
    } = compared;
    if changes.is_empty() {
        return;
    }
    let styled = session.ui.is_styled();
    session.ui.print(&summary::by_app(changes, plan));
    let details = summary::details(changes, tree, existing, styled, false);
    session.ui.print(&format!("\n{details}\n"));
    if changes.count(ChangeKind::Delete) > 0 {
        session
            .ui
            .line("Flux prunes: once this is pushed, it removes the live objects of deleted files as well.");
    }
    if talos_first(changes) {
        session.ui.line(
            "Both the nodes' configuration and what Flux applies change: apply Talos first, with \
             `talhelper genconfig` and `talhelper gencommand apply` in talos/, and push after it.",
        );
    }
}

/// The versions that nodes are generated for: tuppr brings them to the nodes, one at a time.
const TALOS_VERSIONS: &str = "talos/talenv.yaml";

/// Returns whether nodes that run need another configuration as well as Flux other objects. What Flux applies may count on
/// the nodes, never the other way round.
fn talos_first(changes: &ChangeSet) -> bool {
    let written = [
        ChangeKind::Create,
        ChangeKind::Recreate,
        ChangeKind::Update,
        ChangeKind::Merge,
        ChangeKind::Delete,
    ];
    let below = |prefix: &'static str| {
        let written = changes
            .differing()
            .filter(|change| written.contains(&change.kind));
        written.filter(move |change| change.path.as_str().starts_with(prefix))
    };
    let fresh = below("talos/talconfig.yaml").any(|change| change.kind == ChangeKind::Create);
    let nodes = below("talos/").any(|change| change.path.as_str() != TALOS_VERSIONS);
    nodes && !fresh && below("kubernetes/").next().is_some()
}

fn finish(how: How, compared: &Compared, session: &mut Session<'_>) -> Result<Written, Aborted> {
    let human = session.ui.is_human();
    let total = summary::total(&compared.changes);
    if compared.changes.is_empty() {
        if human {
            session.ui.line(&format!(
                "Nothing changes ({total}).{}",
                unverified(&compared.tree)
            ));
        }
        return Ok(Written::NothingToDo);
    }
    if human {
        session
            .ui
            .line(&format!("{total}.{}", unverified(&compared.tree)));
    }
    if how.dry_run || how.check {
        return Ok(Written::Pending);
    }
    if !how.yes {
        match human
            .then(|| session.ui.confirm("Write these changes?"))
            .flatten()
        {
            Some(true) => {}
            Some(false) => {
                session.ui.line("Nothing was written.");
                return Ok(Written::Pending);
            }
            None => return Err(session.diags.abort(unconfirmed())),
        }
    }
    pipeline::write(&session.world, compared, &mut session.diags)?;
    if human {
        session
            .ui
            .line("Written. Review with `git diff`, then commit and push.");
    }
    Ok(Written::Yes)
}

fn unconfirmed() -> Diagnostic {
    Diagnostic::error(
        "usage/unconfirmed",
        "nobody is there to ask, so nothing was written",
    )
    .help("`--yes` writes without asking, `--dry-run` only shows it, `--check` exits with 2 when there is something to do")
}

fn unverified(tree: &Tree<Sealed>) -> String {
    match tree.stage().unverified() {
        0 => String::new(),
        1 => " 1 secret could not be verified without the private key.".to_owned(),
        count => format!(" {count} secrets could not be verified without the private key."),
    }
}
