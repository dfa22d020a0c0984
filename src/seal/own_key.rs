//! The file that carries the repository's own private key: it is sealed for that key alone.
//!
//! Whoever opens it opens everything that is sealed for the repository, today and later, and taking him out of the
//! recipients would change nothing about that. Where an older release, or a person, sealed it for others, the key was
//! given away: only another one helps.

use std::collections::BTreeSet;

use sops::{EncryptionRule, Format, Identities, MacCheck, Recipient};

use super::{SealKeys, Sealer};
use crate::config::Vault;
use crate::diag::Diagnostic;
use crate::known::Known;
use crate::sys::SecretText;
use crate::tree::{Artifact, RepoPath};
use crate::world::side;

/// Where the catalogue renders the repository's own key, for the cluster.
pub const OWN_KEY_FILE: &str = "bootstrap/sops-age.sops.yaml";

/// The name under which templates place the repository's own key.
const OWN_KEY: &str = "age_key";

/// Returns the private keys in a text, each with its public half.
pub fn private_keys(text: &str) -> Vec<(String, SecretText)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words = text
        .split(|c: char| !is_part(c))
        .filter(|word| word.starts_with("AGE-SECRET-KEY-"));
    words
        .filter_map(|word| {
            let public = Identities::parse(word).ok()?.recipients().first()?.to_string();
            Some((public, SecretText::new(word.to_owned())))
        })
        .collect()
}

/// Returns whether a file carries the repository's own private key.
pub(super) fn is_carried(
    artifact: &Artifact,
    plain: Option<&SecretText>,
    vault: &Vault,
    keys: &SealKeys,
) -> bool {
    let carries = |plain: &SecretText| !keys.own_private.find(plain.expose().as_bytes()).is_empty();
    vault.has_computed(OWN_KEY, artifact.text()) || plain.is_some_and(carries)
}

/// Returns what is looked for to find the own private key.
pub(super) fn known(text: &SecretText, recipients: &[String]) -> Known {
    let keys = private_keys(text.expose());
    let own = keys.iter().filter(|(public, _)| recipients.contains(public));
    Known::new(own.map(|(_, private)| (side::AGE_KEY.to_owned(), private.expose())))
}

/// Narrows the rule of a file that carries the own key to that key. Returns a finding where the rules say otherwise.
pub(super) fn narrow(rule: &mut EncryptionRule, path: &RepoPath, keys: &SealKeys) -> Option<Diagnostic> {
    let own = Recipient::list(keys.own_recipients.iter().map(String::as_str)).unwrap_or_default();
    let others = rule.recipients.iter().any(|one| !own.contains(one)) || rule.groups.is_some();
    if own.is_empty() || !others && own.iter().all(|one| rule.recipients.contains(one)) {
        return None;
    }
    rule.recipients = own;
    rule.groups = None;
    let message = format!(
        "`{path}` holds the private key of this repository and is sealed for it alone, but `.sops.yaml` says otherwise"
    );
    Some(
        Diagnostic::warning("seal/own-key-rule", message)
            .in_file(".sops.yaml")
            .note("`secrets updatekeys` and `sops updatekeys` would give the key to everybody whom the rule names")
            .help(format!(
                "put this rule first: `- {{path_regex: (^|/){}$, encrypted_regex: ^(data|stringData)$, \
                 mac_only_encrypted: true, age: \"{}\"}}`",
                regex::escape(path.as_str()),
                keys.own_recipients.join(",")
            )),
    )
}

