//! `clusterwright completions`

use clap::CommandFactory as _;

use super::args::Cli;
use super::exit::Exit;
use super::help::Help;
use super::{Outcome, Session};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("completions bash > ~/.local/share/bash-completion/completions/clusterwright", "For bash"),
        ("completions fish > ~/.config/fish/completions/clusterwright.fish", "For fish"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// Prints what a shell needs to complete our command lines.
#[expect(clippy::unnecessary_wraps, reason = "every command has this signature")]
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "clusterwright", &mut script);
    Ok((Exit::Success, session.ui.result_bytes(&script)))
}
