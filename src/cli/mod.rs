//! The command line: parses arguments, picks the real world, prints, chooses the exit code.
//!
//! One file a command. Commands ask [`crate::pipeline::Run`] for a stage and print what it gives; they open no files of their own
//! but for `init`, `demo` and `new-app`, whose work that is.

mod adopt;
mod apps;
mod args;
mod check;
mod completions;
mod configure;
mod crash;
mod demo;
mod diff;
mod doctor;
mod exit;
mod explain;
mod graph;
mod help;
mod init;
mod man;
mod new_app;
mod offered;
mod plan;
mod raw;
mod render;
mod resolve;
mod schema;
mod secrets;
mod summary;
mod ui;
mod undo;
mod validate;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};

use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::pipeline::{self, World};
use crate::sys::root::Root;
use crate::sys::{OsEntropy, SecretText, core_dump, stack};
use crate::world::keyring::{self, Home, Sources};
use args::{Cli, Command};
use exit::Exit;
use ui::Ui;

/// What a command needs.
struct Session<'a> {
    world: World<'a>,
    diags: Diagnostics,
    ui: Ui,
}

impl Session<'_> {
    /// Finishes or takes back what an interrupted run of ours left. That writes, so it needs `--yes` or somebody at the
    /// terminal, like everything that writes.
    fn recover(&mut self, yes: bool) -> Result<(), Aborted> {
        let may_write = yes || (self.ui.is_human() && Ui::is_interactive());
        if let Some(text) = pipeline::recover(&self.world, may_write, &mut self.diags)? {
            self.ui.say(&text);
        }
        Ok(())
    }
}

/// What a command gives: how it ended and, for `--output json`, its result.
type Outcome = Result<(Exit, Option<serde_json::Value>), Aborted>;

/// Returns the command line as clap knows it, for what lists every command.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program.
pub fn run() -> ExitCode {
    crash::keep_silent();
    core_dump::forbid();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; usage errors are 1, for 2 means "changes pending".
            return match error.print() {
                _ if error.use_stderr() => Exit::Failure.into(),
                Err(failed) if failed.kind() != io::ErrorKind::BrokenPipe => Exit::Failure.into(),
                _ => Exit::Success.into(),
            };
        }
    };
    let mut entropy = OsEntropy;
    let world = World {
        root: Root::new(cli.root),
        sources: sources(),
        prompt: Arc::new(ui::Terminal),
        entropy: &mut entropy,
    };
    let mut session = Session {
        world,
        diags: Diagnostics::default(),
        ui: Ui::new(cli.output),
    };
    let outcome = there(&mut session).and_then(|()| dispatch(&cli.command, &mut session));
    stack::wipe();
    let (exit, result) = match outcome {
        Ok((exit, result)) => (exit, result),
        Err(_) => (Exit::Failure, None),
    };
    session.ui.finish(&session.diags, result);
    if session.ui.close() {
        exit.into()
    } else {
        Exit::Failure.into()
    }
}

/// Refuses a directory that does not exist: what is missing in it is not what is wrong.
fn there(session: &mut Session<'_>) -> Result<(), Aborted> {
    let root = &session.world.root;
    if root.is_dir("") {
        return Ok(());
    }
    let message = format!("there is no directory `{}`", root.path().display());
    let finding = Diagnostic::error("usage/no-directory", message);
    Err(session
        .diags
        .abort(finding.help("`-C` names the directory that holds cluster.yaml")))
}

fn dispatch(command: &Command, session: &mut Session<'_>) -> Outcome {
    match command {
        Command::Init(args) => init::run(args, session),
        Command::Demo(args) => demo::run(args, session),
        Command::Validate(args) => validate::run(args, session),
        Command::Plan(args) => plan::run(args, session),
        Command::Graph(args) => graph::run(args, session),
        Command::Apps(args) => apps::run(args, session),
        Command::NewApp(args) => new_app::run(args, session),
        Command::Render(args) => render::run(args, session),
        Command::Check(args) => check::run(args, session),
        Command::Configure(args) => configure::run(args, session),
        Command::Adopt(args) => adopt::run(args, session),
        Command::Undo(args) => undo::run(args, session),
        Command::Resolve(args) => resolve::run(args, session),
        Command::Diff(args) => diff::run(args, session),
        Command::Schema(args) => schema::run(args, session),
        Command::Explain(args) => explain::run(args, session),
        Command::Doctor(args) => doctor::run(args, session),
        Command::Secrets(args) => secrets::run(args, session),
        Command::Completions(args) => completions::run(args, session),
        Command::Man(args) => man::run(args, session),
    }
}

/// Reads where private keys are, as the environment says.
fn sources() -> Sources {
    let home = Home {
        xdg_config_home: variable("XDG_CONFIG_HOME").map(Into::into),
        home: variable("HOME").map(Into::into),
        app_data: variable("AppData").map(Into::into),
    };
    Sources {
        age_key: variable("SOPS_AGE_KEY").map(SecretText::new),
        age_key_file: variable("SOPS_AGE_KEY_FILE").map(Into::into),
        age_key_command: variable("SOPS_AGE_KEY_CMD"),
        ssh_key_file: variable("SOPS_AGE_SSH_PRIVATE_KEY_FILE").map(Into::into),
        ssh_key_command: variable("SOPS_AGE_SSH_PRIVATE_KEY_CMD"),
        default_files: keyring::default_key_file(&home, std::env::consts::OS)
            .into_iter()
            .collect(),
        default_ssh_files: keyring::default_ssh_files(&home),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
