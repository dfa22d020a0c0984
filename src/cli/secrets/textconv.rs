//! `clusterwright secrets textconv`: what `git diff` compares.

use super::args::Textconv;
use super::identities_if_any;
use crate::cli::exit::Exit;
use crate::cli::{Outcome, Session};
use crate::secrets::{File, compare};

/// Prints a file by keys, or in clear. Never fails for what is in the file: git would show nothing at all.
pub(super) fn run(args: &Textconv, session: &mut Session<'_>) -> Outcome {
    let file =
        File::read(session.world.root.path(), &args.file).map_err(|finding| session.diags.abort(finding))?;
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
