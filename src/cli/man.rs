//! `clusterwright man`

use std::path::PathBuf;

use clap::{CommandFactory as _, ValueHint};

use super::args::Cli;
use super::exit::Exit;
use super::help::Help;
use super::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::sys::named;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("man | man -l -", "Read the page of the program"),
        ("man secrets edit | man -l -", "That of a command"),
        ("man --to ~/.local/share/man/man1", "Install all of them"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// The command, such as `secrets edit`; without it, the program
    #[arg(value_name = "COMMAND")]
    pub(super) words: Vec<String>,
    /// Write the pages of the program and of every command into this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "words")]
    pub(super) to: Option<PathBuf>,
}

/// Prints a manual page, or writes all.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let mut command = Cli::command();
    if let Some(dir) = &args.to {
        let shown = dir.display().to_string();
        return match named::create_dir(dir).and_then(|()| clap_mangen::generate_to(command, dir)) {
            Ok(()) => Ok((Exit::Success, None)),
            Err(error) => Err(session.diags.abort(Diagnostic::io("write", &shown, &error))),
        };
    }
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
