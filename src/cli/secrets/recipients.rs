//! `clusterwright secrets rotate` and `updatekeys`: who can open files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use sops::{EncryptionRule, Format, KeyChange, SopsError};

use super::encrypt::needs_in_place;
use super::{for_strangers, identities, of_file, recipients_of, warn_of_left_out, warn_of_others};
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS};
use crate::cli::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::pipeline;
use crate::secrets::status::{Configs, short};
use crate::secrets::{Overrides, RuleSource, SecretFile, list, rule_for};
use crate::world::secrecy::claims_sops;

/// Arguments of `secrets rotate`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets rotate -i kubernetes/apps/default/echo/app/secret.sops.yaml", "A new data key for one file"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct RotateArgs {
    /// The SOPS files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the files instead of printing one
    #[arg(short, long)]
    in_place: bool,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    format: Option<Format>,
    /// Recipients to add; with key groups, to the first one
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    add_age: Vec<String>,
    /// Recipients to remove
    #[arg(long, value_name = "RECIPIENT", value_delimiter = ',')]
    rm_age: Vec<String>,
}

/// Arguments of `secrets updatekeys`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets updatekeys", "Bring every file here to the recipients of .sops.yaml, after a question"),
        ("secrets updatekeys --check", "In CI, without a key: is every file up to date?"),
    ],
    pending: Some("`--check` found files that are out of date"),
    environment: &[KEYS],
})]
pub(in crate::cli) struct UpdatekeysArgs {
    /// SOPS files, or directories to look for them
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing and exit with 2 when a file is out of date; needs no key
    #[arg(long, conflicts_with = "yes")]
    check: bool,
    /// Write without asking
    #[arg(short, long)]
    yes: bool,
}

/// Gives files new data keys: all of them or none.
pub(super) fn rotate(args: &RotateArgs, session: &mut Session<'_>) -> Outcome {
    if args.files.len() > 1 && !args.in_place {
        return Err(session.diags.abort(needs_in_place()));
    }
    let add = recipients_of(&args.add_age, "--add-age").map_err(|finding| session.diags.abort(finding))?;
    let remove = recipients_of(&args.rm_age, "--rm-age").map_err(|finding| session.diags.abort(finding))?;
    let identities = identities(session)?;
    let mut rotated = Vec::new();
    for typed in &args.files {
        let one = SecretFile::read(session.world.root.path(), typed).and_then(|file| {
            let entropy = &mut *session.world.entropy;
            let format = file.format(args.format);
            let new = format.rotate(file.text()?, &add, &remove, &identities, entropy);
            let new = new.map_err(|error| of_file(&error, &file.name))?;
            Ok((file, new))
        });
        match one {
            Ok(one) => rotated.push(one),
            Err(finding) => session.diags.push(finding),
        }
    }
    session.diags.checkpoint()?;
    let mut names = Vec::new();
    for (file, new) in &rotated {
        if !args.in_place {
            return Ok((Exit::Success, session.ui.result(&new.text)));
        }
        file.write(&new.text)
            .map_err(|finding| session.diags.abort(finding))?;
        let format = file.format(args.format);
        warn_of_others(&file.path, &file.name, format, &new.text, session);
        session.ui.note(&format!("rotated {}", file.name));
        names.push(file.name.clone());
    }
    Ok((Exit::Success, Some(json!({ "rotated": names }))))
}

/// A file whose recipients are not those of its rule, or whose block must be written anew.
struct Outdated {
    file: SecretFile,
    rule: EncryptionRule,
    reason: RuleSource,
    change: KeyChange,
    /// Whether a time in the block lacks its quotes.
    quotes: bool,
}

impl Outdated {
    fn json(&self) -> Value {
        json!({"path": self.file.name, "added": self.change.added, "removed": self.change.removed,
            "regrouped": self.change.regrouped, "quotes": self.quotes})
    }
}

