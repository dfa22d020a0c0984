//! `clusterwright check`

use std::collections::BTreeMap;

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::{Outcome, Session, raw};
use crate::check::rules::ALL;
use crate::diag::counted;
use crate::pipeline::Run;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("check", "Do the rendered files pass all rules?"),
        ("check -o concise", "One finding a line"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) raw: raw::Args,
}

/// Renders the tree and runs all rules over it.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let source = args.raw.source(&mut session.diags)?;
    let run = Run::of(source, &mut session.world, &mut session.diags);
    let tree = run.checked()?;
    let without_schema = tree.stage().without_schema();
    if session.ui.is_human() {
        let pass = if tree.len() == 1 { "passes" } else { "pass" };
        let (files, rules) = (counted(tree.len(), "file"), counted(ALL.len(), "rule"));
        session.ui.line(&format!("{files} {pass} {rules}"));
        if !without_schema.is_empty() {
            session.ui.line(&unjudged(without_schema));
        }
    }
    Ok((
        Exit::Success,
        Some(json!({
            "files": tree.len(),
            "rules": ALL.len(),
            "without_schema": without_schema,
        })),
    ))
}

/// Says which kinds no schema could judge.
fn unjudged(kinds: &BTreeMap<String, usize>) -> String {
    let objects: usize = kinds.values().sum();
    let names: Vec<&str> = kinds
        .keys()
        .map(|kind| kind.rsplit_once('/').map_or(kind.as_str(), |(_, name)| name))
        .collect();
    format!(
        "{} of {} {} no schema: {}",
        counted(objects, "object"),
        counted(kinds.len(), "kind"),
        if objects == 1 { "has" } else { "have" },
        names.join(", ")
    )
}
