//! `clusterwright secrets`: SOPS files in any repository.

pub(super) mod args;
mod decrypt;
mod diff;
mod edit;
mod encrypt;
mod explain;
mod install_git;
mod merge;
mod numbers;
mod overrides;
mod recipients;
mod scan;
mod status;
mod textconv;
mod value;

use std::path::Path;

use sops::{EncryptionRule, Format, Identities, Recipient, RecipientKind, SopsError};

use super::exit::Exit;
use super::{Outcome, Session};
use crate::config::CONFIG_FILES;
use crate::diag::{Aborted, Diagnostic, Diagnostics, Severity, argument};
use crate::pipeline;
use crate::seal;
use crate::secrets::{Overrides, RuleSource, rule_for, status as status_of};
use crate::sys::root::Root;
use crate::vcs::private;
use crate::world::{above, side};
use args::SecretsCommand;

/// Runs a subcommand.
pub(super) fn run(args: &SecretsCommand, session: &mut Session<'_>) -> Outcome {
    match args {
        SecretsCommand::Encrypt(args) => encrypt::run(args, session),
        SecretsCommand::Decrypt(args) => decrypt::run(args, session),
        SecretsCommand::Edit(args) => edit::run(args, session),
        SecretsCommand::WaitForEdit => {
            edit::wait();
            Ok((Exit::Success, None))
        }
        SecretsCommand::Set(args) => value::set(args, session),
        SecretsCommand::Unset(args) => value::unset(args, session),
        SecretsCommand::Rotate(args) => recipients::rotate(args, session),
        SecretsCommand::Updatekeys(args) => recipients::updatekeys(args, session),
        SecretsCommand::Status(args) => status::run(args, session),
        SecretsCommand::Explain(args) => explain::run(args, session),
        SecretsCommand::Scan(args) => scan::run(args, session),
        SecretsCommand::Diff(args) => diff::run(args, session),
        SecretsCommand::Textconv(args) => textconv::run(args, session),
        SecretsCommand::Merge(args) => merge::run(args, session),
        SecretsCommand::InstallGit(args) => install_git::run(args, session),
    }
}

/// Returns the private keys at hand.
fn identities(session: &mut Session<'_>) -> Result<Identities, Aborted> {
    if let Some(found) = pipeline::identities(&session.world, &mut session.diags)? {
        return Ok(found.all);
    }
    let finding = missing_key(&session.world.root).help("or give the key in `SOPS_AGE_KEY`");
    Err(session.diags.abort(finding))
}

/// The finding for a key that is not here. A place of which git knows nothing is none for a private key: where the
/// configuration lies above, it belongs there.
fn missing_key(root: &Root) -> Diagnostic {
    let what = "nothing else here can decrypt the file";
    let of_root = [side::AGE_KEY, CONFIG_FILES[0], ".sops.yaml"];
    let up = above(root.path(), &of_root).filter(|_| !of_root.iter().any(|name| root.is_taken(name)));
    let Some(up) = up else {
        return side::missing_key(what);
    };
    let run = format!("run it with `-C {}`, from where FILE then counts", argument(&up));
    let message = format!("`{}` is not here: {what}", side::AGE_KEY);
    let finding = Diagnostic::error("side/missing", message).in_file(side::AGE_KEY);
    if private::is_there(&Root::new(Path::new(&up)), side::AGE_KEY) {
        finding.help(format!("it is in `{up}`: {run}"))
    } else {
        finding.help(format!(
            "copy it to `{up}`, where the configuration lies, and {run}"
        ))
    }
}

/// Returns the private keys at hand; none when there is no usable source, whatever the reason.
fn identities_if_any(session: &Session<'_>) -> Identities {
    let mut quiet = Diagnostics::default();
    match pipeline::identities(&session.world, &mut quiet) {
        Ok(Some(found)) => found.all,
        _ => Identities::default(),
    }
}

