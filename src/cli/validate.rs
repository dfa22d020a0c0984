//! `clusterwright validate`

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::{Outcome, Session};
use crate::pipeline::Run;

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("validate", "Is cluster.yaml right?"),
        ("validate -o json", "The findings for an editor or a script"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {}

/// Checks the configuration alone.
#[expect(clippy::unnecessary_wraps, reason = "every command has this signature")]
pub(super) fn run(_: &Args, session: &mut Session<'_>) -> Outcome {
    let run = Run::new(&mut session.world, &mut session.diags);
    // What `apps` asks for fits together, or not, when it is decided which apps are on.
    let decided = run.configuration().and_then(|all| run.plan().map(|_| all));
    match decided {
        Ok(configuration) => {
            if session.ui.is_human() {
                let nodes = configuration.cluster.nodes.nodes.len();
                session.ui.line(&format!(
                    "cluster.yaml is valid: {nodes} node{}",
                    if nodes == 1 { "" } else { "s" }
                ));
            }
            Ok((Exit::Success, Some(json!({"valid": true}))))
        }
        Err(_) => Ok((Exit::Failure, Some(json!({"valid": false})))),
    }
}
