//! `clusterwright secrets decrypt`: the command whose purpose it is to hand plaintext out.

use std::path::PathBuf;

use sops::{Format, KeyPath, MacCheck};

use super::{identities, of_file, of_option};
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS};
use crate::cli::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::secrets::SecretFile;
use crate::sys::named;
use crate::sys::replace::{Access, replace_file};
use crate::sys::root::Refused;

/// Arguments of `secrets decrypt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets decrypt kubernetes/apps/default/echo/app/secret.sops.yaml", "Print it in clear"),
        (r#"secrets decrypt kubernetes/apps/default/echo/app/secret.sops.yaml --extract '["stringData"]["password"]'"#, "Print one value"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// The SOPS file
    file: PathBuf,
    /// Write the file in clear text instead of printing it
    #[arg(short, long, conflicts_with_all = ["extract", "to"])]
    in_place: bool,
    /// Write clear text to this file, readable for its owner only
    #[arg(long = "to", value_name = "FILE")]
    to: Option<PathBuf>,
    /// Give only the value at this path, such as `["stringData"]["password"]`
    #[arg(long, value_name = "PATH")]
    extract: Option<String>,
    /// Document that --extract looks at
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    document: u16,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    format: Option<Format>,
    /// Print even if the file was tampered with
    #[arg(long)]
    ignore_mac: bool,
}

/// Prints or writes a file, or one value of it, in clear.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let file = SecretFile::read(session.world.root.path(), &args.file)
        .map_err(|finding| session.diags.abort(finding))?;
    let path = args.extract.as_deref().map(KeyPath::parse).transpose();
    let path = path.map_err(|error| session.diags.abort(of_option(&error, "--extract")))?;
    let identities = identities(session)?;
    let check = if args.ignore_mac {
        MacCheck::Ignore
    } else {
        MacCheck::Verify
    };
    let format = file.format(args.format);
    let text = file.text().map_err(|finding| session.diags.abort(finding))?;
    let plain = match &path {
        Some(path) => {
            let at = path.within(usize::from(args.document - 1));
            format.extract(text, at, &identities, check)
        }
        None => format.decrypt(text, &identities, check),
    };
    let plain = plain.map_err(|error| session.diags.abort(of_file(&error, &file.name)))?;
    if args.in_place {
        file.write_plain(&plain)
            .map_err(|finding| session.diags.abort(finding))?;
        session
            .ui
            .note(&format!("{} is in clear text now: do not commit it", file.name));
        return Ok((Exit::Success, None));
    }
    if let Some(to) = &args.to {
        let target = session.world.root.path().join(to);
        if !matches!(named::read(&target, 0), Err(Refused::Absent))
            && session
                .ui
                .confirm(&format!("`{}` is there. Replace it?", to.display()))
                != Some(true)
        {
            return Err(session.diags.abort(
                Diagnostic::error("secrets/exists", format!("`{}` is there already", to.display()))
                    .note("nothing was written")
                    .help("name another file, or remove that one first"),
            ));
        }
        let written = replace_file(&target, &plain, Access::Private);
        written.map_err(|error| session.diags.abort(Diagnostic::io("write", to, &error)))?;
        return Ok((Exit::Success, None));
    }
    Ok((Exit::Success, session.ui.result_bytes(&plain)))
}
