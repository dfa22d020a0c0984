//! `clusterwright schema`

use super::args::Schema;
use super::exit::Exit;
use super::{Outcome, Session};
use crate::{catalog, pipeline};

/// Prints a schema; that of `cluster.yaml` with the keys and names of the repository's own apps.
pub(super) fn run(args: &Schema, session: &mut Session<'_>) -> Outcome {
    let schema = if args.app {
        catalog::manifest::schema()
    } else {
        let catalog = pipeline::catalog(&session.world, &mut session.diags)?;
        catalog.vocabulary().schema().clone()
    };
    if session.ui.format == super::args::Format::Json {
        return Ok((Exit::Success, Some(serde_json::json!({"schema": schema}))));
    }
    session.ui.print(&format!("{schema:#}\n"));
    Ok((Exit::Success, None))
}
