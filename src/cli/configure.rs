//! `clusterwright configure`: the main job.

use clap::ValueHint;
use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::Ui;
use super::{Outcome, Session, raw, summary};
use crate::config::CONFIG_FILES;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::{ChangeKind, ChangeSet, json as diff_json};
use crate::pipeline::{Compared, Run};
use crate::plan::Plan;
use crate::seal::Sealed;
use crate::sys::root::Root;
use crate::tree::{RepoPath, Tree};
use crate::vcs::Git;
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
    let source = args.raw.source(&mut session.diags)?;
    if how.writes() {
        session.recover(how.yes)?;
    }
    let mut run = Run::of(source, &mut session.world, &mut session.diags);
    run.choose(choices);
    carry_out(&run, how, &mut session.ui)
}

/// How far a run goes.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) dry_run: bool,
    pub(super) check: bool,
    pub(super) yes: bool,
}

impl How {
    /// Returns whether the run may write.
    fn writes(self) -> bool {
        !self.dry_run && !self.check
    }
}

/// Shows what a run changes, and writes it.
pub(super) fn carry_out(run: &Run<'_>, how: How, ui: &mut Ui) -> Outcome {
    let plan = run.plan()?;
    private_files(run)?;
    let compared = run.settled()?;
    show(compared, plan, ui);
    let exit = finish(how, compared, run, ui)?;
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

/// Files that hold secrets in clear must not be in git: the side files, and of the configuration's those that hold some.
fn private_files(run: &Run<'_>) -> Result<(), Aborted> {
    let (before, clear) = (run.before()?, run.clear_configs()?);
    let Some(git) = &before.git else { return Ok(()) };
    for name in clear.iter().chain(&side::PRIVATE[1..]) {
        if let Ok(path) = RepoPath::parse(name) {
            match private_file(git, &path) {
                Ok(finding) => finding.into_iter().for_each(|finding| run.push(finding)),
                Err(finding) => run.push(finding),
            }
        }
    }
    run.checkpoint()
}

/// Says when a private file is tracked, or not ignored.
pub(super) fn private_file(git: &Git, path: &RepoPath) -> Result<Option<Diagnostic>, Diagnostic> {
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

fn show(compared: &Compared, plan: &Plan, ui: &mut Ui) {
    if !ui.is_human() {
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
    let styled = ui.is_styled();
    ui.print(&summary::by_app(changes, plan));
    let details = summary::details(changes, tree, existing, styled, false);
    ui.print(&format!("\n{details}\n"));
    if changes.count(ChangeKind::Delete) > 0 {
        ui.line("Flux prunes: once this is pushed, it removes the live objects of deleted files as well.");
    }
    if talos_first(changes) {
        ui.line(
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

fn finish(how: How, compared: &Compared, run: &Run<'_>, ui: &mut Ui) -> Result<Written, Aborted> {
    let human = ui.is_human();
    let total = summary::total(&compared.changes);
    if compared.changes.is_empty() {
        if human {
            ui.line(&format!(
                "Nothing changes ({total}).{}",
                unverified(&compared.tree)
            ));
        }
        return Ok(Written::NothingToDo);
    }
    if human {
        ui.line(&format!("{total}.{}", unverified(&compared.tree)));
    }
    if !how.writes() {
        return Ok(Written::Pending);
    }
    if !how.yes {
        match human.then(|| ui.confirm("Write these changes?")).flatten() {
            Some(true) => {}
            Some(false) => {
                ui.line("Nothing was written.");
                return Ok(Written::Pending);
            }
            None => return Err(run.abort(unconfirmed())),
        }
    }
    run.write(compared)?;
    if human {
        ui.line("Written. Review with `git diff`, then commit and push.");
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
