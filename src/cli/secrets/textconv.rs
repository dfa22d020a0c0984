//! `clusterwright secrets textconv`: what `git diff` compares.

use std::path::PathBuf;

use super::identities_if_any;
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS};
use crate::cli::{Outcome, Session};
use crate::secrets::{SecretFile, compare};

/// Arguments of `secrets textconv`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets textconv kubernetes/apps/default/echo/app/secret.sops.yaml", "What `git diff` shows after `secrets install-git`"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// The file
    #[arg(allow_hyphen_values = true)]
    file: PathBuf,
    /// Print it decrypted
    #[arg(long)]
    reveal: bool,
}

/// Prints a file by keys, or in clear. Never fails for what is in the file: git would show nothing at all.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let file = SecretFile::read(session.world.root.path(), &args.file)
        .map_err(|finding| session.diags.abort(finding))?;
    let format = file.format(None);
    if args.reveal {
        let identities = identities_if_any(session);
        if let Ok(clear) = compare::clear(format, &file.bytes, &identities) {
            return Ok((Exit::Success, session.ui.result_bytes(&clear)));
        }
    }
    let text = String::from_utf8_lossy(&file.bytes);
    Ok((Exit::Success, session.ui.result(&compare::outline(format, &text))))
}
