//! Where private keys come from: `age.key` of the repository, the variables that SOPS users know, and the files in
//! which `sops` looks by itself. All sources are merged; none hides another.
//!
//! `age.key` is the repository's own: it makes the default recipients, and something wrong with it is an error. What a
//! `SOPS_AGE_KEY…` variable names is the person's: it becomes the repository's only where the repository says so, which
//! [`crate::pipeline`] finds out; something wrong with it is an error as well. The files in the person's home only help
//! to open what is sealed.

mod command;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sops::{Identities, Prompt, SopsError};

use crate::diag::Diagnostic;
use crate::sys::SecretText;
use crate::sys::root::Root;
use crate::world::side;

/// Where to look, as the environment says.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `SOPS_AGE_KEY`: keys as text.
    pub age_key: Option<SecretText>,
    /// `SOPS_AGE_KEY_FILE`: a file with keys.
    pub age_key_file: Option<PathBuf>,
    /// `SOPS_AGE_KEY_CMD`: a command that prints keys.
    pub age_key_command: Option<String>,
    /// `SOPS_AGE_SSH_PRIVATE_KEY_FILE`: an SSH private key.
    pub ssh_key_file: Option<PathBuf>,
    /// `SOPS_AGE_SSH_PRIVATE_KEY_CMD`: a command that prints an SSH private key.
    pub ssh_key_command: Option<String>,
    /// Files in which `sops` looks by itself; see [`default_key_file`].
    pub default_files: Vec<PathBuf>,
    /// SSH keys that `sops` tries by itself; see [`default_ssh_files`].
    pub default_ssh_files: Vec<PathBuf>,
}

/// The variables and the system that decide where `sops` keeps keys by default.
#[derive(Debug, Clone, Default)]
pub struct Home {
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `AppData`, of Windows.
    pub app_data: Option<PathBuf>,
}

/// Returns the file with keys that `sops` reads by default on an operating system (as `std::env::consts::OS` names it).
pub fn default_key_file(home: &Home, os: &str) -> Option<PathBuf> {
    let base = match os {
        "windows" => home.app_data.clone(),
        _ => home.xdg_config_home.clone().or_else(|| {
            let below = if os == "macos" {
                "Library/Application Support"
            } else {
                ".config"
            };
            home.home.as_ref().map(|home| home.join(below))
        }),
    };
    base.map(|base| base.join("sops").join("age").join("keys.txt"))
}

/// Returns the SSH keys that `sops` tries by default.
pub fn default_ssh_files(home: &Home) -> Vec<PathBuf> {
    let home = home.home.iter();
    home.flat_map(|home| ["id_ed25519", "id_rsa"].map(|name| home.join(".ssh").join(name)))
        .collect()
}

const SSH_KEY_COMMAND: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";

/// What became of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing.
    Absent,
    /// It cannot be read: why.
    Unreadable(String),
    /// It holds something that is no key: what.
    Invalid(String),
    /// It is there and holds no key; or only keys of a kind that this build cannot use, which is named.
    Empty(Option<&'static str>),
    /// It stands behind a passphrase, which is asked for when no other key opens a file.
    Locked,
    /// It is a command, run when no other key opens a file.
    Deferred,
    /// It holds the private halves of these recipients. Keys of plugins are not among them.
    Holds(Vec<String>),
}

/// One source that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    /// What people call it: a variable, with its file, or a file.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` ", self.name)?;
        match &self.outcome {
            Outcome::Absent => f.write_str("is not there"),
            Outcome::Unreadable(why) | Outcome::Invalid(why) => f.write_str(why),
            Outcome::Empty(None) => f.write_str("holds no key"),
            Outcome::Empty(Some(kind)) => write!(f, "holds only a {kind}, which this build cannot use"),
            Outcome::Locked => f.write_str("is protected by a passphrase"),
            Outcome::Deferred => f.write_str("is asked for each recipient"),
            Outcome::Holds(recipients) if recipients.is_empty() => f.write_str("holds the key of a plugin"),
            Outcome::Holds(recipients) => {
                let short: Vec<String> = recipients.iter().map(|text| sops::short(text)).collect();
                write!(f, "holds the key of {}", short.join(", "))
            }
        }
    }
}

