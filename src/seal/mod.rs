//! Stage 6, `seal`: replaces secret tokens inside encrypted scopes and encrypts, keeping every ciphertext whose
//! plaintext, recipients and rule have not changed.
//!
//! Plaintext exists here alone, in memory that is wiped. Existing ciphertext is taken from the work tree, then the
//! index, then HEAD. Without a private key, files whose structure and recipients still fit are kept as they are, and
//! the values that nobody could compare are counted. Before: [`crate::check`]; after: [`crate::diff`].

mod edited;
mod reveal;

use std::collections::BTreeMap;

use crate::check::Checked;
use crate::config::Vault;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::{Choices, Existing};
use crate::lock::{Lock, Sha256, lf};
use crate::merge::Bases;
use crate::sops::{self, Config, Identities, Rule, SopsError, Updated};
use crate::sys::{Entropy, SecretText};
use crate::tree::{Artifact, RepoPath, Tree};
use crate::vcs::Repository;

/// Where the rules for SOPS files are rendered to.
const SOPS_CONFIG: &str = ".sops.yaml";

/// Marks a tree whose secrets are encrypted; only this stage makes one.
#[derive(Debug)]
pub struct Sealed {
    unverified: usize,
}

impl Sealed {
    /// Returns how many encrypted values were kept without being compared, for want of a private key.
    pub fn unverified(&self) -> usize {
        self.unverified
    }

    /// Returns the marker without sealing. Only for tests of the stages behind this one.
    #[doc(hidden)]
    pub fn for_tests() -> Self {
        Self { unverified: 0 }
    }
}

/// Who can decrypt, and what we can decrypt with.
#[derive(Debug)]
pub struct Keys {
    identities: Option<Identities>,
    recipients: Vec<String>,
}

impl Keys {
    /// Puts them together.
    pub fn new(identities: Option<Identities>, recipients: Vec<String>) -> Self {
        Self {
            identities,
            recipients,
        }
    }

    /// Returns what we can decrypt with; `None` without a private key.
    pub fn identities(&self) -> Option<&Identities> {
        self.identities.as_ref()
    }

    /// Returns who can decrypt.
    pub fn recipients(&self) -> &[String] {
        &self.recipients
    }
}

/// Where existing ciphertext is found.
#[derive(Debug)]
pub struct Committed<'a> {
    /// The work tree.
    pub existing: &'a Existing,
    /// Index and HEAD.
    pub git: Option<&'a Repository>,
    /// Which files are ours.
    pub lock: &'a Lock,
    /// Earlier versions of edited files.
    pub bases: &'a Bases,
    /// What a person chose for conflicts.
    pub choices: &'a Choices,
}

/// Turns an error of the SOPS format into a finding about a file.
pub fn finding(error: &SopsError, file: &str) -> Diagnostic {
    Diagnostic::error("seal/sops", format!("`{file}`: {error}"))
        .in_file(file)
        .help(error.help())
}

/// Encrypts every SOPS file of the tree.
///
/// # Errors
/// When a file has no rule, a secret stands outside of what the rule encrypts, an existing file cannot be opened with
/// the keys at hand, or a value is not known and nothing sealed exists; all findings are reported.
pub fn seal(
    tree: Tree<Checked>,
    vault: &Vault,
    keys: &Keys,
    committed: &Committed<'_>,
    entropy: &mut dyn Entropy,
    diags: &mut Diagnostics,
) -> Result<Tree<Sealed>, Aborted> {
    let (mut artifacts, checked) = tree.into_parts();
    let config = artifacts
        .iter()
        .find(|(path, _)| path.as_str() == SOPS_CONFIG)
        .map(|(_, artifact)| &artifact.text);
    let config = match config.map(|text| Config::parse(text)) {
        Some(Ok(config)) => config,
        Some(Err(error)) => return Err(diags.abort(finding(&error, SOPS_CONFIG))),
        None => {
            let message = "no template renders `.sops.yaml`, so nothing says how to encrypt";
            return Err(diags.abort(Diagnostic::error("seal/no-config", message)));
        }
    };
    let older = older(&artifacts, committed, diags);
    let mut sealer = Sealer {
        vault,
        keys,
        config,
        older,
        committed,
        unverified: 0,
    };
    for (path, artifact) in artifacts.iter_mut().filter(|(path, _)| path.is_sops()) {
        let documents = checked.documents.get(path).map(Vec::as_slice).unwrap_or_default();
        match sealer.artifact(artifact, documents, entropy) {
            Ok(text) => artifact.text = text,
            Err(findings) => findings.into_iter().for_each(|finding| diags.push(finding)),
        }
    }
    diags.checkpoint()?;
    Ok(Tree::new(
        artifacts,
        Sealed {
            unverified: sealer.unverified,
        },
    ))
}

