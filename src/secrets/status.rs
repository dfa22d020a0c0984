//! Whether the SOPS files of a tree hide what they promise to hide, and for whom. Needs no key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::listing::Listed;
use super::rules::{FoundConfig, cluster_rule, config_for};
use crate::diag::{Diagnostic, Diagnostics};
use crate::seal;
use crate::side;
use crate::sops::{Format, KeyChange, Rule, SopsError};

/// What a look at one file shows.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FileStatus {
    /// The path.
    pub path: String,
    /// Whether everything is as it should be.
    pub ok: bool,
    /// Number of encrypted values.
    pub encrypted: usize,
    /// Who can decrypt.
    pub recipients: Vec<String>,
    /// What is wrong, in words; holds no value.
    pub problems: Vec<String>,
}

/// The rule of a configuration that matches a file, and whether it has a `path_regex`.
type Matched = (Result<Rule, SopsError>, bool);

/// Configurations, each read once.
#[derive(Debug, Default)]
pub struct Configs {
    by_dir: BTreeMap<PathBuf, Option<FoundConfig>>,
}

impl Configs {
    /// Returns the configuration for a file.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn get(&mut self, root: &Path, file: &Path) -> Result<Option<&FoundConfig>, Diagnostic> {
        let dir = file.parent().unwrap_or(file).to_path_buf();
        if !self.by_dir.contains_key(&dir) {
            let found = config_for(root, file, None)?;
            self.by_dir.insert(dir.clone(), found);
        }
        Ok(self.by_dir.get(&dir).and_then(Option::as_ref))
    }

    /// Returns the rule of the configuration for a file, if one matches.
    fn rule(&mut self, root: &Path, file: &Path) -> Result<Option<Matched>, Diagnostic> {
        let Some(found) = self.get(root, file)? else {
            return Ok(None);
        };
        let path = found.relative(file);
        let considered = found.config.consider(&path);
        let matched = considered.iter().find(|(_, matches)| *matches);
        Ok(matched.map(|(regex, _)| (found.config.rule_for(&path), regex.is_some())))
    }
}

/// Returns whether a text says that SOPS encrypted it.
pub fn claims_sops(text: &str) -> bool {
    let has_block = text.lines().any(|line| {
        line.starts_with("sops:")
            || line.trim_start().starts_with("\"sops\":")
            || line.starts_with("sops_mac=")
            || line.trim_end() == "[sops]"
    });
    has_block && (text.contains("ENC[AES256_GCM,") || text.contains("lastmodified"))
}

/// Returns whether the name of a file says that SOPS encrypts it: `x.sops.yaml`, but not `.sops.yaml`.
pub fn is_sops_name(name: &str) -> bool {
    file_name(name).contains(".sops.") && !file_name(name).starts_with(".sops.")
}

/// Looks at files. Those that are not SOPS files and need not be ones are left out.
///
/// # Errors
/// When a file or a configuration cannot be read.
pub fn look(
    root: &Path,
    files: &[Listed],
    configs: &mut Configs,
) -> Result<Vec<(FileStatus, Vec<Diagnostic>)>, Diagnostic> {
    let mut found = Vec::new();
    for file in files {
        let Ok(Some(bytes)) = side::read_bytes(&file.path, &file.name) else {
            // Too large: no SOPS file that we could read.
            if file.named {
                side::read_bytes(&file.path, &file.name)?;
            }
            continue;
        };
        let text = std::str::from_utf8(&bytes).ok();
        let rule = configs.rule(root, &file.path);
        let covered = matches!(&rule, Ok(Some((_, true))));
        let claims = text.is_some_and(claims_sops);
        if !(file.named || is_sops_name(&file.name) || covered || claims) || is_config(&file.name) {
            continue;
        }
        let rule = match cluster_rule(root, &file.path, text.unwrap_or_default(), &[]) {
            // Who can decrypt is then told by `age.key`, which need not be here.
            Some(Err(_)) => None,
            Some(Ok(rule)) => Some((Ok(rule), true)),
            None => rule?,
        };
        found.push(one(file, text, rule.map(|(rule, _)| rule)));
    }
    Ok(found)
}