/// A key that can be the repository's own.
#[derive(Debug, Clone)]
pub struct Own {
    /// What people call its source: `age.key`, or a variable.
    pub source: String,
    /// Its public halves: the default recipients.
    pub recipients: Vec<String>,
    /// The keys as text, to be sealed for the cluster.
    pub text: SecretText,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Keyring {
    /// Every key of every source.
    pub all: Identities,
    /// The key in `age.key`, which is the repository's own.
    pub own: Option<Own>,
    /// The keys that variables name, in order. One that a command gives is among them only where it is the first.
    pub named: Vec<Own>,
    /// Every source that was looked at, in order.
    pub sources: Vec<KeySource>,
}

impl Keyring {
    /// Returns the public halves of the keys that this person works with: that of `age.key`, else those that variables
    /// name. Keys of the home do not count, for they are tried everywhere.
    pub fn hand(&self) -> Vec<String> {
        let named = || self.named.iter().flat_map(|key| key.recipients.clone()).collect();
        self.own.as_ref().map_or_else(named, |own| own.recipients.clone())
    }
}

/// A source on its way to its outcome.
struct Entry<'a> {
    name: String,
    place: Place<'a>,
    /// Whether it can be the repository's own.
    own: bool,
    /// Whether a variable names it, so that its absence is worth an error.
    named: bool,
}

