//! `clusterwright explain`

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::exit::Exit;
use super::help::Help;
use super::offered::{EXPLAINED, TEMPLATES};
use super::ui::{OutputFormat, Ui};
use super::{Outcome, Session};
use crate::check::rules::ALL;
use crate::diag::catalogue::{self, CodeEntry};
use crate::diag::{Diagnostic, Severity};
use crate::jinja;
use crate::plan::closest;
use crate::render::words as tera;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("explain", "Every rule and every code of a finding, in a line"),
        ("explain crd-race", "A rule: what it looks for, why, and what to do"),
        ("explain config/unknown-key", "A code, as it stands in brackets before a finding"),
        ("explain templates", "The filters, tests and functions that templates have"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// Name of the rule, code of the finding, or `templates`
    #[arg(value_parser = EXPLAINED, hide_possible_values = true)]
    pub(super) name: Option<String>,
}

/// Prints the documentation of a rule or a code, or the list of all.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let is_human = session.ui.format != OutputFormat::Json;
    let Some(name) = &args.name else {
        if is_human {
            list(&mut session.ui);
        }
        return Ok((Exit::Success, Some(everything())));
    };
    if let Some(rule) = ALL.iter().find(|rule| rule.name == name) {
        if is_human {
            session.ui.print(rule.docs);
        }
        let found = json!({"name": rule.name, "level": rule.level, "docs": rule.docs});
        return Ok((Exit::Success, Some(found)));
    }
    if name == TEMPLATES {
        if is_human {
            session.ui.print(&words_page());
        }
        let languages: Vec<Value> = words().iter().map(Language::machine).collect();
        return Ok((Exit::Success, Some(json!({"name": name, "templates": languages}))));
    }
    let Some(entry) = catalogue::find(name) else {
        return Err(session.diags.abort(unknown(name)));
    };
    if is_human {
        session.ui.print(&page(entry));
    }
    Ok((Exit::Success, Some(machine(entry))))
}

/// What a language of templates has.
struct Language {
    name: &'static str,
    files: &'static str,
    parts: [(&'static str, &'static [&'static str]); 3],
}

impl Language {
    fn machine(&self) -> Value {
        let [filters, tests, functions] = self.parts.map(|(_, names)| names);
        json!({"language": self.name, "files": self.files, "filters": filters, "tests": tests, "functions": functions})
    }
}

fn words() -> [Language; 2] {
    type Names = &'static [&'static str];
    let of = |filters: Names, tests: Names, functions: Names| {
        [("filters", filters), ("tests", tests), ("functions", functions)]
    };
    [
        Language {
            name: "Tera",
            files: "*.tera",
            parts: of(&tera::FILTERS, &tera::TESTS, &tera::FUNCTIONS),
        },
        Language {
            name: "Jinja2",
            files: "*.j2",
            parts: of(&jinja::FILTERS, &jinja::TESTS, &jinja::FUNCTIONS),
        },
    ]
}

/// Returns the names that templates can call, in lines that also stand in the documentation.
fn words_page() -> String {
    let mut page = "# templates\n\nWhat templates can call, by language. The names of values are those of `cluster.yaml`.\n".to_owned();
    for language in words() {
        let _ = write!(page, "\n{}, in files `{}`:\n\n", language.name, language.files);
        for (what, names) in language.parts {
            page.push_str(&wrapped(what, names));
        }
    }
    page
}

/// Returns names in lines of at most 100 characters, indented below what they are.
fn wrapped(what: &str, names: &[&str]) -> String {
    const WIDTH: usize = 100;
    let mut text = String::new();
    let mut line = format!("{what:9}");
    for name in names {
        if line.len() + 1 + name.len() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = " ".repeat(9);
        }
        line.push(' ');
        line.push_str(name);
    }
    text + &line + "\n"
}

/// Prints a line for each rule and each code that is still printed.
fn list(ui: &mut Ui) {
    let codes: Vec<&CodeEntry> = catalogue::all()
        .iter()
        .filter(|entry| !entry.is_retired)
        .collect();
    let rules = ALL.iter().map(|rule| (rule.name, rule.level, rule.summary));
    let codes = codes.iter().map(|entry| (entry.code, entry.level, entry.summary));
    table(ui, "Rules over the whole tree:", rules);
    ui.line("");
    table(ui, "Other findings:", codes);
    ui.line("");
    ui.line("What templates can call: `clusterwright explain templates`");
}

fn table<'a>(ui: &mut Ui, heading: &str, lines: impl Iterator<Item = (&'a str, Severity, &'a str)> + Clone) {
    let width = lines.clone().map(|(name, ..)| name.len()).max().unwrap_or(0);
    ui.line(heading);
    for (name, level, summary) in lines {
        ui.line(&format!("  {name:width$}  {:7}  {summary}", level.word()));
    }
}

