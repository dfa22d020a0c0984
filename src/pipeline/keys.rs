//! Whose key is the repository's, and for whom it may be sealed.

use sops::{Config, Identities, MacCheck, Recipient};

use super::{World, identities};
use crate::config::{ConfigDocument, inline};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::seal::{self, OWN_KEY_FILE, private_keys};
use crate::sys::root::{Root, limits};
use crate::world::keyring::{Keyring, Own};
use crate::world::side;

/// A file that the rules of the catalogue's `.sops.yaml` cover for every recipient.
const ANY_SEALED: &str = "kubernetes/any.sops.yaml";

/// The rules that lie in the repository, as the last run left them.
pub(super) struct Rules(Option<Config>);

impl Rules {
    /// Reads them; none where there are none, or none that can be understood.
    pub(super) fn read(root: &Root) -> Self {
        let text = root.read_text_if_there(".sops.yaml", limits::CONFIG);
        Self(text.ok().flatten().and_then(|text| Config::parse(&text).ok()))
    }

    /// Returns for whom a file is sealed.
    fn recipients(&self, path: &str) -> Vec<String> {
        let rule = self.0.as_ref().and_then(|config| config.rule_for(path).ok());
        let recipients = rule.map(|rule| rule.recipients).unwrap_or_default();
        recipients.iter().map(ToString::to_string).collect()
    }

    /// Returns for whom the file with the repository's own key is sealed, where a rule says so of it alone.
    pub(super) fn own(&self) -> Vec<String> {
        let first = |path: &str| {
            self.0
                .as_ref()?
                .consider(path)
                .iter()
                .position(|(_, matches)| *matches)
        };
        if first(OWN_KEY_FILE) == first(ANY_SEALED) {
            return Vec::new();
        }
        self.recipients(OWN_KEY_FILE)
    }

    /// Returns for whom everything else is sealed.
    pub(super) fn all(&self) -> Vec<String> {
        self.recipients(ANY_SEALED)
    }
}

/// Returns the repository's own key: that in `age.key`; without one, a key that a variable names, where the rules in
/// the repository name it for the file with the own key, and that file holds no other.
pub(super) fn own(root: &Root, found: &Keyring, rules: &Rules) -> Option<Own> {
    if found.own.is_some() {
        return found.own.clone();
    }
    let named = rules.recipients(OWN_KEY_FILE);
    let is_named = |key: &&Own| key.recipients.iter().any(|mine| named.contains(mine));
    let key = found.named.iter().find(is_named)?;
    // Older releases sealed the own key for every recipient: then only the file tells whose it is.
    let sealed = root
        .read_text_if_there(OWN_KEY_FILE, limits::SECRET)
        .ok()
        .flatten();
    let opened = sealed.and_then(|text| sops::decrypt(&text, &found.all, MacCheck::Verify).ok());
    let held = opened
        .map(|plain| private_keys(plain.expose()))
        .unwrap_or_default();
    let is_other = !held.is_empty() && !held.iter().any(|(public, _)| key.recipients.contains(public));
    (!is_other).then(|| key.clone())
}

/// Returns what would go wrong when the repository were sealed for these recipients: a key is at hand, by its file or by
/// a variable, and could not open anything of it.
pub(super) fn locked_out(
    found: Option<&Keyring>,
    document: &ConfigDocument,
    recipients: &[String],
) -> Option<Diagnostic> {
    let found = found?;
    let hand: Vec<&Own> = match &found.own {
        Some(own) => vec![own],
        None => found.named.iter().collect(),
    };
    let (first, public) = hand.iter().find_map(|key| Some((key, key.recipients.first()?)))?;
    let mut halves = hand.iter().flat_map(|key| &key.recipients);
    if recipients.is_empty() || halves.any(|mine| recipients.contains(mine)) {
        return None;
    }
    let source = &first.source;
    let all: Vec<serde_json::Value> = std::iter::once(public)
        .chain(recipients)
        .map(|name| name.as_str().into())
        .collect();
    let line = format!("age_recipients: {}", inline(&serde_json::Value::Array(all)));
    let message = format!(
        "nothing would be sealed for the key in `{source}`: its public half, {}, is no recipient",
        sops::short(public)
    );
    let finding = Diagnostic::error("config/own-key-missing", message)
        .at_opt(
            document.span("/age_recipients"),
            "everything is sealed for these alone",
        )
        .note("what is sealed could not be opened here again, and would be readable for the others")
        .help(format!("write `{line}`"));
    Some(if found.own.is_some() {
        finding.help("or, if this is the wrong age.key, copy the right one here")
    } else {
        finding.help(format!(
            "or unset `{source}`, if its key has nothing to do with this repository"
        ))
    })
}

