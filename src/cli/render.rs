//! `clusterwright render`: the files as they are before sealing, with secrets masked.

use clap::ValueHint;
use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::OutputFormat;
use super::{Outcome, Session, raw};
use crate::diag::Diagnostic;
use crate::pipeline::Run;
use crate::tree::RepoPath;

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("render --list", "The paths of all files"),
        ("render kubernetes/apps/flux-system", "One folder, as it is rendered"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {
    /// Print only these files, or the files below these directories
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(super) paths: Vec<String>,
    /// Print the paths alone
    #[arg(long)]
    pub(super) list: bool,
    #[command(flatten)]
    pub(super) raw: raw::Args,
}

/// Prints rendered files.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let source = args.raw.source(&mut session.diags)?;
    let run = Run::of(source, &mut session.world, &mut session.diags);
    let (tree, vault) = (run.checked()?, &run.secrets()?.vault);
    let wanted: Vec<RepoPath> = args
        .paths
        .iter()
        .filter_map(|path| RepoPath::parse(path).ok())
        .collect();
    let selected = |path: &RepoPath| {
        let below = |folder: &RepoPath| path.as_str().starts_with(&format!("{folder}/"));
        args.paths.is_empty() || wanted.iter().any(|wanted| wanted == path || below(wanted))
    };
    let files: Vec<_> = tree.iter().filter(|artifact| selected(&artifact.path)).collect();
    if files.is_empty() {
        return Err(run.abort(
            Diagnostic::error("render/nothing", "no rendered file has such a path")
                .help("list them with `clusterwright render --list`"),
        ));
    }
    if session.ui.format == OutputFormat::Json {
        let files: Vec<_> = files
            .iter()
            .map(|file| json!({"path": file.path, "text": vault.mask(file.text()), "origin": file.origin}))
            .collect();
        return Ok((Exit::Success, Some(json!({"files": files}))));
    }
    for file in files {
        if args.list {
            session.ui.line(file.path.as_str());
        } else {
            session.ui.line(&format!("# {}", file.path));
            session.ui.print(&vault.mask(file.text()));
        }
    }
    Ok((Exit::Success, None))
}