enum Place<'a> {
    /// A file beside `cluster.yaml`.
    Side(&'a Root),
    /// A file of the person's, wherever it is.
    File(PathBuf),
    Text(&'a SecretText),
    Command(&'a str),
}

/// Looks into every source. Returns what was found, and findings about sources that a person has named.
pub fn gather(root: &Root, sources: &Sources, prompt: &Arc<dyn Prompt>) -> (Keyring, Vec<Diagnostic>) {
    let mut keyring = Keyring::default();
    let mut findings = Vec::new();
    for entry in entries(root, sources) {
        let outcome = match look(&entry, &mut keyring, prompt) {
            Ok(outcome) => outcome,
            Err((outcome, finding)) => {
                if entry.own || entry.named {
                    findings.push(finding);
                }
                outcome
            }
        };
        keyring.sources.push(KeySource {
            name: entry.name,
            outcome,
        });
    }
    let tried = keyring
        .sources
        .iter()
        .filter(|source| source.outcome != Outcome::Locked);
    keyring.all.set_tried(tried.map(ToString::to_string).collect());
    (keyring, findings)
}

fn entries<'a>(root: &'a Root, sources: &'a Sources) -> Vec<Entry<'a>> {
    let file = |name: String, path: PathBuf, own, named| Entry {
        name,
        place: Place::File(path),
        own,
        named,
    };
    let mut entries = vec![Entry {
        name: side::AGE_KEY.to_owned(),
        place: Place::Side(root),
        own: true,
        named: false,
    }];
    if let Some(path) = &sources.age_key_file {
        entries.push(file("SOPS_AGE_KEY_FILE".to_owned(), path.clone(), true, true));
    }
    if let Some(text) = &sources.age_key {
        entries.push(Entry {
            name: "SOPS_AGE_KEY".to_owned(),
            place: Place::Text(text),
            own: true,
            named: true,
        });
    }
    if let Some(command) = &sources.age_key_command {
        entries.push(Entry {
            name: "SOPS_AGE_KEY_CMD".to_owned(),
            place: Place::Command(command),
            own: true,
            named: true,
        });
    }
    if let Some(path) = &sources.ssh_key_file {
        let name = "SOPS_AGE_SSH_PRIVATE_KEY_FILE".to_owned();
        entries.push(file(name, path.clone(), false, true));
    }
    if let Some(command) = &sources.ssh_key_command {
        entries.push(Entry {
            name: SSH_KEY_COMMAND.to_owned(),
            place: Place::Command(command),
            own: false,
            named: true,
        });
    }
    let ssh: &[PathBuf] = if cfg!(feature = "ssh") {
        &sources.default_ssh_files
    } else {
        &[]
    };
    for path in sources.default_files.iter().chain(ssh) {
        entries.push(file(path.display().to_string(), path.clone(), false, false));
    }
    entries
}

type Refused = (Outcome, Diagnostic);

/// Reads one source into the keyring.
fn look(entry: &Entry<'_>, keyring: &mut Keyring, prompt: &Arc<dyn Prompt>) -> Result<Outcome, Refused> {
    let name = entry.name.as_str();
    let first = entry.own && keyring.own.is_none() && keyring.named.is_empty();
    let mut text = match &entry.place {
        Place::Text(text) => Some((*text).clone()),
        Place::Command(command) if first => {
            Some(command::run(command, "").map_err(|why| refused_command(name, &why))?)
        }
        Place::Command(_) if name == SSH_KEY_COMMAND && !cfg!(feature = "ssh") => {
            return Err(no_key(name, Some("SSH key")));
        }
        Place::Command(command) => {
            let (line, called, prompt) = ((*command).to_owned(), name.to_owned(), Arc::clone(prompt));
            let supply = move |recipient: &str| {
                let text = command::run(&line, recipient)?;
                Identities::read(text.expose().as_bytes(), &called, &prompt)
                    .map_err(|error| format!("gave no key: {error}"))
            };
            keyring.all.add_supplier(name.to_owned(), Arc::new(supply));
            return Ok(Outcome::Deferred);
        }
        Place::File(_) | Place::Side(_) => None,
    };
    let mut identities = match (&text, &entry.place) {
        (None, Place::File(_) | Place::Side(_)) => {
            let Some(bytes) = read(entry)? else {
                return Ok(Outcome::Absent);
            };
            if !cfg!(feature = "ssh") && bytes.trim_ascii_start().starts_with(b"-----BEGIN OPENSSH") {
                return Err(no_key(name, Some("SSH key")));
            }
            let identities = Identities::read(&bytes, name, prompt).map_err(|error| invalid(name, &error))?;
            text = std::str::from_utf8(&bytes)
                .ok()
                .map(|text| SecretText::new(text.to_owned()));
            identities
        }
        (Some(text), _) => {
            Identities::parse_for(text.expose(), prompt).map_err(|error| invalid(name, &error))?
        }
        (None, _) => Identities::default(),
    };
    if identities.is_empty() {
        return Err(no_key(name, identities.unsupported().next()));
    }
    if first && identities.is_locked() {
        // The public half is needed, and the keys themselves for the cluster.
        text = Some(identities.unlock().map_err(|error| invalid(name, &error))?);
    }
    let locked = identities.is_locked();
    let recipients: Vec<String> = identities
        .recipients()
        .iter()
        .map(|recipient| recipient.as_str().to_owned())
        .collect();
    if let (true, false, Some(text)) = (entry.own, locked, text) {
        let key = Own {
            source: entry.name.clone(),
            recipients: recipients.clone(),
            text,
        };
        if entry.named {
            keyring.named.push(key);
        } else {
            keyring.own = Some(key);
        }
    }
    keyring.all.extend(identities);
    Ok(if locked {
        Outcome::Locked
    } else {
        Outcome::Holds(recipients)
    })
}

/// Reads a file with keys; `None` when it is not there and nobody has named it.
fn read(entry: &Entry<'_>) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, Refused> {
    let (bytes, path) = match &entry.place {
        Place::Side(root) => (side::own_bytes(root, &entry.name), Path::new(side::AGE_KEY)),
        Place::File(path) => (side::read_bytes(path, &entry.name), path.as_path()),
        Place::Text(_) | Place::Command(_) => return Ok(None),
    };
    match bytes {
        Ok(Some(bytes)) => Ok(Some(bytes)),
        Ok(None) if entry.named => {
            let name = &entry.name;
            let message = format!("`{name}` names `{}`, which does not exist", path.display());
            let finding =
                Diagnostic::error("side/missing", message).help("correct the variable, or unset it");
            Err((Outcome::Absent, finding))
        }
        Ok(None) => Ok(None),
        Err(finding) => Err((Outcome::Unreadable("cannot be read".to_owned()), finding)),
    }
}

fn refused_command(name: &str, why: &str) -> Refused {
    let finding = Diagnostic::error("side/command", format!("the command in `{name}` {why}"))
        .help("try the command by hand, or unset the variable");
    (Outcome::Unreadable(why.to_owned()), finding)
}

fn invalid(name: &str, error: &SopsError) -> Refused {
    let why = match error {
        SopsError::LockedIdentity { what, .. } => (*what).to_owned(),
        SopsError::BadIdentity { line } => format!("holds something that is no age key in line {line}"),
        other => other.to_string(),
    };
    let message = match error {
        SopsError::LockedIdentity { .. } => error.to_string(),
        _ => format!("`{name}`: {error}"),
    };
    let finding = Diagnostic::error("seal/sops", message)
        .in_file(name)
        .help(error.help());
    (Outcome::Invalid(why), finding)
}

/// The finding for a source without a key that we can use.
fn no_key(name: &str, unsupported: Option<&'static str>) -> Refused {
    let finding = match unsupported {
        Some(kind) => Diagnostic::error("side/unsupported-key", format!("`{name}` holds only a {kind}"))
            .in_file(name)
            .note("this build opens keys that start with `AGE-SECRET-KEY-1` or `AGE-SECRET-KEY-PQ-1`")
            .help(
                "add such a key as a further line, or use a build with the cargo feature `ssh` or `plugin`",
            ),
        None => Diagnostic::error("side/empty", format!("`{name}` holds no key"))
            .in_file(name)
            .help("it should have a line that starts with `AGE-SECRET-KEY-1` or `AGE-SECRET-KEY-PQ-1`"),
    };
    (Outcome::Empty(unsupported), finding)
}

#[cfg(test)]
mod tests;
