//! Which rule a file is encrypted by: that of `.sops.yaml`, of the command line, or, for `cluster.yaml`, of its schema.

use std::path::{Path, PathBuf};

use sops::{Config, EncryptionRule, Recipient, Selector};

use super::configuration::cluster_rule;
use crate::diag::{Diagnostic, argument};
use crate::seal;
use crate::sys::SecretText;
use crate::sys::root::{Root, limits};
use crate::vcs;
use crate::world::side;

/// The name of the configuration.
const NAME: &str = ".sops.yaml";

/// Most directories above a file in which a configuration is looked for; SOPS' own limit.
const MAX_DEPTH: usize = 100;

/// A `.sops.yaml` that was found for a file.
#[derive(Debug)]
pub struct FoundConfig {
    /// What findings call it.
    pub name: String,
    /// The directory it lies in.
    pub dir: PathBuf,
    /// What it says.
    pub config: Config,
    text: String,
}

/// What the command line says about encryption.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Another configuration.
    pub config: Option<PathBuf>,
    /// Recipients in place of those of the rule.
    pub recipients: Vec<Recipient>,
    /// A selector in place of that of the rule.
    pub selector: Option<Selector>,
    /// The MAC covers encrypted values alone.
    pub mac_only_encrypted: bool,
}

/// Tells the public halves of the keys at hand. Asked for a configuration file alone, so that a key that cannot be read is
/// in nobody else's way.
pub type OwnKeys<'f> = &'f dyn Fn() -> Result<Vec<Recipient>, Diagnostic>;

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleSource {
    /// A creation rule of this configuration; its number, from 1.
    Rule(String, usize),
    /// The schema of `cluster.yaml`, which marks the secret keys.
    Schema,
    /// The command line alone.
    CommandLine,
}

/// Looks for the configuration of a file: the one that was named, else from the file's directory upwards, else from
/// the working directory upwards, as SOPS does. For a file of the repository not beyond its top: that of git, or the
/// working directory where there is none.
///
/// # Errors
/// When it cannot be read or understood.
pub fn config_for(root: &Path, file: &Path, named: Option<&Path>) -> Result<Option<FoundConfig>, Diagnostic> {
    if let Some(named) = named {
        let path = root.join(named);
        let name = named.display().to_string();
        return match side::read_path(&path, &name)? {
            Some(text) => read(&path, name, text.expose()).map(Some),
            None => Err(side::not_found(&name)),
        };
    }
    let (full, here) = (absolute(file), absolute(root));
    let top = vcs::top(&here).unwrap_or(&here);
    for start in [full.parent().unwrap_or(&full), &here] {
        let inside = start.starts_with(top);
        let dirs = start.ancestors().take(MAX_DEPTH);
        for dir in dirs.take_while(|dir| !inside || dir.starts_with(top)) {
            let path = dir.join(NAME);
            let name = shown(root, &path);
            // Below the top nothing is followed; elsewhere the person pointed there.
            let text = match dir.strip_prefix(top).ok().and_then(Path::to_str) {
                Some("") => in_tree(top, NAME, &name)?,
                Some(below) => in_tree(top, &format!("{below}/{NAME}"), &name)?,
                None => side::read_path(&path, &name)?,
            };
            if let Some(text) = text {
                return read(&path, name, text.expose()).map(Some);
            }
        }
    }
    Ok(None)
}

fn in_tree(top: &Path, below: &str, name: &str) -> Result<Option<SecretText>, Diagnostic> {
    let text = Root::new(top).read_text_if_there(below, limits::CONFIG);
    text.map(|text| text.map(SecretText::new))
        .map_err(|refused| refused.finding("read", name))
}

fn read(path: &Path, name: String, text: &str) -> Result<FoundConfig, Diagnostic> {
    let config = Config::parse(text).map_err(|error| seal::finding_in(&error, &name, text))?;
    let full = absolute(path);
    Ok(FoundConfig {
        name,
        dir: full.parent().unwrap_or(&full).to_path_buf(),
        config,
        text: text.to_owned(),
    })
}