fn everything() -> Value {
    let rules: Vec<_> = ALL
        .iter()
        .map(|rule| json!({"name": rule.name, "level": rule.level, "summary": rule.summary}))
        .collect();
    let codes: Vec<_> = catalogue::all().iter().map(machine).collect();
    json!({"rules": rules, "codes": codes})
}

fn machine(entry: &CodeEntry) -> Value {
    let CodeEntry {
        code,
        level,
        is_retired,
        summary,
        docs,
    } = entry;
    json!({"name": code, "level": level, "summary": summary, "docs": docs, "retired": is_retired})
}

/// Returns what is printed of a code, in the form of a rule's documentation.
fn page(entry: &CodeEntry) -> String {
    let (level, end) = match (entry.is_retired, entry.level) {
        (true, _) => ("not printed any more", ""),
        (false, Severity::Error) => (
            entry.level.word(),
            "\nAn error: the exit code is 1, and `configure` writes nothing.\n",
        ),
        (false, _) => (entry.level.word(), "\nIt stops nothing.\n"),
    };
    format!(
        "# {}\n\n{level}: {}\n\n{}\n{end}",
        entry.code, entry.summary, entry.docs
    )
}

fn unknown(name: &str) -> Diagnostic {
    let message = format!("there is no rule and no code `{name}`");
    let mut finding = Diagnostic::error("explain/unknown-rule", message);
    let codes = || catalogue::all().iter().map(|entry| entry.code);
    let without_topic = codes().find(|code| code.split_once('/').is_some_and(|(_, rest)| rest == name));
    let near = without_topic.or_else(|| closest(name, ALL.iter().map(|rule| rule.name).chain(codes())));
    if let Some(near) = near {
        finding = finding.help(format!("did you mean `{near}`?"));
    }
    finding.help("list them with `clusterwright explain`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands that the documentation names can be typed: words are commands, and options are theirs.
    #[test]
    fn documentation_names_commands_that_exist() {
        let mut root = crate::cli::command();
        root.build();
        let mut seen = 0;
        for entry in catalogue::all() {
            for typed in entry.docs.split('`').skip(1).step_by(2) {
                let Some(rest) = typed.strip_prefix("clusterwright ") else {
                    continue;
                };
                let mut command = &root;
                for word in rest.split(' ') {
                    if let Some(long) = word.strip_prefix("--") {
                        let known = long == "help"
                            || command
                                .get_arguments()
                                .any(|argument| argument.get_long() == Some(long));
                        assert!(known, "{}: `{typed}`: no option --{long}", entry.code);
                    } else if let Some(below) = command.find_subcommand(word) {
                        command = below;
                    } else {
                        let is_value =
                            !command.has_subcommands() || word.starts_with('-') || word == "COMMAND";
                        assert!(is_value, "{}: `{typed}`: no command `{word}`", entry.code);
                    }
                }
                seen += 1;
            }
        }
        assert!(seen > 50, "{seen}");
    }

    /// The pages of the two languages have the same lines.
    #[test]
    fn the_documentation_has_the_same_names() {
        let pages = [
            include_str!("../../docs/apps.md"),
            include_str!("../../docs/jinja.md"),
        ];
        for (language, page) in words().into_iter().zip(pages) {
            let lines: String = language
                .parts
                .into_iter()
                .map(|(what, names)| wrapped(what, names))
                .collect();
            assert!(
                page.contains(&format!("```text\n{lines}```\n")),
                "{}:\n{lines}",
                language.name
            );
            assert!(words_page().contains(&lines));
        }
    }

    #[test]
    fn a_code_without_its_topic_is_found() {
        let help = unknown("unknown-key").help;
        assert_eq!(help[0], "did you mean `config/unknown-key`?");
        assert_eq!(
            unknown("config/unknwon-key").help[0],
            "did you mean `config/unknown-key`?"
        );
        assert_eq!(unknown("crd-rase").help[0], "did you mean `crd-race`?");
    }
}
