//! `clusterwright secrets status`

use std::path::PathBuf;

use serde_json::json;

use super::warn_of_left_out;
use crate::cli::exit::Exit;
use crate::cli::help::Help;
use crate::cli::{Outcome, Session};
use crate::secrets::status::{Configs, look, report};
use crate::secrets::{configuration, list};

/// Arguments of `secrets status`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets status", "Every SOPS file here: is all of it encrypted, and for whom?"),
        ("secrets status kubernetes/apps", "The same for one folder"),
    ],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// Files, or directories to look for SOPS files
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Looks at SOPS files without a key.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let listed = list(root.path(), &args.paths).map_err(|finding| session.diags.abort(finding))?;
    warn_of_left_out(listed.left_out, session);
    let found = look(root.path(), &listed.files, &mut Configs::default());
    let mut found = found.map_err(|finding| session.diags.abort(finding))?;
    for (status, findings) in &mut found {
        configuration::examine(root.path(), status, findings, &mut session.diags);
    }
    report(&found, &mut session.diags);
    if session.ui.is_human() {
        for (status, _) in found.iter().filter(|(status, _)| status.ok) {
            session.ui.line(&format!(
                "ok  {}  {} encrypted, {} recipient{}",
                status.path,
                status.encrypted,
                status.recipients.len(),
                if status.recipients.len() == 1 { "" } else { "s" }
            ));
        }
        if found.is_empty() {
            session.ui.line("no SOPS files");
        }
    }
    let bad = found.iter().any(|(status, _)| !status.ok);
    let files: Vec<_> = found.iter().map(|(status, _)| status).collect();
    let exit = if bad { Exit::Failure } else { Exit::Success };
    Ok((exit, Some(json!({ "files": files }))))
}
