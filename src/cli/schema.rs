//! `clusterwright schema`

use super::args::Schema;
use super::exit::Exit;
use super::{Outcome, Session};
use crate::{catalog, config};

/// Prints a schema.
#[expect(clippy::unnecessary_wraps, reason = "every command has this signature")]
pub(super) fn run(args: &Schema, session: &mut Session<'_>) -> Outcome {
    let schema = if args.app {
        catalog::manifest::schema()
    } else {
        config::schema::schema().clone()
    };
    if session.ui.format == super::args::Format::Json {
        return Ok((Exit::Success, Some(serde_json::json!({"schema": schema}))));
    }
    session.ui.print(&format!("{schema:#}\n"));
    Ok((Exit::Success, None))
}
