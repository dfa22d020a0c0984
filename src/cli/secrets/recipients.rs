//! `clusterwright secrets rotate` and `updatekeys`: who can open files.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::args::{Rotate, Updatekeys};
use super::encrypt::needs_in_place;
use super::{identities, identities_if_any, of_file, recipients_of};
use crate::cli::exit::Exit;
use crate::cli::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::secrets::status::{claims_sops, short};
use crate::secrets::{File, Overrides, list, rule_for};
use crate::sops::{self, Recipient};

/// Gives files new data keys: all of them or none.
pub(super) fn rotate(args: &Rotate, session: &mut Session<'_>) -> Outcome {
    if args.files.len() > 1 && !args.in_place {
        return Err(session.diags.abort(needs_in_place()));
    }
    let add = recipients_of(&args.add_age, "--add-age").map_err(|finding| session.diags.abort(finding))?;
    let remove = recipients_of(&args.rm_age, "--rm-age").map_err(|finding| session.diags.abort(finding))?;
    let identities = identities(session)?;
    let mut rotated = Vec::new();
    for typed in &args.files {
        let one = File::read(&session.world.root, typed).and_then(|file| {
            let entropy = &mut *session.world.entropy;
            let new = sops::rotate(file.text.expose(), &add, &remove, &identities, entropy);
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
        session.ui.note(&format!("rotated {}", file.name));
        names.push(file.name.clone());
    }
    Ok((Exit::Success, Some(json!({ "rotated": names }))))
}

/// A file whose recipients are not those of its rule.
struct Outdated {
    file: File,
    wanted: Vec<Recipient>,
    added: Vec<String>,
    removed: Vec<String>,
}

impl Outdated {
    fn json(&self) -> Value {
        json!({"path": self.file.name, "added": self.added, "removed": self.removed})
    }
}

/// Brings recipients to those of the rules.
pub(super) fn updatekeys(args: &Updatekeys, session: &mut Session<'_>) -> Outcome {
    let outdated = outdated(args, session)?;
    session.diags.checkpoint()?;
    let result = json!({ "outdated": outdated.iter().map(Outdated::json).collect::<Vec<_>>() });
    if session.ui.is_human() {
        for one in &outdated {
            session.ui.line(&one.file.name);
            one.added
                .iter()
                .for_each(|name| session.ui.line(&format!("  + {}", short(name))));
            one.removed
                .iter()
                .for_each(|name| session.ui.line(&format!("  - {} (new data key)", short(name))));
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
        let entropy = &mut *session.world.entropy;
        match sops::update_keys(one.file.text.expose(), &one.wanted, &identities, entropy) {
            Ok(Some(rekeyed)) => new.push((&one.file, rekeyed)),
            Ok(None) => {}
            Err(error) => session.diags.push(of_file(&error, &one.file.name)),
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

/// Finds the files whose recipients differ. Files without a rule are a finding only when they were named.
fn outdated(args: &Updatekeys, session: &mut Session<'_>) -> Result<Vec<Outdated>, crate::diag::Aborted> {
    let root = session.world.root.clone();
    let files = list(&root, &args.paths).map_err(|finding| session.diags.abort(finding))?;
    let own = identities_if_any(session).recipients();
    let mut found = Vec::new();
    for listed in files {
        let Ok(file) = File::read(&root, listed.path.strip_prefix(&root).unwrap_or(&listed.path)) else {
            continue;
        };
        if !claims_sops(file.text.expose()) && !listed.named {
            continue;
        }
        let status = match sops::status(file.text.expose()) {
            Ok(status) => status,
            Err(error) => {
                session.diags.push(of_file(&error, &listed.name));
                continue;
            }
        };
        let overrides = Overrides::default();
        let rule = match rule_for(
            &root,
            &file.path,
            &listed.name,
            file.text.expose(),
            &overrides,
            &own,
        ) {
            Ok((rule, _)) => rule,
            Err(finding) if listed.named || finding.code != "secrets/no-rule" => {
                session.diags.push(finding);
                continue;
            }
            Err(_) => continue,
        };
        let have: BTreeSet<String> = status.recipients.into_iter().collect();
        let want: BTreeSet<String> = rule.recipients.iter().map(ToString::to_string).collect();
        if have != want {
            found.push(Outdated {
                added: want.difference(&have).cloned().collect(),
                removed: have.difference(&want).cloned().collect(),
                wanted: rule.recipients,
                file,
            });
        }
    }
    Ok(found)
}