fn is_config(name: &str) -> bool {
    matches!(file_name(name), ".sops.yaml" | ".sops.yml")
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Looks at one file; `None` for one that is not text.
fn one(
    file: &Listed,
    text: Option<&str>,
    rule: Option<Result<Rule, SopsError>>,
) -> (FileStatus, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let mut status = FileStatus {
        path: file.name.clone(),
        ok: false,
        encrypted: 0,
        recipients: Vec::new(),
        problems: Vec::new(),
    };
    let name = &file.name;
    let format = Format::of_text(&file.path, text.unwrap_or_default());
    let looked = text.map_or(Err(SopsError::NotEncrypted), |text| format.status(text));
    let text = text.unwrap_or_default();
    match looked {
        Err(SopsError::NotEncrypted) => findings.push(
            Diagnostic::error("secrets/not-encrypted", format!("`{name}` is not encrypted"))
                .in_file(name)
                .help(format!("encrypt it: `clusterwright secrets encrypt -i {name}`"))
                .help("if it was pushed, treat its secrets as leaked and change them"),
        ),
        Err(error) => findings.push(seal::finding(&error, name)),
        Ok(found) => {
            status.encrypted = found.sealed;
            status.recipients.clone_from(&found.recipients);
            for (path, span) in &found.unsealed {
                let line = text[..span.start].matches('\n').count() + 1;
                findings.push(
                    Diagnostic::error(
                        "secrets/plain-value",
                        format!("`{path}` should be encrypted and is not (line {line})"),
                    )
                    .in_file(name)
                    .help(format!(
                        "set it again: `clusterwright secrets set {name} '{path}' --value-stdin`"
                    )),
                );
            }
            for span in &found.without_block {
                let line = text[..span.start].matches('\n').count() + 1;
                findings.push(
                    Diagnostic::error(
                        "secrets/no-block",
                        format!(
                            "the document at line {line} has no `sops` block, so Flux would apply it as it is"
                        ),
                    )
                    .in_file(name)
                    .help("put it into a file of its own and encrypt that"),
                );
            }
            if found.sealed == 0 && findings.is_empty() {
                findings.push(
                    Diagnostic::error(
                        "secrets/nothing-encrypted",
                        "nothing in the file is encrypted: its selector matches no value".to_owned(),
                    )
                    .in_file(name)
                    .help(
                        "encrypt it again with a selector such as `--encrypted-regex '^(data|stringData)$'`",
                    ),
                );
            }
            if !found.has_mac {
                findings.push(seal::finding(&SopsError::NoMac, name));
            }
            match rule {
                Some(Ok(rule)) => {
                    let change = format.key_change(text, &rule).unwrap_or_default();
                    findings.extend(other_keys(name, &change));
                }
                Some(Err(error)) => findings.push(seal::finding(&error, name)),
                None => {}
            }
        }
    }
    status.problems = findings.iter().map(|finding| finding.message.clone()).collect();
    status.ok = findings.is_empty();
    (status, findings)
}

fn other_keys(name: &str, change: &KeyChange) -> Option<Diagnostic> {
    let list = |names: &[String]| {
        names
            .iter()
            .map(|name| short(name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut parts = Vec::new();
    if !change.added.is_empty() {
        parts.push(format!("cannot be opened by {}", list(&change.added)));
    }
    if !change.removed.is_empty() {
        parts.push(format!("can still be opened by {}", list(&change.removed)));
    }
    if change.regrouped {
        parts.push("has other key groups".to_owned());
    }
    (!parts.is_empty()).then(|| {
        Diagnostic::error(
            "secrets/other-recipients",
            format!("`{name}` {}, unlike its rule says", parts.join(" and ")),
        )
        .in_file(name)
        .help(format!("run `clusterwright secrets updatekeys {name}`"))
    })
}

/// Returns a recipient short enough to read.
pub fn short(recipient: &str) -> String {
    match recipient.char_indices().nth(16) {
        Some((at, _)) => format!("{}…", &recipient[..at]),
        None => recipient.to_owned(),
    }
}

/// Reports all findings.
pub fn report(found: &[(FileStatus, Vec<Diagnostic>)], diags: &mut Diagnostics) {
    for (_, findings) in found {
        findings.iter().for_each(|finding| diags.push(finding.clone()));
    }
}
