//! `clusterwright adopt`: brings an existing repository under the lock, as much of it as its owner wants.

mod ask;
mod show;

use std::collections::BTreeSet;

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::offered::APPS;
use super::ui::Ui;
use super::{Outcome, Session};
use crate::adopt::{AdoptRequest, Picked, State, Survey};
use crate::diag::Diagnostic;
use crate::pipeline::{AdoptSurvey, Run};
use crate::tree::RepoPath;
use crate::world::Choices;
use crate::world::lock::Lock;
use ask::TerminalAnswers;
use show::Show;

/// Arguments of `adopt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("adopt", "What of this repository is not ours yet, and how it differs"),
        ("adopt cert-manager", "Take one app over, after a question"),
        ("adopt --identical --yes", "Take over what equals the render already"),
        ("adopt --keep kubernetes/apps/default/echo", "Your files stay, and that is remembered"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {
    /// What to take over: apps, files or folders; without any, all of them are shown
    #[arg(value_name = "APP|PATH", conflicts_with = "all", value_parser = APPS, hide_possible_values = true)]
    pub(super) what: Vec<String>,
    /// Take over everything that is rendered and not ours yet
    #[arg(long)]
    pub(super) all: bool,
    /// Take over the files that equal the render already: only the lock changes
    #[arg(long)]
    pub(super) identical: bool,
    /// Record that your version of this app, file or folder stays
    #[arg(long, value_name = "APP|PATH", value_parser = APPS, hide_possible_values = true)]
    pub(super) keep: Vec<String>,
    /// Write our layout also where your file has the same content
    #[arg(long)]
    pub(super) rewrite: bool,
    /// Write without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Show what would be written and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,
}

impl TerminalAnswers for Ui {
    fn answer(&mut self, question: &str) -> Option<String> {
        self.ask(question)
    }

    fn show(&mut self, text: &str) {
        self.print(text);
    }
}

/// Shows what there is, takes over what was named.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let mut request = AdoptRequest {
        take: args.what.clone(),
        keep: args.keep.clone(),
        all: args.all,
        identical: args.identical,
        rewrite: args.rewrite,
    };
    let human = session.ui.is_human();
    let asks = request.is_empty() && human && !args.dry_run && Ui::is_interactive();
    if !args.dry_run && (asks || !request.is_empty()) {
        session.recover(args.yes)?;
    }
    let ui = &mut session.ui;
    let mut run = Run::new(&mut session.world, &mut session.diags);
    run.plan()?;
    let overwrite = ours(&request, &run.before()?.lock);
    run.choose(Choices {
        overwrite,
        ..Choices::default()
    });
    let AdoptSurvey { compared, survey } = run.surveyed()?;
    for finding in &survey.unread {
        run.push(finding.clone());
    }
    let styled = ui.is_styled();
    if request.is_empty() {
        elsewhere(survey, None, &run);
        let show = Show {
            compared,
            survey,
            styled,
        };
        if human {
            ui.print(&show.everything());
        }
        if asks {
            let same = survey.apps_with(|state| state == State::Identical);
            let same: usize = same.into_iter().map(|(_, files)| files).sum();
            let question = format!("Adopt the {same} identical files at once? Only the lock changes.");
            request.identical = same > 0 && ui.confirm(&question) == Some(true);
            let open =
                |state: State| state.is_adoptable() && !(request.identical && state == State::Identical);
            let apps = survey.apps_with(open).into_iter();
            let apps: Vec<_> = apps.map(|(app, files)| (app.to_owned(), files)).collect();
            let answers = ask::ask(&apps, ui, &|app| show.app(app));
            (request.take, request.keep) = (answers.take, answers.keep);
        }
        if request.is_empty() {
            return Ok(done(&show, &Picked::default(), false));
        }
    }
    let picked = match request.resolve(survey) {
        Ok(picked) => picked,
        Err(findings) => return Err(run.abort_all(findings)),
    };
    if !asks {
        elsewhere(survey, Some(&picked), &run);
    }
    let compared = run.picked(&picked)?;
    let show = Show {
        compared: &compared,
        survey,
        styled,
    };
    write(args, &show, &picked, &run, ui)
}

/// Files of ours that were named themselves: an edit in them is not wanted any more.
fn ours(request: &AdoptRequest, lock: &Lock) -> BTreeSet<RepoPath> {
    let paths = request.take.iter().filter_map(|name| RepoPath::parse(name).ok());
    paths.filter(|path| lock.entries.contains_key(path)).collect()
}

fn write(args: &Args, show: &Show<'_>, picked: &Picked, run: &Run<'_>, ui: &mut Ui) -> Outcome {
    let compared = show.compared;
    let human = ui.is_human();
    if compared.changes.is_empty() {
        if human {
            ui.line("Nothing to adopt: what you named is ours already, or missing.");
        }
        return Ok(done(show, picked, false));
    }
    if human {
        ui.print(&show.picked(picked));
    }
    let write = if args.dry_run {
        false
    } else if args.yes {
        true
    } else {
        match human.then(|| ui.confirm("Adopt these files?")).flatten() {
            Some(answer) => answer,
            None => return Err(run.abort(unconfirmed())),
        }
    };
    if write {
        run.write(compared)?;
    }
    if human {
        ui.line(if write {
            "Adopted. `git diff` shows it, `clusterwright undo` takes it back, `clusterwright configure` goes on."
        } else {
            "Nothing was written."
        });
    }
    Ok(done(show, picked, write))
}

fn done(show: &Show<'_>, picked: &Picked, written: bool) -> (Exit, Option<serde_json::Value>) {
    let mut result = show.machine(picked);
    result["written"] = json!(written);
    (Exit::Success, Some(result))
}

/// Reports objects that live in other files than ours: all, or those of the apps that were picked.
fn elsewhere(survey: &Survey, picked: Option<&Picked>, run: &Run<'_>) {
    let apps: Option<BTreeSet<&str>> = picked.map(|picked| {
        let files = survey.files.iter();
        files
            .filter(|file| picked.paths.contains(&file.path))
            .map(|file| file.app.as_str())
            .collect()
    });
    for object in &survey.elsewhere {
        if apps
            .as_ref()
            .is_none_or(|apps| apps.contains(object.app.as_str()))
        {
            run.push(object.finding());
        }
    }
}

fn unconfirmed() -> Diagnostic {
    Diagnostic::error(
        "usage/unconfirmed",
        "nobody is there to ask, so nothing was adopted",
    )
    .help("`--yes` adopts without asking, `--dry-run` only shows it")
}
