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

use sops::{Format, Identities, Recipient, SopsError};

use super::exit::Exit;
use super::{Outcome, Session};
use crate::diag::{Aborted, Diagnostic, Severity};
use crate::pipeline;
use crate::seal;
use crate::secrets::{Overrides, argument, rule_for, status as status_of};
use crate::world::side;
use args::Secrets;

/// Runs a subcommand.
pub(super) fn run(args: &Secrets, session: &mut Session<'_>) -> Outcome {
    match args {
        Secrets::Encrypt(args) => encrypt::run(args, session),
        Secrets::Decrypt(args) => decrypt::run(args, session),
        Secrets::Edit(args) => edit::run(args, session),
        Secrets::WaitForEdit => {
            edit::wait();
            Ok((Exit::Success, None))
        }
        Secrets::Set(args) => value::set(args, session),
        Secrets::Unset(args) => value::unset(args, session),
        Secrets::Rotate(args) => recipients::rotate(args, session),
        Secrets::Updatekeys(args) => recipients::updatekeys(args, session),
        Secrets::Status(args) => status::run(args, session),
        Secrets::Explain(args) => explain::run(args, session),
        Secrets::Scan(args) => scan::run(args, session),
        Secrets::Diff(args) => diff::run(args, session),
        Secrets::Textconv(args) => textconv::run(args, session),
        Secrets::Merge(args) => merge::run(args, session),
        Secrets::InstallGit(args) => install_git::run(args, session),
    }
}

/// Returns the private keys at hand.
fn identities(session: &mut Session<'_>) -> Result<Identities, Aborted> {
    match pipeline::identities(&session.world, &mut session.diags)? {
        Some(found) => Ok(found.all),
        None => Err(session.diags.abort(
            side::missing_key("nothing else here can decrypt the file")
                .help("or give the key in `SOPS_AGE_KEY`"),
        )),
    }
}

/// Returns the private keys at hand; none when there is no usable source, whatever the reason.
fn identities_if_any(session: &Session<'_>) -> Identities {
    let mut quiet = crate::diag::Diagnostics::default();
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
fn warn_of_others((path, name): (&Path, &str), format: Format, text: &str, session: &mut Session<'_>) {
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
