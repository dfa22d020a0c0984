//! `clusterwright render`: the files as they are before sealing, with secrets masked.

use serde_json::json;

use super::args::{Format, Render};
use super::exit::Exit;
use super::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::pipeline;
use crate::tree::RepoPath;

/// Prints rendered files.
pub(super) fn run(args: &Render, session: &mut Session<'_>) -> Outcome {
    let diags = &mut session.diags;
    let catalog = pipeline::catalog(&session.world, diags)?;
    let configuration = pipeline::configuration(&mut session.world, &catalog, diags)?;
    let plan = pipeline::plan(&catalog, &configuration, diags)?;
    let before = pipeline::before(&session.world, diags)?;
    let tree = pipeline::check(&session.world, &catalog, &plan, &configuration, &before, diags)?;
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
        return Err(diags.abort(
            Diagnostic::error("render/nothing", "no rendered file has such a path")
                .help("list them with `clusterwright render --list`"),
        ));
    }
    if session.ui.format == Format::Json {
        let files: Vec<_> = files
            .iter()
            .map(|file| json!({"path": file.path, "text": configuration.vault.mask(&file.text), "origin": file.origin}))
            .collect();
        return Ok((Exit::Success, Some(json!({"files": files}))));
    }
    for file in files {
        if args.list {
            session.ui.line(file.path.as_str());
        } else {
            session.ui.line(&format!("# {}", file.path));
            session.ui.print(&configuration.vault.mask(&file.text));
        }
    }
    Ok((Exit::Success, None))
}
