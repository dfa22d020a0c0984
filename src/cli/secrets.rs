//! `clusterwright secrets`

use super::args::{Decrypt, Secrets};
use super::exit::Exit;
use super::{Outcome, Session};
use crate::pipeline;
use crate::seal;
use crate::side;
use crate::sops::{self, MacCheck};

/// Runs a subcommand.
pub(super) fn run(args: &Secrets, session: &mut Session<'_>) -> Outcome {
    match args {
        Secrets::Decrypt(args) => decrypt(args, session),
    }
}

/// Prints a file in clear: the one command whose purpose that is.
fn decrypt(args: &Decrypt, session: &mut Session<'_>) -> Outcome {
    let name = args.file.display().to_string();
    let path = session.world.root.join(&args.file);
    let text = match side::read_path(&path, &name) {
        Ok(Some(text)) => text,
        Ok(None) => return Err(session.diags.abort(side::not_found(&name))),
        Err(finding) => return Err(session.diags.abort(finding)),
    };
    let Some(found) = pipeline::identities(&session.world, &mut session.diags)? else {
        return Err(session.diags.abort(side::missing(
            side::AGE_KEY,
            "nothing else here can decrypt the file",
        )));
    };
    let check = if args.ignore_mac {
        MacCheck::Ignore
    } else {
        MacCheck::Verify
    };
    match sops::decrypt(text.expose(), &found.all, check) {
        Ok(plain) => {
            session.ui.print(plain.expose());
            Ok((Exit::Success, None))
        }
        Err(error) => Err(session.diags.abort(seal::finding(&error, &name))),
    }
}