/// Reads index and HEAD for the SOPS files that the work tree lacks or that differ there, lazily: only when git is at
/// hand and a file is missing.
fn older(
    artifacts: &BTreeMap<RepoPath, Artifact>,
    committed: &Committed<'_>,
    diags: &mut Diagnostics,
) -> Vec<BTreeMap<RepoPath, Vec<u8>>> {
    let missing: Vec<&RepoPath> = artifacts
        .keys()
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
    keys: &'a Keys,
    config: Config,
    older: Vec<BTreeMap<RepoPath, Vec<u8>>>,
    committed: &'a Committed<'a>,
    unverified: usize,
}

impl Sealer<'_> {
    fn artifact(
        &mut self,
        artifact: &mut Artifact,
        documents: &[crate::yaml::Node],
        entropy: &mut dyn Entropy,
    ) -> Result<String, Vec<Diagnostic>> {
        let name = artifact.path.as_str();
        let one = |error: SopsError| vec![finding(&error, name)];
        let rule = self.config.rule_for(name).map_err(one)?;
        let scope = sops::scope_spans(&artifact.text, &rule).map_err(one)?;
        reveal::check_places(artifact, &scope, self.vault)?;
        let existing = self.existing(&artifact.path);
        if let Some((base, yours)) = self.edited(&artifact.path)
            && let Ok(plain) = reveal::reveal(&artifact.text, documents, self.vault)
            && let Some(identities) = self.keys.identities.as_ref()
        {
            let resolutions = self.committed.choices.resolutions.get(&artifact.path);
            let mut merge = edited::Merge {
                rule: &rule,
                identities,
                entropy: &mut *entropy,
            };
            if let Some((text, edits)) = merge.merge(base, &yours, &plain, resolutions) {
                artifact.edits = edits;
                return Ok(text);
            }
        }
        match (
            reveal::reveal(&artifact.text, documents, self.vault),
            self.keys.identities.as_ref(),
        ) {
            (Ok(plain), Some(identities)) => seal_known(&plain, &rule, identities, &existing, entropy)
                .map_err(|error| {
                    let finding = finding(&error, name);
                    vec![match error {
                        SopsError::NoIdentityMatches { .. } => finding
                            .note("it was sealed for another key than the one at hand")
                            .help("copy the right age.key here, or name it with SOPS_AGE_KEY_FILE")
                            .help(format!(
                                "to seal it anew, delete `{name}` first (also from the index)"
                            )),
                        _ => finding,
                    }]
                }),
            (Ok(plain), None) if existing.is_empty() => {
                sops::encrypt(plain.expose(), &rule, entropy).map_err(one)
            }
            (known, _) => self.keyless(artifact, &rule, &existing, known.err().as_deref()),
        }
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
        rule: &Rule,
        existing: &[String],
        unknown: Option<&str>,
    ) -> Result<String, Vec<Diagnostic>> {
        let name = artifact.path.as_str();
        let what = match unknown {
            Some(secret) => format!("the value of `{secret}` is not known here"),
            None => "no private key is at hand".to_owned(),
        };
        let Some(text) = existing.first() else {
            let message = format!("`{name}` is not sealed yet, and {what}");
            return Err(vec![
                Diagnostic::error("seal/keyless", message)
                    .in_file(name)
                    .help("run `clusterwright configure` once where age.key is, and commit the result"),
            ]);
        };
        let compared =
            sops::compare_keyless(text, &artifact.text, rule).map_err(|error| vec![finding(&error, name)])?;
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
            .help("run `clusterwright configure` where age.key is, and commit the result"),
        ])
    }
}

/// Seals with plaintext and key: the newest version that opens is brought up to date; without one, the file is new.
fn seal_known(
    plain: &SecretText,
    rule: &Rule,
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
