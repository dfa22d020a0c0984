//! `clusterwright secrets encrypt`

use serde_json::json;

use super::args::{Encrypt, RuleArgs};
use super::{identities_if_any, of_file, recipients_of};
use crate::cli::exit::Exit;
use crate::cli::{Outcome, Session, variable};
use crate::diag::Diagnostic;
use crate::secrets::{File, Overrides, rule_for};
use crate::sops::{Format, Selector};

/// Encrypts all files or none.
pub(super) fn run(args: &Encrypt, session: &mut Session<'_>) -> Outcome {
    if args.files.len() > 1 && !args.in_place {
        return Err(session.diags.abort(needs_in_place()));
    }
    let overrides = overrides(&args.rule).map_err(|finding| session.diags.abort(finding))?;
    let own = identities_if_any(session).recipients();
    let mut sealed = Vec::new();
    for typed in &args.files {
        let one = File::read(&session.world.root, typed).and_then(|file| {
            let (rule, _) = rule_for(
                &session.world.root,
                &file.path,
                &file.name,
                file.text().unwrap_or_default(),
                &overrides,
                &own,
            )?;
            let format = args.format.unwrap_or_else(|| Format::of(&file.path));
            let text = format
                .encrypt(&file.bytes, &rule, session.world.entropy)
                .map_err(|error| of_file(&error, &file.name))?;
            let status = format
                .status(&text)
                .map_err(|error| of_file(&error, &file.name))?;
            Ok((file, text, status.inexact))
        });
        match one {
            Ok((file, text, inexact)) => {
                let line = |at: usize| text[..at].matches('\n').count() + 1;
                for (path, span) in inexact {
                    session
                        .diags
                        .push(newer_only(&file.name, &path, line(span.start)));
                }
                sealed.push((file, text));
            }
            Err(finding) => session.diags.push(finding),
        }
    }
    session.diags.checkpoint()?;
    let mut written = Vec::new();
    for (file, text) in &sealed {
        if args.in_place {
            file.write(text).map_err(|finding| session.diags.abort(finding))?;
            session.ui.note(&format!("encrypted {}", file.name));
            written.push(file.name.clone());
        } else {
            return Ok((Exit::Success, session.ui.result(text)));
        }
    }
    Ok((Exit::Success, Some(json!({ "encrypted": written }))))
}

/// The finding for a number that is not read alike by all releases of `sops`.
fn newer_only(name: &str, path: &str, line: usize) -> Diagnostic {
    Diagnostic::warning(
        "secrets/number",
        format!("`sops` before 3.13.2 will not open `{name}`: it reads the number `{path}` differently (line {line})"),
    )
    .in_file(name)
    .help("if such a release must open it, make the number a text, in quotes")
    .help("or encrypt with `--mac-only-encrypted`, so that the MAC leaves it out")
}

/// The finding for several files without `--in-place`.
pub(super) fn needs_in_place() -> Diagnostic {
    Diagnostic::error(
        "secrets/argument",
        "several files cannot be printed to one output",
    )
    .help("write them in place with `-i`, or give one file")
}

fn overrides(args: &RuleArgs) -> Result<Overrides, Diagnostic> {
    let from_environment =
        || variable("SOPS_AGE_RECIPIENTS").map(|text| text.split(',').map(str::to_owned).collect());
    let recipients = if args.age.is_empty() {
        recipients_of(
            &from_environment().unwrap_or_else(Vec::new),
            "SOPS_AGE_RECIPIENTS",
        )?
    } else {
        recipients_of(&args.age, "--age")?
    };
    let selector = [
        (
            &args.encrypted_regex,
            Selector::EncryptedRegex as fn(String) -> Selector,
        ),
        (&args.unencrypted_regex, Selector::UnencryptedRegex),
        (&args.encrypted_suffix, Selector::EncryptedSuffix),
        (&args.unencrypted_suffix, Selector::UnencryptedSuffix),
    ]
    .into_iter()
    .find_map(|(text, make)| text.clone().map(make));
    Ok(Overrides {
        config: args
            .config
            .clone()
            .or_else(|| variable("SOPS_CONFIG").map(Into::into)),
        recipients,
        selector,
        mac_only_encrypted: args.mac_only_encrypted,
    })
}