/// Warns of what was not looked at and may be a file like the others.
fn warn_of_left_out(left_out: Vec<Diagnostic>, session: &mut Session<'_>) {
    for mut finding in left_out {
        finding.severity = Severity::Warning;
        session.diags.push(finding);
    }
}

/// Warns when a file that was just written is for somebody whom its rule does not name any more.
fn warn_of_others(path: &Path, name: &str, format: Format, text: &str, session: &mut Session<'_>) {
    let root = session.world.root.clone();
    let own = || pipeline::own_recipients(&session.world);
    let rule = rule_for(root.path(), path, name, text, &Overrides::default(), &own);
    let change = rule
        .ok()
        .and_then(|(rule, _)| format.key_change(text, &rule).ok());
    let Some(change) = change.filter(|change| !change.removed.is_empty()) else {
        return;
    };
    let others: Vec<String> = change.removed.iter().map(|name| status_of::short(name)).collect();
    let message = format!(
        "`{}` is still sealed for {}, whom its rule does not name any more, and so is what was written now",
        name,
        others.join(", ")
    );
    session.diags.push(
        Diagnostic::warning("secrets/other-recipients", message)
            .in_file(name)
            .help(format!(
                "run `clusterwright secrets updatekeys {}`, then change the secrets themselves",
                argument(name)
            )),
    );
}

/// Returns what is wrong with a rule of `.sops.yaml` by which a file would be sealed for others alone: a key is at hand, and
/// none here opens it. Whoever names recipients at the command line means them.
fn for_strangers(
    rule: &EncryptionRule,
    reason: &RuleSource,
    overrides: &Overrides,
    name: &str,
    session: &Session<'_>,
) -> Option<Diagnostic> {
    let RuleSource::Rule(config, number) = reason else {
        return None;
    };
    // What is wrong with a source of keys is told where a key is needed.
    let found = pipeline::identities(&session.world, &mut Diagnostics::default()).ok()??;
    let hand = found.hand();
    let first = hand.first()?;
    let here = found.all.recipients();
    // Who opens what is for a key of another program is not known.
    let may_open = |one: &Recipient| {
        let is_told = matches!(one.kind(), RecipientKind::X25519 | RecipientKind::PostQuantum);
        !is_told || here.contains(one) || hand.iter().any(|mine| mine == one.as_str())
    };
    // The repository's own key is for itself alone, and need not be the one at hand.
    let is_own = name.ends_with(seal::OWN_KEY_FILE);
    if !overrides.recipients.is_empty() || is_own || rule.recipients.iter().any(may_open) {
        return None;
    }
    let message = format!(
        "`{name}` would not be sealed for the key at hand, {}: rule {number} of `{config}` does not name it",
        sops::short(first)
    );
    Some(
        Diagnostic::error("config/own-key-missing", message)
            .in_file(config)
            .note("what is sealed could not be opened here again, and would be readable for the others")
            .help(format!("add `{first}` to the recipients of that rule")),
    )
}

/// Reads recipients of the command line.
fn recipients_of(texts: &[String], option: &str) -> Result<Vec<Recipient>, Diagnostic> {
    let texts = texts
        .iter()
        .map(|text| text.trim())
        .filter(|text| !text.is_empty());
    Recipient::list(texts).map_err(|error| of_option(&error, option))
}

/// Turns an error about an argument into a finding.
fn of_option(error: &SopsError, option: &str) -> Diagnostic {
    Diagnostic::error("secrets/argument", format!("`{option}`: {error}")).help(error.help())
}

/// Turns an error about a file into a finding.
fn of_file(error: &SopsError, name: &str) -> Diagnostic {
    match error {
        SopsError::AlreadyEncrypted { .. } => seal::finding(error, name).help(format!(
            "to change it, use `clusterwright secrets edit {}` or `secrets set`",
            argument(name)
        )),
        _ => seal::finding(error, name),
    }
}
