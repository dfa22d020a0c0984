//! `clusterwright schema`

use super::exit::Exit;
use super::help::Help;
use super::ui::OutputFormat;
use super::{Outcome, Session};
use crate::catalog;
use crate::pipeline::Run;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("schema > cluster.schema.json", "For an editor, with the keys of your own apps"),
        ("schema --app", "The schema of app.yaml"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// Print the schema of app.yaml, the manifest of a template folder
    #[arg(long)]
    pub(super) app: bool,
}

/// Prints a schema; that of `cluster.yaml` with the keys and names of the repository's own apps.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let schema = if args.app {
        catalog::manifest::schema()
    } else {
        let run = Run::new(&mut session.world, &mut session.diags);
        run.catalog()?.vocabulary().schema().clone()
    };
    if session.ui.format == OutputFormat::Json {
        return Ok((Exit::Success, Some(serde_json::json!({"schema": schema}))));
    }
    session.ui.print(&format!("{schema:#}\n"));
    Ok((Exit::Success, None))
}
