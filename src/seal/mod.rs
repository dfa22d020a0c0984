//! Replaces secret tokens inside encrypted scopes and encrypts, keeping every ciphertext whose
//! plaintext, recipients and rule have not changed.
//!
//! Plaintext exists here alone, in memory that is wiped. Existing ciphertext is taken from the work tree, then the
//! index, then HEAD. Without a private key, files whose structure and recipients still fit are kept as they are, and
//! the values that nobody could compare are counted.

mod by_hand;
mod edited;
mod own_key;
mod reveal;

use std::collections::BTreeMap;

use sops::{Config, EncryptionRule, Identities, SopsError, Updated};

use crate::check::Checked;
use crate::config::Vault;
use crate::diag::{Aborted, Diagnostic, Diagnostics, argument};
use crate::known::{Known, hidden};
use crate::sys::{Entropy, SecretText};
use crate::tree::{Artifact, RepoPath, Text, Tree};
use crate::vcs::Git;
use crate::world::keyring::Own;
use crate::world::lock::{Lock, Sha256, lf};
use crate::world::secrecy::is_sealed;
use crate::world::{Bases, Choices, Existing, side};

pub use by_hand::report as report_by_hand;
pub use own_key::{OWN_KEY_FILE, private_keys};

/// Where the rules for SOPS files are rendered to.
const SOPS_CONFIG: &str = ".sops.yaml";

/// Marks a tree whose secrets are encrypted; only this stage makes one.
#[derive(Debug, Clone)]
pub struct Sealed {
    unverified: usize,
}

impl Sealed {
    /// Returns how many encrypted values were kept without being compared, for want of a private key.
    pub fn unverified(&self) -> usize {
        self.unverified
    }

    /// Returns the marker without sealing, for tests of the stages behind this one.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self { unverified: 0 }
    }
}

/// Who can decrypt, and what we can decrypt with.
#[derive(Debug, Default)]
pub struct SealKeys {
    identities: Option<Identities>,
    recipients: Vec<String>,
    /// The public halves of the keys that the person works with.
    hand: Vec<String>,
    /// The public halves of the repository's own key, those alone that are recipients.
    own_recipients: Vec<String>,
    /// All of them.
    own: Vec<String>,
    /// The private halves of those that are recipients.
    own_private: Known,
    /// Whether there may have been other recipients.
    may_have_left: bool,
}

impl SealKeys {
    /// Puts them together.
    pub fn new(identities: Option<Identities>, recipients: Vec<String>) -> Self {
        Self {
            identities,
            recipients,
            ..Self::default()
        }
    }

    /// Adds the public halves of the keys that the person works with: nothing is sealed that none of them opens.
    #[must_use]
    pub fn of_person(mut self, hand: Vec<String>) -> Self {
        self.hand = hand;
        self
    }

    /// Adds the repository's own key; without it, what the rules of the last run say of it. `may_have_left` says whether
    /// there may have been other recipients.
    #[must_use]
    pub fn of_repository(mut self, own: Option<&Own>, by_rules: &[String], may_have_left: bool) -> Self {
        let is_recipient = |name: &&String| self.recipients.contains(name);
        let own_recipients = own.map_or(by_rules, |own| &own.recipients);
        self.own_recipients = own_recipients.iter().filter(is_recipient).cloned().collect();
        self.may_have_left = may_have_left;
        if let Some(own) = own {
            self.own.clone_from(&own.recipients);
            self.own_private = own_key::known(&own.text, &self.own_recipients);
        } else if let ([], [only]) = (by_rules, self.recipients.as_slice()) {
            self.own_recipients = vec![only.clone()];
        }
        self
    }

    /// Returns what we can decrypt with; `None` without a private key.
    pub fn identities(&self) -> Option<&Identities> {
        self.identities.as_ref()
    }

    /// Returns who can decrypt.
    pub fn recipients(&self) -> &[String] {
        &self.recipients
    }

