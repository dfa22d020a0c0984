//! `clusterwright secrets explain`: why a file is encrypted as it is, and why it opens or not.

use std::path::PathBuf;

use serde_json::{Value, json};
use sops::{Identities, MacCheck, SopsError};

use super::of_file;
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS, RECIPIENTS};
use crate::cli::{Outcome, Session, variable};
use crate::diag::counted;
use crate::pipeline;
use crate::secrets::{Overrides, RuleSource, SecretFile, config_for, rule_for};
use crate::world::keyring;

/// Arguments of `secrets explain`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets explain kubernetes/apps/default/echo/app/secret.sops.yaml", "Which rule, which recipients, which keys were tried"),
    ],
    environment: &[KEYS, RECIPIENTS],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// The file; it need not be encrypted
    file: PathBuf,
    /// Configuration in place of the .sops.yaml beside the file or above
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Tells rule, recipients and keys.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let file = SecretFile::read(root.path(), &args.file).map_err(|finding| session.diags.abort(finding))?;
    let named = args
        .config
        .clone()
        .or_else(|| variable("SOPS_CONFIG").map(Into::into));
    let (keyring, _) = keyring::gather(&root, &session.world.sources, &session.world.prompt);
    let identities = &keyring.all;
    let mut lines = vec![file.name.clone()];

    let mut rules = Vec::new();
    let found = config_for(root.path(), &file.path, named.as_deref())
        .map_err(|finding| session.diags.abort(finding))?;
    match &found {
        None => lines.push("  rule: no .sops.yaml beside the file or above".to_owned()),
        Some(found) => {
            let path = found.relative(&file.path);
            lines.push(format!("  rules of {} for `{path}`:", found.name));
            let mut decided = false;
            for (i, (regex, matches)) in found.config.consider(&path).into_iter().enumerate() {
                let what = regex.map_or_else(|| "any path".to_owned(), |regex| format!("path_regex {regex}"));
                let word = match (matches, decided) {
                    (true, false) => "matches, and is the first to do so",
                    (true, true) => "would match, but comes later",
                    (false, _) => "does not match",
                };
                decided |= matches;
                lines.push(format!("    {}. {what}: {word}", i + 1));
                rules.push(json!({"number": i + 1, "path_regex": regex, "matches": matches}));
            }
        }
    }
    let overrides = Overrides {
        config: named,
        ..Overrides::default()
    };
    let own = || pipeline::own_recipients(&session.world);
    let rule = rule_for(
        root.path(),
        &file.path,
        &file.name,
        file.text().unwrap_or_default(),
        &overrides,
        &own,
    );
    let rule = match rule {
        Ok((rule, reason)) => {
            if reason == RuleSource::Schema {
                lines
                    .push("  rule: exactly the keys that the schema of cluster.yaml marks secret".to_owned());
            }
            lines.push(format!(
                "  encrypts: {}: {}",
                rule.selector.key(),
                rule.selector.text()
            ));
            let recipients: Vec<String> = rule.recipients.iter().map(ToString::to_string).collect();
            lines.extend(recipients.iter().map(|name| format!("  for: {name}")));
            json!({"selector": {rule.selector.key(): rule.selector.text()}, "recipients": recipients,
                "mac_only_encrypted": rule.mac_only_encrypted})
        }
        Err(finding) => {
            lines.push(format!("  rule: {}", finding.message));
            Value::Null
        }
    };

    let mut tried: Vec<String> = keyring.sources.iter().map(ToString::to_string).collect();
    let (state, recipients) = state(&file, identities, &mut lines, &mut tried);
    lines.push("  keys tried:".to_owned());
    lines.extend(tried.iter().map(|line| format!("    {line}")));
    if session.ui.is_human() {
        lines.iter().for_each(|line| session.ui.line(line));
    }
    let sources: Vec<Value> = keyring
        .sources
        .iter()
        .map(|source| json!({"source": source.name, "outcome": source.to_string()}))
        .collect();
    Ok((
        Exit::Success,
        Some(
            json!({"path": file.name, "rules": rules, "rule": rule, "state": state,
            "recipients": recipients, "identities": sources}),
        ),
    ))
}

/// Tells what the file is, and whether it opens; adds to `tried` what came out when a key was asked.
fn state(
    file: &SecretFile,
    identities: &Identities,
    lines: &mut Vec<String>,
    tried: &mut Vec<String>,
) -> (&'static str, Vec<String>) {
    let format = file.format(None);
    let text = file.text().unwrap_or_default();
    let status = match format.status(text) {
        Ok(status) => status,
        Err(SopsError::NotEncrypted) => {
            lines.push("  state: not encrypted".to_owned());
            return ("plain", Vec::new());
        }
        Err(error) => {
            lines.push(format!("  state: {}", of_file(&error, &file.name).message));
            return ("broken", Vec::new());
        }
    };
    let own: Vec<String> = identities.recipients().iter().map(ToString::to_string).collect();
    lines.push(format!(
        "  state: encrypted, {}, for",
        counted(status.sealed, "value")
    ));
    for name in &status.recipients {
        // The text of an SSH key may end with a comment.
        let same = |mine: &String| {
            name.strip_prefix(mine.as_str())
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        let mine = if own.iter().any(same) {
            " (a key of it is here)"
        } else {
            ""
        };
        lines.push(format!("    {name}{mine}"));
    }
    let state = match format.decrypt(text, identities, MacCheck::Verify) {
        Ok(_) => {
            lines.push("  it opens, and its MAC agrees".to_owned());
            "opens"
        }
        Err(error) => {
            lines.push(format!("  it does not open: {error}"));
            lines.push(format!("    {}", error.help()));
            if let SopsError::NoIdentityMatches { tried: more, .. } = error {
                let more: Vec<String> = more.into_iter().filter(|line| !tried.contains(line)).collect();
                tried.extend(more);
            }
            "closed"
        }
    };
    (state, status.recipients)
}
