//! `clusterwright check`

use serde_json::json;

use super::exit::Exit;
use super::{Outcome, Session};
use crate::check::rules::ALL;
use crate::pipeline;

/// Renders the tree and runs all rules over it.
pub(super) fn run(session: &mut Session<'_>) -> Outcome {
    let diags = &mut session.diags;
    let configuration = pipeline::configuration(&mut session.world, diags)?;
    let catalog = pipeline::catalog(&session.world, diags)?;
    let plan = pipeline::plan(&catalog, &configuration, diags)?;
    let before = pipeline::before(&session.world, diags)?;
    let tree = pipeline::check(&catalog, &plan, &configuration, &before, diags)?;
    if session.ui.is_human() {
        session
            .ui
            .line(&format!("{} files pass {} rules", tree.len(), ALL.len()));
    }
    Ok((
        Exit::Success,
        Some(json!({"files": tree.len(), "rules": ALL.len()})),
    ))
}