    /// Returns the public halves of the repository's own key; all recipients where it is not known.
    pub fn own_recipients(&self) -> &[String] {
        if self.own_recipients.is_empty() {
            &self.recipients
        } else {
            &self.own_recipients
        }
    }

    /// Returns every public half of the own key, those that are no recipients any more included.
    fn every_own(&self) -> &[String] {
        if self.own.is_empty() {
            &self.own_recipients
        } else {
            &self.own
        }
    }

    /// Returns what is wrong with a rule that no key at hand opens.
    fn locked_out(&self, rule: &EncryptionRule, name: &str) -> Option<Diagnostic> {
        let opens = |mine: &String| rule.recipients.iter().any(|one| one.as_str() == mine);
        let first = self.hand.first()?;
        (!self.hand.iter().any(opens)).then(|| {
            let message = format!(
                "`{name}` would not be sealed for the key at hand, {}: no rule names it",
                sops::short(first)
            );
            Diagnostic::error("config/own-key-missing", message)
                .in_file(SOPS_CONFIG)
                .note("what is sealed could not be opened here again, and would be readable for the others")
                .help(format!(
                    "add `{first}` to the recipients of the rule for `{name}`"
                ))
        })
    }
}

/// Where existing ciphertext is found.
#[derive(Debug)]
pub struct Committed<'a> {
    /// The work tree.
    pub existing: &'a Existing,
    /// Index and HEAD.
    pub git: Option<&'a Git>,
    /// Which files are ours.
    pub lock: &'a Lock,
    /// Earlier versions of edited files.
    pub bases: &'a Bases,
    /// What a person chose for conflicts.
    pub choices: &'a Choices,
}

impl Committed<'_> {
    /// Returns the rules for SOPS files as they are in the work tree.
    fn config(&self) -> Option<String> {
        let bytes = self.existing.bytes(&config_path()?)?;
        String::from_utf8(bytes.to_vec()).ok()
    }
}

/// Returns where the rules for SOPS files are.
pub fn config_path() -> Option<RepoPath> {
    RepoPath::parse(SOPS_CONFIG).ok()
}

/// Turns an error of the SOPS format into a finding about a file.
pub fn finding(error: &SopsError, file: &str) -> Diagnostic {
    let mut finding = Diagnostic::error("seal/sops", format!("`{file}`: {error}")).in_file(file);
    if let SopsError::NoIdentityMatches { tried, .. } = error {
        for line in tried {
            finding = finding.note(line.clone());
        }
    }
    match error {
        SopsError::NoMac | SopsError::MacMismatch => {
            let (secrets, typed) = ("clusterwright secrets", argument(file));
            finding.help(format!(
                "compare the file with git history; if every value is right, `{secrets} decrypt --ignore-mac -i {typed}`, \
                 then `{secrets} encrypt -i {typed}`"
            ))
        }
        _ => finding.help(error.help()),
    }
}

/// Does the same for an error whose place lies in `text`, which is not shown: the message names the line.
pub fn finding_in(error: &SopsError, file: &str, text: &str) -> Diagnostic {
    let mut finding = finding(error, file);
    if let Some(span) = error.span() {
        let line = yaml::line::number(text, span.start);
        finding.message = format!("`{file}`, line {line}: {error}");
    }
    finding
}

