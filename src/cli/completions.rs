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

/// The name that is typed.
const PROGRAM: &str = "clusterwright";

/// Prints what a shell needs to complete our command lines.
#[expect(clippy::unnecessary_wraps, reason = "every command has this signature")]
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), PROGRAM, &mut script);
    if args.shell == clap_complete::Shell::Fish {
        script.extend_from_slice(values_for_fish(&Cli::command(), "").as_bytes());
    }
    Ok((Exit::Success, session.ui.result_bytes(&script)))
}

/// Returns the lines that offer the values of arguments without a name in fish, for which the generator knows options alone.
/// `condition` holds where the command was typed; it is empty for the program itself.
fn values_for_fish(command: &clap::Command, condition: &str) -> String {
    let mut lines = String::new();
    for argument in command.get_positionals().filter(|_| !condition.is_empty()) {
        let values = argument.get_possible_values();
        let names: Vec<&str> = values
            .iter()
            .map(clap::builder::PossibleValue::get_name)
            .collect();
        if !names.is_empty() {
            let names = names.join(" ");
            lines.push_str(&format!(
                "complete -c {PROGRAM} -n \"{condition}\" -f -a \"{names}\"\n"
            ));
        }
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let name = below.get_name();
        let here = if condition.is_empty() {
            format!("__fish_{PROGRAM}_using_subcommand {name}")
        } else {
            format!("{condition}; and __fish_seen_subcommand_from {name}")
        };
        lines.push_str(&values_for_fish(below, &here));
    }
    lines
}
