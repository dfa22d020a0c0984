//! Whether the SOPS files of a tree hide what they promise to hide, and for whom. Needs no key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sops::{Format, Glance, KeyChange, Selector, SopsError, covered_keys};

use super::configuration::cluster_rule;
use super::listing::Listed;
use super::rules::{FoundConfig, config_for};
use super::template::Templates;
use crate::diag::{Diagnostic, Diagnostics, argument};
use crate::seal;
use crate::sys::root::{Refused, limits};
use crate::world::secrecy::{claims_sops, is_sops_name};
use crate::world::side;

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

    /// Returns what is to be known of the creation rule for a file, if one matches.
    fn rule(&mut self, root: &Path, file: &Path) -> Result<Option<Glance>, Diagnostic> {
        let found = self.get(root, file)?;
        Ok(found.and_then(|found| found.config.glance(&found.relative(file))))
    }

    /// Returns whether the creation rule for a file has keys of other kinds, and its age recipients are these.
    pub fn agrees_but_for_other_keys(&mut self, root: &Path, file: &Path, recipients: &[String]) -> bool {
        let have: BTreeSet<String> = recipients.iter().cloned().collect();
        let rule = self.rule(root, file).ok().flatten();
        rule.is_some_and(|rule| rule.has_other_keys && rule.age == have)
    }
}

/// Looks at files. Those that are not SOPS files and need not be ones are left out: a file that is in clear is reported by
/// its name, or when it holds what the creation rule for its path would encrypt.
///
/// # Errors
/// When a file or a configuration cannot be read.
pub fn look(
    root: &Path,
    files: &[Listed],
    configs: &mut Configs,
) -> Result<Vec<(FileStatus, Vec<Diagnostic>)>, Diagnostic> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !is_config(&file.name)) {
        let must = file.named || is_sops_name(&file.name) && Templates::made(&file.name).is_none();
        let read = file.read(limits::SECRET);
        let refused_by_system = matches!(read, Err(Refused::Io(_)));
        let bytes = match side::found(read, &file.name) {
            Ok(Some(bytes)) => bytes,
            Err(finding) if must || refused_by_system => return Err(finding),
            // Too large: no SOPS file that we could read.
            _ => continue,
        };
        let text = std::str::from_utf8(&bytes).ok();
        let rule = configs.rule(root, &file.path);
        let covered = || match &rule {
            Ok(Some(glance)) if glance.by_path && Templates::made(&file.name).is_none() => {
                holds_covered(&file.path, text, &glance.selector)
            }
            _ => false,
        };
        // A manual may show such a file, and be none.
        let is_one = |text: &str| {
            let format = Format::of_text(&file.path, text);
            claims_sops(text) && !matches!(format.status(text), Err(SopsError::NotEncrypted))
        };
        if !(must || text.is_some_and(is_one) || covered()) {
            continue;
        }
        let rule = match cluster_rule(root, &file.path, text.unwrap_or_default(), &|| Ok(Vec::new())) {
            // Who can decrypt is then told by `age.key`, which need not be here.
            Some(Err(_)) => None,
            Some(Ok(rule)) => Some(Glance {
                by_path: true,
                selector: rule.selector.clone(),
                age: rule
                    .recipients
                    .iter()
                    .map(|one| one.as_str().to_owned())
                    .collect(),
                has_other_keys: false,
                rule: Ok(rule),
            }),
            None => rule?,
        };
        let error = rule
            .as_ref()
            .filter(|glance| !glance.has_other_keys)
            .and_then(|glance| glance.rule.as_ref().err());
        let config = configs.get(root, &file.path).ok().flatten();
        let wrong = error.zip(config).map(|(error, config)| config.finding(error));
        found.push(one(file, text, rule, wrong));
    }
    Ok(found)
}