/// Encrypts every SOPS file of the tree.
///
/// # Errors
/// When a file has no rule, a secret stands outside of what the rule encrypts, an existing file cannot be opened with
/// the keys at hand, or a value is not known and nothing sealed exists; all findings are reported.
pub fn seal(
    tree: &Tree<Checked>,
    vault: &Vault,
    keys: &SealKeys,
    committed: &Committed<'_>,
    entropy: &mut dyn Entropy,
    diags: &mut Diagnostics,
) -> Result<Tree<Sealed>, Aborted> {
    let rendered = config_path().and_then(|path| Some(tree.get(&path)?.text().to_owned()));
    let config = rendered.or_else(|| committed.config());
    let is_there = config.is_some();
    let rules = config.unwrap_or_default();
    let config = match is_there.then(|| Config::parse(&rules)) {
        Some(Ok(config)) => config,
        Some(Err(error)) => return Err(diags.abort(finding_in(&error, SOPS_CONFIG, &rules))),
        None if !tree.iter().any(Artifact::is_sops) => Config::default(),
        None => {
            let message = "no template renders `.sops.yaml`, so nothing says how to encrypt";
            return Err(diags.abort(Diagnostic::error("seal/no-config", message)));
        }
    };
    let older = older(tree, committed, diags);
    let mut sealer = Sealer {
        vault,
        keys,
        config,
        rules,
        older,
        committed,
        unverified: 0,
        warnings: Vec::new(),
    };
    let mut output = tree.clone();
    for artifact in tree.iter().filter(|artifact| artifact.is_sops()) {
        let documents = tree.stage().documents(&artifact.path);
        match sealer.artifact(artifact, documents, entropy) {
            Ok(content) => output.put(&artifact.path, content),
            Err(findings) => findings.into_iter().for_each(|finding| diags.push(finding)),
        }
        let written = output.get(&artifact.path).unwrap_or(artifact);
        if let Some(finding) = in_clear(written, vault.known(), diags) {
            diags.push(finding);
        }
    }
    sealer
        .warnings
        .into_iter()
        .for_each(|finding| diags.push(finding));
    diags.checkpoint()?;
    let unverified = sealer.unverified;
    Ok(output.map_stage(|_| Sealed { unverified }))
}

/// Returns a finding for the first known secret that stands in clear in a file as it will be written: everywhere in one
/// that is not sealed, outside of what the rule encrypts in one that is.
pub fn in_clear(artifact: &Artifact, known: &Known, diags: &mut Diagnostics) -> Option<Diagnostic> {
    in_clear_text(artifact, artifact.text(), known, diags)
}

/// Does the same with the text that stands in its place, such as one that a person edited and that stays.
pub fn in_clear_text(
    artifact: &Artifact,
    text: &str,
    known: &Known,
    diags: &mut Diagnostics,
) -> Option<Diagnostic> {
    let found = known.find(text.as_bytes());
    let (name, at) = found.first()?;
    let path = artifact.path.as_str();
    let line = yaml::line::number(text, at.start);
    let (message, help) = if artifact.is_sops() {
        (
            format!(
                "the value of the secret `{name}` stands where SOPS does not encrypt: line {line} of `{path}`"
            ),
            "place the secret as a value under `stringData`, or widen the rule in `.sops.yaml`",
        )
    } else {
        (
            format!("the value of the secret `{name}` would stand in clear in line {line} of `{path}`"),
            "put it under `stringData` of a Secret in a `*.sops.yaml` file and refer to that Secret",
        )
    };
    let shown = hidden(text, found.iter().map(|(_, at)| at.clone()));
    let id = diags.sources.add(path, shown);
    let finding = Diagnostic::error("secret/in-clear", message).at(id.span(at.clone()), "");
    let finding = match &artifact.origin.template {
        Some(template) => finding.note(format!(
            "rendered from `{template}`, with what you changed in the file"
        )),
        None => finding,
    };
    Some(finding.help(help).help(
        "if another thing has the same value by chance, change the secret: everybody can read it there",
    ))
}

/// The finding for the own key's file when nobody here knows for whom it is.
fn own_key_unknown(name: &str) -> Diagnostic {
    let message =
        format!("`{name}` is for the repository's own key alone, and nothing here says which that is");
    Diagnostic::error("seal/keyless", message)
        .in_file(name)
        .help("run `clusterwright configure` once where age.key is, and commit the result")
        .help("to make a key that a variable names the repository's own, run `clusterwright init --key-from-env`")
}

