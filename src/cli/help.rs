//! What `--help` says below the options: examples, exit codes and the environment of a command.
//!
//! Each command names its own beside its arguments; a test runs every example through the parser.

use std::fmt::Write as _;

use clap::builder::{StyledStr, Styles};

/// A variable of the environment that commands read, and what it is for.
type Variable = (&'static str, &'static str);

/// What every command reads.
const OUTPUT: [Variable; 2] = [
    ("NO_COLOR", "no colours, if it is set"),
    ("CLICOLOR_FORCE", "colours also where no terminal is"),
];

/// Where private keys are looked for.
pub(super) const KEYS: &[Variable] = &[
    (
        "SOPS_AGE_KEY_FILE",
        "a file with private age keys, beside age.key",
    ),
    ("SOPS_AGE_KEY", "private age keys"),
    ("SOPS_AGE_KEY_CMD", "a program that prints private age keys"),
    ("XDG_CONFIG_HOME", "the directory of sops/age/keys.txt"),
];

/// How a file that is not encrypted yet is encrypted.
pub(super) const RECIPIENTS: &[Variable] = &[
    ("SOPS_AGE_RECIPIENTS", "what `--age` says, where it is not given"),
    ("SOPS_CONFIG", "what `--config` says, where it is not given"),
];

/// The editor.
pub(super) const EDITOR: &[Variable] = &[
    ("SOPS_EDITOR", "the editor, with its options"),
    ("EDITOR", "the same, where SOPS_EDITOR is not set"),
    ("XDG_RUNTIME_DIR", "where the clear text lies while you edit"),
];

/// The help of a command.
#[derive(Default)]
pub(super) struct Help {
    /// Command lines, without the name of the program, and what each is for.
    pub(super) examples: &'static [(&'static str, &'static str)],
    /// What the exit code 2 means, where a command knows it.
    pub(super) pending: Option<&'static str>,
    /// What it reads of the environment.
    pub(super) environment: &'static [&'static [Variable]],
}

impl From<Help> for StyledStr {
    fn from(help: Help) -> Self {
        let styles = Styles::styled();
        let (header, literal) = (styles.get_header(), styles.get_literal());
        let mut out = Self::new();
        let mut section = |title: &str, entries: &[(String, &str)], below: bool| {
            let between = if title == "Examples" { "" } else { "\n" };
            let _ = writeln!(out, "{between}{header}{title}:{header:#}");
            let width = entries.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            for (name, text) in entries {
                let _ = if below {
                    writeln!(out, "  {literal}{name}{literal:#}\n          {text}")
                } else {
                    writeln!(out, "  {literal}{name:width$}{literal:#}  {text}")
                };
            }
        };
        let examples: Vec<_> = help
            .examples
            .iter()
            .map(|(line, text)| (format!("clusterwright {line}"), *text))
            .collect();
        section("Examples", &examples, true);
        let mut codes = vec![
            ("0".to_owned(), "done, or nothing to do"),
            ("1".to_owned(), "an error, said on stderr"),
        ];
        codes.extend(help.pending.map(|text| ("2".to_owned(), text)));
        section("Exit codes", &codes, false);
        let variables: Vec<_> = help
            .environment
            .iter()
            .copied()
            .flatten()
            .chain(&OUTPUT)
            .map(|(name, text)| ((*name).to_owned(), *text))
            .collect();
        section("Environment", &variables, false);
        out
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::cli::args::Cli;

    /// Calls `look` with every command below the program, and its words.
    fn each(command: &clap::Command, words: &str, look: &mut impl FnMut(&clap::Command, &str)) {
        for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
            let words = format!("{words} {}", command.get_name());
            look(command, &words);
            each(command, &words, look);
        }
    }

    #[test]
    fn every_command_shows_examples_that_can_be_typed() {
        let mut seen = 0;
        each(&Cli::command(), "clusterwright", &mut |command, words| {
            if command.has_subcommands() {
                return;
            }
            let text = command
                .get_after_long_help()
                .unwrap_or_else(|| panic!("{words} has no examples"))
                .to_string();
            for section in ["Examples:", "Exit codes:", "Environment:"] {
                assert!(text.contains(section), "{words}: no {section}");
            }
            let examples: Vec<&str> = text
                .lines()
                .filter_map(|line| line.strip_prefix("  "))
                .filter(|line| line.starts_with("clusterwright "))
                .collect();
            assert!(!examples.is_empty(), "{words}");
            for example in examples {
                let line = example.split(" | ").next().unwrap_or(example);
                let line = line.split(" > ").next().unwrap_or(line);
                assert!(line.starts_with(words), "{words} shows another command: {line}");
                let parts = shlex::split(line).unwrap_or_else(|| panic!("{line} is no command line"));
                if let Err(error) = Cli::try_parse_from(parts) {
                    panic!("{line}: {error}");
                }
                seen += 1;
            }
            assert!(
                text.lines()
                    .all(|line| line.starts_with("  clusterwright ") || line.chars().count() <= 100),
                "{words}: {text}"
            );
        });
        assert!(seen > 40, "{seen} examples");
    }

    #[test]
    fn own_options_stand_first_and_under_no_other_heading() {
        let headings = [None, Some("Global options"), Some("Raw mode")];
        each(&Cli::command(), "clusterwright", &mut |command, words| {
            for argument in command.get_arguments() {
                let heading = argument.get_help_heading();
                assert!(
                    headings.contains(&heading) || words.starts_with("clusterwright secrets"),
                    "{words}: {argument}"
                );
                let of_raw_mode =
                    ["raw", "data", "allow_outside", "env"].contains(&argument.get_id().as_str());
                assert_eq!(heading == Some("Raw mode"), of_raw_mode, "{words}: {argument}");
            }
        });
    }
}
