//! `clusterwright secrets install-git`: has git use `textconv` and `merge` in this repository.

use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::help::Help;
use crate::cli::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::sys::named;
use crate::sys::replace::replace_file;
use crate::sys::root::{Access, Refused, Root, limits};
use crate::vcs::Git;

/// Arguments of `secrets install-git`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets install-git", "Diffs and merges of SOPS files by value, in this repository"),
        ("secrets install-git --dry-run", "What would be written"),
    ],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// Show what would be written and write nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// The file that tells git of kinds of files.
const ATTRIBUTES_FILE: &str = ".gitattributes";

/// Which files, in `.gitattributes`.
const ATTRIBUTES: [&str; 1] = ["?*.sops.* diff=clusterwright merge=clusterwright"];

/// What git runs, in its configuration of this clone.
const CONFIG: [(&str, &str); 2] = [
    (
        "[diff \"clusterwright\"]",
        "[diff \"clusterwright\"]\n\ttextconv = clusterwright secrets textconv --\n\tcachetextconv = false\n",
    ),
    (
        "[merge \"clusterwright\"]",
        "[merge \"clusterwright\"]\n\tname = SOPS files by value\n\tdriver = clusterwright secrets merge -- %O %A %B %P\n",
    ),
];

/// What a file holds, and what is to be changed in it.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    old: String,
    /// Lines of an earlier release with what takes their place.
    replaced: Vec<(String, String)>,
    added: String,
}

impl Change {
    fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.added.is_empty()
    }

    fn text(&self) -> String {
        let mut out = String::with_capacity(self.old.len() + self.added.len());
        let mut replaced = self.replaced.iter().peekable();
        for line in self.old.split_inclusive('\n') {
            match replaced.next_if(|(old, _)| line.trim_end_matches(['\r', '\n']) == old) {
                Some((old, new)) => out.extend([new, &line[old.len()..]]),
                None => out.push_str(line),
            }
        }
        if !out.is_empty() && !out.ends_with('\n') && !self.added.is_empty() {
            out.push('\n');
        }
        out + &self.added
    }
}

/// Adds what is missing, and mends the lines of earlier releases; run again, it changes nothing.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let git = Git::discover(root.path()).map_err(|finding| session.diags.abort(finding))?;
    let Some(git) = git else {
        let finding = Diagnostic::error("git/none", "there is no git repository here")
            .help("run it inside of one: `git init`");
        return Err(session.diags.abort(finding));
    };
    let (work, config) = (Root::new(git.work_dir()), git.common_dir().join("config"));
    let attributes = work
        .read_text_if_there(ATTRIBUTES_FILE, limits::CONFIG)
        .map_err(|refused| session.diags.abort(refused.finding("read", ATTRIBUTES_FILE)))?
        .unwrap_or_default();
    // Git's own file, wherever git has it.
    let shown = config.strip_prefix(git.work_dir()).unwrap_or(&config);
    let shown = shown.display().to_string();
    let configured = match named::read(&config, limits::CONFIG) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| Refused::NotText),
        Err(Refused::Absent) => Ok(String::new()),
        Err(refused) => Err(refused),
    };
    let configured = configured.map_err(|refused| session.diags.abort(refused.finding("read", &shown)))?;
    let wanted = ATTRIBUTES.map(|line| (line, format!("{line}\n")));
    let wanted = wanted.iter().map(|(mark, text)| (*mark, text.as_str()));
    let plan = [
        (ATTRIBUTES_FILE.to_owned(), change(attributes, wanted)),
        (shown, change(configured, CONFIG.into_iter())),
    ];
    let mut written = Vec::new();
    for (name, change) in plan.into_iter().filter(|(_, change)| !change.is_empty()) {
        if session.ui.is_human() {
            session.ui.line(&format!("{name}:"));
            for (old, new) in &change.replaced {
                session.ui.line(&format!("  - {old}"));
                session.ui.line(&format!("  + {new}"));
            }
            let lines = change.added.lines();
            lines.for_each(|line| session.ui.line(&format!("  + {line}")));
        }
        if !args.dry_run {
            let text = change.text();
            let result = if name == ATTRIBUTES_FILE {
                work.replace(&name, text.as_bytes(), Access::Kept)
                    .map_err(|refused| refused.finding("write", &name))
            } else {
                replace_file(&config, text.as_bytes(), Access::Kept)
                    .map_err(|error| Diagnostic::io("write", &name, &error))
            };
            result.map_err(|finding| session.diags.abort(finding))?;
        }
        written.push(name);
    }
    if written.is_empty() && session.ui.is_human() {
        session.ui.line("git uses clusterwright already");
    }
    Ok((
        Exit::Success,
        Some(json!({"files": written, "written": !args.dry_run})),
    ))
}