/// Returns a path without symbolic links; one that is not there as it is.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let parent = || Some((path.parent()?.canonicalize().ok()?, path.file_name()?));
    path.canonicalize()
        .ok()
        .or_else(|| parent().map(|(dir, name)| dir.join(name)))
        .unwrap_or_else(|| path.to_path_buf())
}

/// Returns a path as people see it: relative to the working directory where it lies below.
fn shown(root: &Path, path: &Path) -> String {
    let root = absolute(root);
    path.strip_prefix(&root).unwrap_or(path).display().to_string()
}

impl FoundConfig {
    /// Turns an error of one of its rules into a finding.
    pub fn finding(&self, error: &sops::SopsError) -> Diagnostic {
        seal::finding_in(error, &self.name, &self.text)
    }

    /// Returns a file's path as `path_regex` sees it: relative to the configuration, absolute outside of its directory.
    pub fn relative(&self, file: &Path) -> String {
        let full = absolute(file);
        let path = full.strip_prefix(&self.dir).unwrap_or(&full);
        path.to_string_lossy().replace('\\', "/")
    }
}

/// Returns the rule for a file, and where it comes from.
///
/// # Errors
/// When there is none, or the recipients or the selector of the one that matches are wrong.
pub fn rule_for(
    root: &Path,
    file: &Path,
    name: &str,
    text: &str,
    overrides: &Overrides,
    own: OwnKeys<'_>,
) -> Result<(EncryptionRule, RuleSource), Diagnostic> {
    if overrides.recipients.is_empty()
        && overrides.selector.is_none()
        && let Some(rule) = cluster_rule(root, file, text, own)
    {
        return Ok((rule?, RuleSource::Schema));
    }
    let found = config_for(root, file, overrides.config.as_deref())?;
    let matched = found.as_ref().and_then(|found| {
        let path = found.relative(file);
        let number = found
            .config
            .consider(&path)
            .iter()
            .position(|(_, matches)| *matches)?;
        Some((found, path, number + 1))
    });
    let (mut rule, reason) = match matched {
        Some((found, path, number)) => {
            let rule = match found.config.rule_for(&path) {
                Ok(rule) => rule,
                // The recipients of the command line stand in for those that the rule lacks.
                Err(sops::SopsError::NoRecipients) if !overrides.recipients.is_empty() => whole(),
                Err(error) => return Err(found.finding(&error)),
            };
            (rule, RuleSource::Rule(found.name.clone(), number))
        }
        None if !overrides.recipients.is_empty() => (whole(), RuleSource::CommandLine),
        None => return Err(no_rule(name, found.as_ref())),
    };
    if !overrides.recipients.is_empty() {
        rule.recipients.clone_from(&overrides.recipients);
    }
    if let Some(selector) = &overrides.selector {
        rule.selector = selector.clone();
    }
    rule.mac_only_encrypted |= overrides.mac_only_encrypted;
    Ok((rule, reason))
}

/// The rule of SOPS without any setting.
fn whole() -> EncryptionRule {
    EncryptionRule {
        selector: Selector::whole_document(),
        mac_only_encrypted: false,
        ..EncryptionRule::secrets(Vec::new())
    }
}

fn no_rule(name: &str, found: Option<&FoundConfig>) -> Diagnostic {
    match found {
        Some(found) => Diagnostic::error(
            "secrets/no-rule",
            format!("no creation rule of `{}` matches `{name}`", found.name),
        )
        .in_file(&found.name)
        .help(format!(
            "`clusterwright secrets explain {}` tells why; or name recipients with `--age`",
            argument(name)
        )),
        None => Diagnostic::error(
            "secrets/no-rule",
            format!("no `{NAME}` says how to encrypt `{name}`"),
        )
        .in_file(name)
        .help(format!(
            "write a `{NAME}` beside it or above, or name recipients with `--age`"
        )),
    }
}
