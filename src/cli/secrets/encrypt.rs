//! `clusterwright secrets encrypt`

use std::path::{Path, PathBuf};

use serde_json::json;
use sops::Format;

use super::overrides::{RuleArgs, overrides};
use super::{for_strangers, identities_if_any, numbers, of_file};
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS, RECIPIENTS};
use crate::cli::{Outcome, Session};
use crate::diag::{Diagnostic, argument};
use crate::pipeline;
use crate::secrets::{RuleSource, SecretFile, configuration, rule_for, typed};

/// Arguments of `secrets encrypt`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets encrypt -i kubernetes/apps/default/echo/app/secret.sops.yaml", "Encrypt a file in place, as .sops.yaml says"),
        ("secrets encrypt --age age1qm4dhvyzxsfp0cjv9k0lkmcaqf7hjk5tjs9y8sdpj9hrpy3xfdtqr5w0ml notes.yaml", "Print it encrypted for one recipient"),
    ],
    environment: &[KEYS, RECIPIENTS],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the files instead of printing one
    #[arg(short, long)]
    in_place: bool,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    rule: RuleArgs,
}

/// Encrypts all files or none.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    if args.files.len() > 1 && !args.in_place {
        return Err(session.diags.abort(needs_in_place()));
    }
    let overrides = overrides(&args.rule).map_err(|finding| session.diags.abort(finding))?;
    for typed in &args.files {
        check_configuration(typed, session);
    }
    session.diags.checkpoint()?;
    let identities = identities_if_any(session);
    let mut sealed = Vec::new();
    for typed in &args.files {
        let one = SecretFile::read(session.world.root.path(), typed).and_then(|file| {
            let (rule, reason) = rule_for(
                session.world.root.path(),
                &file.path,
                &file.name,
                file.text().unwrap_or_default(),
                &overrides,
                &|| pipeline::own_recipients(&session.world),
            )?;
            let format = args.format.unwrap_or_else(|| Format::of(&file.path));
            if reason == RuleSource::Schema && !identities.is_empty() {
                let text = configuration::seal(&file, &rule, &identities, session.world.entropy)?;
                return Ok((file, format, text));
            }
            if !identities.is_empty()
                && let Some(mended) = typed::sealed(&file, format, &identities, session.world.entropy)?
            {
                return Ok((file, format, Some(mended)));
            }
            if let Some(finding) = for_strangers(&rule, &reason, &overrides, &file.name, session) {
                let file = argument(&file.name);
                let age = format!("clusterwright secrets encrypt --age RECIPIENT {file}");
                return Err(finding.help(format!("if it is for the others alone, name them: `{age}`")));
            }
            let text = format.encrypt(&file.bytes, &rule, session.world.entropy);
            let text = text.map_err(|error| of_file(&error, &file.name))?;
            Ok((file, format, Some(text)))
        });
        match one {
            Ok((file, format, text)) => {
                if let Some(text) = &text {
                    numbers::warn(session, format, &file.name, None, text);
                }
                sealed.push((file, text));
            }
            Err(finding) => session.diags.push(finding),
        }
    }
    session.diags.checkpoint()?;
    let mut written = Vec::new();
    for (file, text) in &sealed {
        let Some(text) = text else {
            if args.in_place {
                session.ui.note(&format!("nothing changes in {}", file.name));
                continue;
            }
            let text = file.text().map_err(|finding| session.diags.abort(finding))?;
            return Ok((Exit::Success, session.ui.result(text)));
        };
        if args.in_place {
            file.write(text).map_err(|finding| session.diags.abort(finding))?;
            session.ui.note(&format!("encrypted {}", file.name));
            if let Some(line) = configuration::ignored(session.world.root.path(), file) {
                session.ui.note(&format!(
                    "{} can be committed now: take `{line}` out of .gitignore",
                    file.name
                ));
            }
            written.push(file.name.clone());
        } else {
            return Ok((Exit::Success, session.ui.result(text)));
        }
    }
    Ok((Exit::Success, Some(json!({ "encrypted": written }))))
}

/// Reports what makes a configuration file unfit to be encrypted.
fn check_configuration(typed: &Path, session: &mut Session<'_>) {
    let root = session.world.root.clone();
    let Ok(file) = SecretFile::read(root.path(), typed) else {
        return;
    };
    let text = file.text().unwrap_or_default();
    if let Some(name) = configuration::name_of(root.path(), &file.path, text) {
        // What is wrong has been reported.
        let _ = configuration::check(root.path(), name, text, &mut session.diags);
    }
}

/// The finding for several files without `--in-place`.
pub(super) fn needs_in_place() -> Diagnostic {
    Diagnostic::error(
        "secrets/argument",
        "several files cannot be printed to one output",
    )
    .help("write them in place with `-i`, or give one file")
}