/// Returns what a text lacks, and what is outdated in it.
fn change<'t>(old: String, wanted: impl Iterator<Item = (&'t str, &'t str)>) -> Change {
    let has = |mark: &str| old.lines().any(|line| line.trim() == mark);
    let added = wanted
        .filter(|(mark, _)| !has(mark))
        .map(|(_, text)| text)
        .collect();
    let mut replaced = Vec::new();
    let mut section = "";
    for line in old.lines() {
        if line.trim_start().starts_with('[') {
            section = line.trim();
        } else if CONFIG.iter().any(|(mark, _)| *mark == section)
            && let Some(new) = with_end_of_options(line)
        {
            replaced.push((line.to_owned(), new));
        }
    }
    Change { old, replaced, added }
}

/// Returns a line of ours with the `--` that it lacks: without it, a file whose name begins with a dash is taken for
/// options. What people added to the command stays.
fn with_end_of_options(line: &str) -> Option<String> {
    let (key, _) = line.split_once('=')?;
    let put = |at: usize, text: &str| Some(format!("{}{text}{}", &line[..at], &line[at..]));
    match key.trim() {
        "driver" => {
            let command = "secrets merge ";
            let at = line.find(command)? + command.len();
            line[at..].starts_with("%O").then(|| put(at, "-- "))?
        }
        "textconv" => {
            let command = "secrets textconv";
            let at = line.find(command)? + command.len();
            let rest = line[at..].trim_end();
            let options = rest.strip_suffix('"').unwrap_or(rest);
            matches!(options.trim(), "" | "--reveal").then(|| put(at + options.len(), " --"))?
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_earlier_releases_get_the_end_of_options() {
        for (old, new) in [
            (
                "\tdriver = clusterwright secrets merge %O %A %B %P",
                Some("\tdriver = clusterwright secrets merge -- %O %A %B %P"),
            ),
            (
                "driver = '/opt/a b/cw' secrets merge %O %A %B %P # mine",
                Some("driver = '/opt/a b/cw' secrets merge -- %O %A %B %P # mine"),
            ),
            (
                "\ttextconv = clusterwright secrets textconv",
                Some("\ttextconv = clusterwright secrets textconv --"),
            ),
            (
                "textconv = \"cw secrets textconv --reveal\"",
                Some("textconv = \"cw secrets textconv --reveal --\""),
            ),
            ("\tdriver = clusterwright secrets merge -- %O %A %B %P", None),
            ("\ttextconv = clusterwright secrets textconv --", None),
            ("\tdriver = somebody else %O %A %B", None),
            ("\tcachetextconv = false", None),
            ("\tname = SOPS files by value", None),
        ] {
            assert_eq!(with_end_of_options(old).as_deref(), new, "{old}");
        }
    }

    #[test]
    fn only_our_sections_are_touched_and_everything_else_keeps_its_bytes() {
        let old = "[core]\r\n\tbare = false\r\n[diff \"other\"]\n\ttextconv = clusterwright secrets textconv\n[merge \"clusterwright\"]\r\n\tdriver = clusterwright secrets merge %O %A %B %P\r\n\tname = mine";
        let text = change(old.to_owned(), CONFIG.into_iter()).text();
        let new = old.replace("merge %O", "merge -- %O") + "\n" + CONFIG[0].1;
        assert_eq!(text, new);
        assert!(change(text, CONFIG.into_iter()).is_empty());
    }
}