/// Reads index and HEAD for the SOPS files that the work tree lacks or that differ there, lazily: only when git is at
/// hand and a file is missing.
fn older(
    tree: &Tree<Checked>,
    committed: &Committed<'_>,
    diags: &mut Diagnostics,
) -> Vec<BTreeMap<RepoPath, Vec<u8>>> {
    let missing: Vec<&RepoPath> = tree
        .iter()
        .map(|artifact| &artifact.path)
        .filter(|path| path.is_sops() && committed.existing.bytes(path).is_none())
        .collect();
    let Some(git) = committed.git.filter(|_| !missing.is_empty()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for blobs in [
        git.read_index(missing.iter().copied()),
        git.read_head(missing.iter().copied()),
    ] {
        match blobs {
            Ok(blobs) => found.push(blobs),
            Err(finding) => diags.push(finding),
        }
    }
    found
}

struct Sealer<'a> {
    vault: &'a Vault,
    keys: &'a SealKeys,
    config: Config,
    /// Its text.
    rules: String,
    older: Vec<BTreeMap<RepoPath, Vec<u8>>>,
    committed: &'a Committed<'a>,
    unverified: usize,
    warnings: Vec<Diagnostic>,
}

impl Sealer<'_> {
    fn artifact(
        &mut self,
        artifact: &Artifact,
        documents: &[yaml::Node],
        entropy: &mut dyn Entropy,
    ) -> Result<Text, Vec<Diagnostic>> {
        // A file that was sealed elsewhere, and copied here as it is.
        let name = artifact.path.as_str();
        if is_sealed(name, artifact.text()) {
            return Ok(artifact.content.clone());
        }
        let one = |error: SopsError| vec![finding(&error, name)];
        let mut rule = self.config.rule_for(name).map_err(|error| match error {
            SopsError::Config { .. } => vec![finding_in(&error, SOPS_CONFIG, &self.rules)],
            error => one(error),
        })?;
        let plain = reveal::reveal(artifact.text(), documents, self.vault);
        let carries_own_key = own_key::is_carried(artifact, plain.as_ref().ok(), self.vault, self.keys);
        if carries_own_key {
            self.warnings
                .extend(own_key::narrow(&mut rule, &artifact.path, self.keys));
            self.warnings.extend(self.given_away(&artifact.path));
            if self.keys.own_recipients.is_empty() {
                return Err(vec![own_key_unknown(name)]);
            }
        }
        // A file with the own key is for that key, which need not be the one at hand.
        if !carries_own_key && let Some(finding) = self.keys.locked_out(&rule, name) {
            return Err(vec![finding]);
        }
        let scope = sops::covered(artifact.text(), &rule).map_err(one)?;
        reveal::check_places(artifact, &scope, self.vault)?;
        let existing = self.existing(&artifact.path);
        if let Some((base, yours)) = self.edited(&artifact.path)
            && let Ok(plain) = &plain
            && let Some(identities) = self.keys.identities.as_ref()
        {
            let resolutions = self.committed.choices.resolutions.get(&artifact.path);
            let mut merge = edited::SecretMerge {
                rule: &rule,
                identities,
                entropy: &mut *entropy,
            };
            if let Some(content) = merge.merge(base, &yours, plain, resolutions) {
                return Ok(content);
            }
        }
        let text = match (plain, self.keys.identities.as_ref()) {
            (Ok(plain), Some(identities)) => seal_known(&plain, &rule, identities, &existing, entropy)
                .map_err(|error| {
                    let finding = finding(&error, name);
                    vec![match error {
                        SopsError::NoIdentityMatches { .. } => finding
                            .note("it was sealed for another key than the one at hand")
                            .help("copy the right age.key here, or name it with SOPS_AGE_KEY_FILE")
                            .help(format!(
                                "to seal it anew, take it away first, from git as well: `git rm -f {typed}`, and commit",
                                typed = argument(name)
                            )),
                        _ => finding,
                    }]
                }),
            (known, _) => self.keyless(artifact, &rule, &existing, known.err().as_deref()),
        };
        text.map(Text::Rendered)
    }

    /// Returns the versions of a file that there are, newest first.
    fn existing(&self, path: &RepoPath) -> Vec<String> {
        let work_tree = self.committed.existing.bytes(path);
        let older = self
            .older
            .iter()
            .filter_map(|blobs| blobs.get(path))
            .map(Vec::as_slice);
        let mut found: Vec<String> = Vec::new();
        for bytes in work_tree.into_iter().chain(older) {
            let Ok(text) = std::str::from_utf8(bytes) else {
                continue;
            };
            let text = text.replace("\r\n", "\n");
            if !found.contains(&text) {
                found.push(text);
            }
        }
        found
    }

    /// Returns base and file on the disk of a file of ours that a person edited.
    fn edited(&self, path: &RepoPath) -> Option<(&str, String)> {
        let Choices { overwrite, keep, .. } = self.committed.choices;
        if overwrite.contains(path) || keep.contains(path) {
            return None;
        }
        let hash = self.committed.lock.entries.get(path)?.hash;
        let on_disk = self.committed.existing.bytes(path)?;
        if Sha256::of_text(on_disk) == hash {
            return None;
        }
        let base = self.committed.bases.get(path, hash)?;
        Some((base, String::from_utf8(lf(on_disk).into_owned()).ok()?))
    }

    /// Without the plaintext or without a key: what is sealed stays while its structure and recipients fit.
    fn keyless(
        &mut self,
        artifact: &Artifact,
        rule: &EncryptionRule,
        existing: &[String],
        unknown: Option<&str>,
    ) -> Result<String, Vec<Diagnostic>> {
        let name = artifact.path.as_str();
        let what = match unknown {
            Some(secret) => format!("the value of `{secret}` is not known here"),
            None => "no private key is at hand".to_owned(),
        };
        let file = unknown
            .filter(|_| self.keys.identities.is_some())
            .and_then(side::file_of);
        let help = |rest: &str| match file {
            Some(file) => {
                format!(
                    "copy `{file}` here, which holds it, or run `clusterwright configure` where it is; what was never made, \
                 `clusterwright init` makes"
                )
            }
            None => rest.to_owned(),
        };
        let Some(text) = existing.first() else {
            let message = format!("`{name}` is not sealed yet, and {what}");
            return Err(vec![
                Diagnostic::error("seal/keyless", message)
                    .in_file(name)
                    .help(help(
                        "run `clusterwright configure` once where age.key is, and commit the result",
                    )),
            ]);
        };
        let compared = sops::compare_keyless(text, artifact.text(), rule)
            .map_err(|error| vec![finding(&error, name)])?;
        if compared.same_structure && compared.recipients_equal {
            self.unverified += compared.unverified;
            return Ok(text.clone());
        }
        let reason = compared
            .reason
            .unwrap_or_else(|| "its structure differs".to_owned());
        Err(vec![
            Diagnostic::error(
                "seal/keyless",
                format!("`{name}` must be sealed anew ({reason}), and {what}"),
            )
            .in_file(name)
            .help(help(
                "run `clusterwright configure` where age.key is, and commit the result",
            )),
        ])
    }
}

/// Seals with plaintext and key: the newest version that opens is brought up to date; without one, the file is new.
fn seal_known(
    plain: &SecretText,
    rule: &EncryptionRule,
    identities: &Identities,
    existing: &[String],
    entropy: &mut dyn Entropy,
) -> Result<String, SopsError> {
    let mut locked = None;
    for text in existing {
        match sops::update(text, plain.expose(), rule, identities, entropy) {
            Ok(Updated::Unchanged) => return Ok(text.clone()),
            Ok(Updated::Changed { text, .. }) => return Ok(text),
            Err(error @ SopsError::NoIdentityMatches { .. }) => {
                locked.get_or_insert(error);
            }
            // Not a SOPS file, damaged or tampered with: nothing of it can be kept. The file itself is safe: `diff`
            // finds that it is not what we wrote.
            Err(_) => {}
        }
    }
    match locked {
        Some(error) => Err(error),
        None => sops::encrypt(plain.expose(), rule, entropy),
    }
}