/// Brings recipients to those of the rules.
pub(super) fn updatekeys(args: &UpdatekeysArgs, session: &mut Session<'_>) -> Outcome {
    let outdated = outdated(args, session)?;
    session.diags.checkpoint()?;
    let result = json!({ "outdated": outdated.iter().map(Outdated::json).collect::<Vec<_>>() });
    if session.ui.is_human() {
        for one in &outdated {
            session.ui.line(&one.file.name);
            one.change
                .added
                .iter()
                .for_each(|name| session.ui.line(&format!("  + {}", short(name))));
            one.change
                .removed
                .iter()
                .for_each(|name| session.ui.line(&format!("  - {} (new data key)", short(name))));
            if one.change.regrouped {
                session.ui.line("  other key groups (new data key)");
            }
            if one.quotes {
                session.ui.line("  quotes around the time in the `sops` block");
            }
        }
        if outdated.is_empty() {
            session.ui.line("every file is up to date");
        }
    }
    if outdated.is_empty() {
        return Ok((Exit::Success, Some(result)));
    }
    if args.check {
        return Ok((Exit::Pending, Some(result)));
    }
    let identities = identities(session)?;
    let mut new = Vec::new();
    for one in &outdated {
        let overrides = Overrides::default();
        if let Some(finding) = for_strangers(&one.rule, &one.reason, &overrides, &one.file.name, session) {
            session.diags.push(finding);
            continue;
        }
        let entropy = &mut *session.world.entropy;
        let rekeyed = one.file.text().and_then(|text| {
            let format = one.file.format(None);
            let rekeyed = format.update_keys(text, &one.rule, &identities, entropy);
            rekeyed.map_err(|error| of_file(&error, &one.file.name))
        });
        match rekeyed {
            Ok(Some(rekeyed)) => new.push((&one.file, rekeyed)),
            Ok(None) => {}
            Err(finding) => session.diags.push(finding),
        }
    }
    session.diags.checkpoint()?;
    if !args.yes {
        let question = format!(
            "Write {} file{}?",
            new.len(),
            if new.len() == 1 { "" } else { "s" }
        );
        match session.ui.confirm(&question) {
            Some(true) => {}
            Some(false) => return Ok((Exit::Pending, Some(result))),
            None => {
                let finding = Diagnostic::error("cli/no-terminal", "there is no terminal to ask at")
                    .help("run it with `--yes`, or with `--check` to look only");
                return Err(session.diags.abort(finding));
            }
        }
    }
    let mut gone = BTreeSet::new();
    for (file, rekeyed) in &new {
        file.write(&rekeyed.text)
            .map_err(|finding| session.diags.abort(finding))?;
        session.ui.note(&format!("updated {}", file.name));
        gone.extend(rekeyed.removed.iter().map(|name| short(name)));
    }
    if !gone.is_empty() {
        let names = gone.into_iter().collect::<Vec<_>>().join(", ");
        session.ui.note(&format!(
            "{names} can still read the old versions in git: change the secrets themselves"
        ));
    }
    Ok((Exit::Success, Some(result)))
}

/// Finds the files whose recipients differ, and those with a time that lacks its quotes. Files without a rule are a finding only when they were named.
fn outdated(args: &UpdatekeysArgs, session: &mut Session<'_>) -> Result<Vec<Outdated>, crate::diag::Aborted> {
    let root = session.world.root.clone();
    let listed = list(root.path(), &args.paths).map_err(|finding| session.diags.abort(finding))?;
    warn_of_left_out(listed.left_out, session);
    let mut configs = Configs::default();
    let mut found = Vec::new();
    for listed in listed.files {
        let read = SecretFile::read(
            root.path(),
            listed.path.strip_prefix(root.path()).unwrap_or(&listed.path),
        );
        let file = match read {
            Ok(file) => file,
            // Too large: no SOPS file that we could read.
            Err(finding) if !listed.named && finding.code.starts_with("side/") => continue,
            Err(finding) => {
                session.diags.push(finding);
                continue;
            }
        };
        let text = file.text().unwrap_or_default();
        if !claims_sops(text) && !listed.named {
            continue;
        }
        let format = file.format(None);
        let (quotes, recipients) = match format.status(text) {
            Ok(status) => (!status.bare_times.is_empty(), status.recipients),
            // A manual may show such a file, and be none.
            Err(SopsError::NotEncrypted) if !listed.named => continue,
            Err(error) => {
                session.diags.push(of_file(&error, &listed.name));
                continue;
            }
        };
        let overrides = Overrides::default();
        let own = || pipeline::own_recipients(&session.world);
        let (rule, reason) = match rule_for(root.path(), &file.path, &listed.name, text, &overrides, &own) {
            Ok(found) => found,
            // A rule with keys of other kinds: nothing is to be done where those of age are right.
            Err(_) if configs.agrees_but_for_other_keys(root.path(), &file.path, &recipients) => continue,
            Err(finding) if listed.named || finding.code != "secrets/no-rule" => {
                session.diags.push(finding);
                continue;
            }
            Err(_) => continue,
        };
        match format.key_change(text, &rule) {
            Ok(change) if change.is_empty() && !quotes => {}
            Ok(change) => found.push(Outdated {
                file,
                rule,
                reason,
                change,
                quotes,
            }),
            Err(error) => session.diags.push(of_file(&error, &listed.name)),
        }
    }
    Ok(found)
}