impl Sealer<'_> {
    /// Returns to whom versions of a file gave the own key: those in the work tree, in the index and, where there are or
    /// were other recipients, in git's history.
    pub(super) fn given_away(&self, path: &RepoPath) -> Option<Diagnostic> {
        let (mut now, mut ever) = (BTreeSet::new(), BTreeSet::new());
        let work_tree = self.committed.existing.bytes(path).unwrap_or_default();
        self.strangers(work_tree, &mut now);
        let others = self.keys.recipients.len() > self.keys.own_recipients.len()
            || self.keys.may_have_left
            || !now.is_empty();
        if others && let Some(git) = self.committed.git {
            // A history that cannot be read is found by those who need it.
            let _ = git.read_history([path], |_, bytes| {
                self.strangers(bytes, &mut ever);
                false
            });
        }
        ever.extend(now.iter().cloned());
        let gone: Vec<&str> = ever
            .iter()
            .filter(|name| !self.keys.recipients.contains(name))
            .map(String::as_str)
            .collect();
        let named =
            |names: &mut dyn Iterator<Item = &str>| names.map(sops::short).collect::<Vec<_>>().join(", ");
        let message = if !gone.is_empty() {
            format!(
                "the private key of this repository was given to {}, and opens everything that is sealed from now on: \
                 replace it",
                named(&mut gone.iter().copied())
            )
        } else if !now.is_empty() {
            format!(
                "`{path}` gave the private key of this repository to {} as well: replace it before one of them leaves",
                named(&mut now.iter().map(String::as_str))
            )
        } else {
            return None;
        };
        let finding = Diagnostic::warning("seal/own-key-given-away", message)
            .in_file(path.as_str())
            .note(format!(
                "`{path}` was sealed for every recipient; it is sealed for its own key alone now"
            ));
        Some(steps(finding, path, self.keys))
    }

    /// Adds the recipients for whom a version was sealed that holds the own key.
    fn strangers(&self, version: &[u8], found: &mut BTreeSet<String>) {
        let Some(identities) = &self.keys.identities else {
            return;
        };
        let text = String::from_utf8_lossy(version);
        let Ok(file) = sops::File::read(Format::Yaml, &text) else {
            return;
        };
        let Ok(status) = file.status() else { return };
        let own = |name: &&String| self.keys.every_own().contains(name);
        if !status.recipients.iter().any(|name| own(&name)) || status.recipients.iter().all(|name| own(&name))
        {
            return;
        }
        let opened = file.decrypt(identities, MacCheck::Verify);
        if opened.is_ok_and(|plain| !self.keys.own_private.find(&plain).is_empty()) {
            found.extend(status.recipients.iter().filter(|name| !own(name)).cloned());
        }
    }
}

/// Adds how the own key is replaced.
fn steps(finding: Diagnostic, path: &RepoPath, keys: &SealKeys) -> Diagnostic {
    let others: String = keys
        .recipients
        .iter()
        .filter(|name| !keys.own_recipients.contains(name))
        .map(|name| format!(", {name}"))
        .collect();
    finding
        .help(
            "1. make a key, with the old one below it for the time being: `age-keygen -o new.key && cat age.key >> \
             new.key && mv new.key age.key`",
        )
        .help(format!(
            "2. name the new one's public half in cluster.yaml in place of the old one's, `age_recipients: \
             [NEW{others}]`, and run `clusterwright configure`"
        ))
        .help(format!(
            "3. give both keys to the cluster, `clusterwright secrets decrypt {path} | kubectl apply --server-side -f -`, \
             then commit and push"
        ))
        .help(
            "4. once Flux has applied that, take the old key out of age.key, run `clusterwright configure` again, and \
             replace the secrets themselves: the old key still opens what is in git's history",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_found_in_any_text() {
        let (one, public) = sops::generate_identity();
        let (two, other) = sops::generate_post_quantum_identity();
        let text = format!(
            "# x\nage.agekey: \"{}\\n{}\"\nAGE-SECRET-KEY-1NONE\n",
            one.expose(),
            two.expose()
        );
        let text = text.replace("\\n", "\n");
        let found: Vec<String> = private_keys(&text)
            .into_iter()
            .map(|(public, _)| public)
            .collect();
        assert_eq!(found, [public.clone(), other]);
        let known = known(&SecretText::new(text.clone()), &[public]);
        assert_eq!(known.find(text.as_bytes()).len(), 1, "only of the recipients");
    }
}