/// Tells that an encrypted `cluster.yaml` is for others than its own `age_recipients`: who was taken out would open what
/// is set in it later, and who was added cannot open it.
pub(super) fn stale(root: &Root, document: &ConfigDocument, recipients: &[String]) -> Option<Diagnostic> {
    if !document.is_encrypted() || recipients.is_empty() {
        return None;
    }
    let text = side::read(root, "cluster.yaml").ok().flatten()?;
    let have = sops::status(text.expose()).ok()?.recipients;
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let rest = these.iter().filter(|name| !those.contains(name));
        rest.map(|name| sops::short(name)).collect()
    };
    let (added, removed) = (only(recipients, &have), only(&have, recipients));
    if added.is_empty() && removed.is_empty() {
        return None;
    }
    let mut finding = Diagnostic::warning(
        "config/stale-recipients",
        "`cluster.yaml` is not encrypted for those who are to open everything else",
    )
    .in_file("cluster.yaml")
    .at_opt(document.span("/age_recipients"), "these");
    if !added.is_empty() {
        finding = finding.note(format!("not for {}", added.join(", ")));
    }
    if !removed.is_empty() {
        finding = finding.note(format!("but for {}, also what is set later", removed.join(", ")));
    }
    Some(finding.help(
        "configure, then run `clusterwright secrets updatekeys cluster.yaml`, before a key is taken away",
    ))
}

/// Tells what sealing anew does not take from those who leave.
pub(super) fn left(rules: &Rules, recipients: &[String]) -> Option<Diagnostic> {
    let gone: Vec<String> = rules.all();
    let gone = gone.iter().filter(|name| !recipients.contains(name));
    let gone: Vec<String> = gone.map(|name| sops::short(name)).collect();
    if gone.is_empty() || recipients.is_empty() {
        return None;
    }
    let message = format!(
        "{} is no recipient any more, and still opens what was sealed before, as git's history has it",
        gone.join(", ")
    );
    Some(
        Diagnostic::warning("config/recipient-left", message)
            .in_file(".sops.yaml")
            .help("once this is configured, change the secrets themselves"),
    )
}

/// Returns what a repository holds that a key sealed, so that `init` makes no other one.
pub fn sealed_already(root: &Root) -> Option<&'static str> {
    [".sops.yaml", OWN_KEY_FILE]
        .into_iter()
        .find(|name| root.is_taken(name))
}

/// The finding for an `age.key` that is not there, with how it comes here, and how a key of the environment becomes the
/// repository's.
pub(super) fn missing(root: &Root, found: Option<&Keyring>) -> Diagnostic {
    let what = "the key that seals and opens the secrets";
    let finding = match sealed_already(root) {
        None => side::missing(side::AGE_KEY, what),
        Some(sealed) => side::missing_key(what)
            .note(format!(
                "`{sealed}` is there: another key seals this repository, and no new one opens it"
            ))
            .help("without a key, as in CI, list `age_recipients` in cluster.yaml, or commit it encrypted"),
    };
    match found.and_then(|found| found.named.first()) {
        Some(key) => finding
            .note(format!(
                "`{}` is not taken for it: no `.sops.yaml` here names its key for `{OWN_KEY_FILE}`",
                key.source
            ))
            .help("to make that key the repository's own, run `clusterwright init --key-from-env`"),
        None => finding,
    }
}

/// Returns whether one of the recipients is the public half of a key at hand.
pub(super) fn names_one_of(recipients: &[String], identities: &Identities) -> bool {
    let ours = identities.recipients();
    ours.iter()
        .any(|ours| recipients.iter().any(|recipient| recipient == ours.as_str()))
}

/// Returns the public halves of the keys that a configuration file is encrypted for by default, and that must be among
/// its recipients: the repository's own, else those that variables name. None where there is no key at all.
///
/// # Errors
/// When a source of keys cannot be read: whose file it would be is then not known, and it must not be for strangers alone.
pub fn own_recipients(world: &World<'_>) -> Result<Vec<Recipient>, Diagnostic> {
    let mut diags = Diagnostics::default();
    let Ok(found) = identities(world, &mut diags) else {
        let first = diags
            .sorted()
            .into_iter()
            .find(|one| one.severity == Severity::Error);
        return Err(first.cloned().unwrap_or_else(|| missing(&world.root, None)));
    };
    let Some(found) = found else { return Ok(Vec::new()) };
    let key = own(&world.root, &found, &Rules::read(&world.root));
    let (source, names) = key.map_or_else(
        || ("the keys at hand".to_owned(), found.hand()),
        |own| (own.source, own.recipients),
    );
    Recipient::list(names.iter().map(String::as_str)).map_err(|error| seal::finding(&error, &source))
}

/// Returns whether one of the keys at hand is the repository's own.
pub fn has_own_key(world: &World<'_>, found: &Keyring) -> bool {
    own(&world.root, found, &Rules::read(&world.root)).is_some()
}
