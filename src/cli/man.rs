//! `clusterwright man`

use clap::CommandFactory as _;

use super::args::Cli;
use super::exit::Exit;
use super::help::Help;
use super::{Outcome, Session};
use crate::diag::Diagnostic;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("man | man -l -", "Read the page of the program"),
        ("man secrets edit > clusterwright-secrets-edit.1", "That of a command, to install it"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// The command, such as `secrets edit`; without it, the program
    #[arg(value_name = "COMMAND")]
    pub(super) words: Vec<String>,
}

/// Prints a manual page.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let mut command = Cli::command();
    // Gives the commands below their whole names.
    command.build();
    for word in &args.words {
        let Some(found) = command.find_subcommand(word) else {
            let message = format!("`{}` is no command", args.words.join(" "));
            return Err(session.diags.abort(
                Diagnostic::error("usage/command", message).help("list them with `clusterwright --help`"),
            ));
        };
        command = found.clone();
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| session.diags.abort(Diagnostic::io("print", "the page", &error)))?;
    Ok((Exit::Success, session.ui.result_bytes(&page)))
}
