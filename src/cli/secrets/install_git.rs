//! `clusterwright secrets install-git`: has git use `textconv` and `merge` in this repository.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::InstallGit;
use crate::cli::exit::Exit;
use crate::cli::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::sys::replace::{Access, replace_file};
use crate::vcs::Repository;

/// Which files, in `.gitattributes`.
const ATTRIBUTES: [&str; 1] = ["?*.sops.* diff=clusterwright merge=clusterwright"];

/// What git runs, in its configuration of this clone.
const CONFIG: [(&str, &str); 2] = [
    (
        "[diff \"clusterwright\"]",
        "[diff \"clusterwright\"]\n\ttextconv = clusterwright secrets textconv\n\tcachetextconv = false\n",
    ),
    (
        "[merge \"clusterwright\"]",
        "[merge \"clusterwright\"]\n\tname = SOPS files by value\n\tdriver = clusterwright secrets merge %O %A %B %P\n",
    ),
];

/// Adds what is missing; run again, it changes nothing.
pub(super) fn run(args: &InstallGit, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let git = Repository::discover(&root).map_err(|finding| session.diags.abort(finding))?;
    let Some(git) = git else {
        let finding = Diagnostic::error("git/none", "there is no git repository here")
            .help("run it inside of one: `git init`");
        return Err(session.diags.abort(finding));
    };
    let attributes = git.work_dir().join(".gitattributes");
    let config = git.common_dir().join("config");
    let wanted = ATTRIBUTES.map(|line| (line, format!("{line}\n")));
    let plan = additions(
        &attributes,
        wanted.iter().map(|(mark, text)| (*mark, text.as_str())),
    )
    .and_then(|one| {
        Ok([
            (attributes, one),
            (config.clone(), additions(&config, CONFIG.into_iter())?),
        ])
    });
    let plan = plan.map_err(|finding| session.diags.abort(finding))?;
    let mut written = Vec::new();
    for (path, (old, added)) in plan.iter().filter(|(_, (_, added))| !added.is_empty()) {
        let name = path
            .strip_prefix(git.work_dir())
            .unwrap_or(path)
            .display()
            .to_string();
        if session.ui.is_human() {
            session.ui.line(&format!("{name}:"));
            added
                .lines()
                .for_each(|line| session.ui.line(&format!("  + {line}")));
        }
        if !args.dry_run {
            let line_break = if old.is_empty() || old.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let text = format!("{old}{line_break}{added}");
            replace_file(path, text.as_bytes(), Access::Kept)
                .map_err(|error| session.diags.abort(Diagnostic::io("write", path, &error)))?;
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

/// Returns the text of a file, and what it lacks.
fn additions<'t>(
    path: &Path,
    wanted: impl Iterator<Item = (&'t str, &'t str)>,
) -> Result<(String, String), Diagnostic> {
    let old = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Diagnostic::io("read", PathBuf::from(path), &error)),
    };
    let has = |mark: &str| old.lines().any(|line| line.trim() == mark);
    let added = wanted
        .filter(|(mark, _)| !has(mark))
        .map(|(_, text)| text)
        .collect();
    Ok((old, added))
}