/// Returns whether a file in clear holds a value that a creation rule would encrypt. The `data` of a `ConfigMap` is there to be
/// read; files of no format are one value, which only a rule for whole files means.
fn holds_covered(path: &Path, text: Option<&str>, selector: &Selector) -> bool {
    let whole = *selector == Selector::whole_document();
    let Some(text) = text else { return whole };
    let format = Format::of(path);
    if format == Format::Binary {
        return whole && !text.trim().is_empty();
    }
    let Ok(covered) = covered_keys(format, text, selector) else {
        return false;
    };
    let documents = format.documents(text).unwrap_or_default();
    let config_maps: Vec<bool> = documents
        .iter()
        .map(|node| node.str_at(&["kind"]) == Some("ConfigMap"))
        .collect();
    let open = |doc: usize, keys: &[String]| {
        config_maps.get(doc) == Some(&true)
            && matches!(keys.first().map(String::as_str), Some("data" | "binaryData"))
    };
    covered.iter().any(|(doc, keys)| !open(*doc, keys))
}

fn is_config(name: &str) -> bool {
    matches!(file_name(name), ".sops.yaml" | ".sops.yml")
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Looks at one file; `None` for one that is not text. With the rule comes what is wrong with it.
fn one(
    file: &Listed,
    text: Option<&str>,
    rule: Option<Glance>,
    wrong: Option<Diagnostic>,
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
    let typed = argument(name);
    let format = Format::of_text(&file.path, text.unwrap_or_default());
    let looked = text.map_or(Err(SopsError::NotEncrypted), |text| format.status(text));
    let text = text.unwrap_or_default();
    match looked {
        Err(SopsError::NotEncrypted) => findings.push(
            Diagnostic::error("secrets/not-encrypted", format!("`{name}` is not encrypted"))
                .in_file(name)
                .help(format!("encrypt it: `clusterwright secrets encrypt -i {typed}`"))
                .help("if it was pushed, treat its secrets as leaked and change them"),
        ),
        Err(error) => findings.push(seal::finding(&error, name)),
        Ok(found) => {
            status.encrypted = found.sealed;
            status.recipients.clone_from(&found.recipients);
            for (path, span) in &found.unsealed {
                let line = yaml::line::number(text, span.start);
                findings.push(
                    Diagnostic::error(
                        "secrets/plain-value",
                        format!("`{path}` should be encrypted and is not (line {line})"),
                    )
                    .in_file(name)
                    .help(format!(
                        "encrypt it where it stands: `clusterwright secrets encrypt -i {typed}`; if it was pushed, change it"
                    )),
                );
            }
            for span in &found.without_block {
                let line = yaml::line::number(text, span.start);
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
            if let Some(span) = found.bare_times.first() {
                let line = yaml::line::number(text, span.start);
                findings.push(
                    Diagnostic::error(
                        "secrets/unquoted-time",
                        format!(
                            "a time in the `sops` block has no quotes (line {line}): sops from 3.13 and Flux refuse the file"
                        ),
                    )
                    .in_file(name)
                    .help(format!("run `clusterwright secrets updatekeys {typed}`"))
                    .help("or put the time in quotes, as in `lastmodified: \"2026-01-02T03:04:05Z\"`"),
                );
            }
            if !found.has_mac {
                findings.push(seal::finding(&SopsError::NoMac, name));
            }
            findings.extend(rule.and_then(|glance| of_rule(name, &found.recipients, format, text, glance)));
            // It is the configuration that is to be mended, not the file.
            findings.extend(wrong);
        }
    }
    status.problems = findings.iter().map(|finding| finding.message.clone()).collect();
    status.ok = findings.is_empty();
    (status, findings)
}

/// Compares the recipients of a file with those of its rule.
fn of_rule(
    name: &str,
    recipients: &[String],
    format: Format,
    text: &str,
    glance: Glance,
) -> Option<Diagnostic> {
    match glance.rule {
        // What is no age key can only be compared by `sops`.
        _ if glance.has_other_keys => {
            let have: BTreeSet<String> = recipients.iter().cloned().collect();
            let change = KeyChange {
                added: glance.age.difference(&have).cloned().collect(),
                removed: have.difference(&glance.age).cloned().collect(),
                regrouped: false,
            };
            other_keys(name, &change, "sops updatekeys")
        }
        Ok(rule) => {
            let change = format.key_change(text, &rule).unwrap_or_default();
            other_keys(name, &change, "clusterwright secrets updatekeys")
        }
        Err(_) => None,
    }
}

fn other_keys(name: &str, change: &KeyChange, command: &str) -> Option<Diagnostic> {
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
        .help(format!("run `{command} {}`", argument(name)))
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
