//! `cluster.yaml` and `nodes.yaml` as SOPS files: encrypted in exactly their secret keys, those of own apps included, so
//! that they can be committed.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use sops::{
    EncryptionRule, Format, Identities, KeyPath, MacCheck, Recipient, Selector, SopsError, Step, Updated,
};

use super::file::SecretFile;
use super::rules::{OwnKeys, absolute};
use super::status::FileStatus;
use super::typed;
use crate::catalog::BUILT_IN;
use crate::config::mask::similar;
use crate::config::schema::Keys;
use crate::config::{self, CONFIG_FILES, Decrypted, Vocabulary};
use crate::diag::{Aborted, Diagnostic, Diagnostics, Severity};
use crate::known::{Known, hidden};
use crate::pipeline;
use crate::raw;
use crate::seal;
use crate::sys::root::Root;
use crate::sys::{Entropy, SecretText};
use crate::tree::RepoPath;
use crate::vcs::Git;
use crate::world::secrecy::is_encrypted_text;
use crate::world::side;

/// Returns which configuration file of this directory a file is. One without any key that we know is another tool's.
pub fn name_of(root: &Path, file: &Path, text: &str) -> Option<&'static str> {
    let full = absolute(file);
    let name = CONFIG_FILES
        .into_iter()
        .find(|name| full == absolute(&root.join(name)))?;
    let documents = yaml::parse(text).ok()?;
    let keys = documents.first()?.entries().iter();
    let built_in = Vocabulary::built_in();
    let known = |key: &str| built_in.keys().top_kind(key).is_some();
    keys.filter_map(|(key, _)| key.as_str())
        .any(known)
        .then_some(name)
}

/// Returns the rule for a configuration file: exactly the keys that its schema marks secret, for the recipients that the
/// configuration lists, else for our own. `None` for any other file.
pub fn cluster_rule(
    root: &Path,
    file: &Path,
    text: &str,
    own: OwnKeys<'_>,
) -> Option<Result<EncryptionRule, Diagnostic>> {
    let name = name_of(root, file, text)?;
    Some(own().and_then(|own| rule(root, name, text, &own)))
}

fn rule(root: &Path, name: &str, text: &str, own: &[Recipient]) -> Result<EncryptionRule, Diagnostic> {
    let vocabulary = vocabulary(root)?;
    let mut listed = listed(name, text)?;
    if listed.is_empty() {
        let unknown = |finding: Diagnostic| {
            finding.note(format!(
                "its `age_recipients` say who can decrypt `{name}`, so that it was not encrypted"
            ))
        };
        for other in CONFIG_FILES.into_iter().filter(|other| *other != name) {
            let text = side::read(&Root::new(root), other).map_err(unknown)?;
            if let Some(text) = text {
                listed.extend(self::listed(other, text.expose()).map_err(unknown)?);
            }
        }
    }
    let recipients = if listed.is_empty() {
        own.to_vec()
    } else {
        Recipient::list(listed.iter().map(String::as_str)).map_err(|error| seal::finding(&error, name))?
    };
    let Some(first) = recipients.first() else {
        let message = format!("nothing says who can decrypt `{name}`");
        return Err(Diagnostic::error("secrets/no-recipients", message)
            .in_file(name)
            .help("put the private key into `age.key`, or list public halves under `age_recipients`"));
    };
    if let Some(mine) = own.first()
        && !own.iter().any(|mine| recipients.contains(mine))
    {
        let message = format!(
            "`{name}` would not be sealed for the key at hand: its public half, {}, is no recipient",
            sops::short(mine.as_str())
        );
        let mut all = vec![mine.as_str()];
        all.extend(recipients.iter().map(Recipient::as_str));
        return Err(Diagnostic::error("config/own-key-missing", message)
            .in_file(name)
            .note(format!(
                "only {} and who else is listed could open it",
                sops::short(first.as_str())
            ))
            .help(format!("write `age_recipients: [{}]`", all.join(", "))));
    }
    Ok(EncryptionRule {
        recipients,
        selector: Selector::EncryptedRegex(vocabulary.encrypted_regex()),
        mac_only_encrypted: true,
        indent: 2,
        groups: None,
    })
}

/// Returns the recipients that a configuration file lists; none where it has no such key, or one without a value.
fn listed(name: &str, text: &str) -> Result<Vec<String>, Diagnostic> {
    let wrong = |code, message: String| {
        Diagnostic::error(code, message)
            .in_file(name)
            .help("`clusterwright validate` shows what to mend")
    };
    let documents =
        yaml::parse(text).map_err(|_| wrong("config/yaml", format!("`{name}` cannot be understood")))?;
    let listed = documents.first().and_then(|root| root.get("age_recipients"));
    let listed = listed.map(yaml::Node::to_json).unwrap_or_default();
    if listed.is_null() {
        return Ok(Vec::new());
    }
    serde_json::from_value(listed).map_err(|_| {
        let message = format!("`age_recipients` of `{name}` is not a list of public keys");
        wrong("config/wrong-type", message)
    })
}

/// Returns what is secret here.
fn vocabulary(root: &Path) -> Result<Arc<Vocabulary>, Diagnostic> {
    let mut diags = Diagnostics::default();
    pipeline::vocabulary(&Root::new(root), &mut diags).map_err(|_| {
        let why = diags.sorted().first().map(|finding| finding.message.clone());
        Diagnostic::error(
            "secrets/keys-unknown",
            "which keys are secret is not known: a file in `templates/` is wrong",
        )
        .note(why.unwrap_or_default())
        .help("`clusterwright validate` shows what to mend")
    })
}

/// Reports what makes a configuration file unfit to be encrypted: keys that nobody knows, one of which may be a secret
/// with a slip in its name. In a repository of raw mode only the latter, for other keys are its templates' own.
///
/// # Errors
/// When the file cannot be understood.
pub fn check(root: &Path, name: &str, text: &str, diags: &mut Diagnostics) -> Result<(), Aborted> {
    let vocabulary = vocabulary(root).map_err(|finding| diags.abort(finding))?;
    // Keys stand in clear in an encrypted file, so that nothing need be decrypted.
    let as_it_is = |text: &str| Ok(Decrypted::Text(SecretText::new(text.to_owned())));
    let document = config::parse(&[(name, text.to_owned())], &vocabulary, &as_it_is, diags)?;
    let only_misspelt = raw::is_raw(&Root::new(root));
    for finding in crate::validate::unknown_keys(&document, only_misspelt) {
        diags.push(finding.note("it would stay in clear, whatever it holds"));
    }
    elsewhere(name, text, vocabulary.keys(), diags);
    Ok(())
}

/// Returns what is wrong with a path that a value is to be put at in a configuration file: a key that nobody knows. In a
/// repository of raw mode only one that is much like a secret, for others are its templates' own.
///
/// # Errors
/// When which keys there are is not known.
pub fn unknown_key(root: &Path, name: &str, path: &KeyPath) -> Result<Option<Diagnostic>, Diagnostic> {
    let vocabulary = vocabulary(root)?;
    let keys = vocabulary.keys();
    let (key, near) = match path.steps() {
        [Step::Key(list), Step::Index(_), Step::Key(key), ..] if list == "nodes" => {
            if keys.node_kind(key).is_some() {
                return Ok(None);
            }
            (key, similar(key, keys.node()))
        }
        [Step::Key(key), ..] if keys.top_kind(key).is_none() => (key, similar(key, keys.top())),
        _ => return Ok(None),
    };
    if raw::is_raw(&Root::new(root)) && similar(key, keys.secrets()).is_none() {
        return Ok(None);
    }
    let message = format!("`{path}` is no key of `{name}`");
    let finding = Diagnostic::error("config/unknown-key", message)
        .in_file(name)
        .note("nothing was written");
    Ok(Some(match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding.help("`.clusterwright/cluster.schema.json` lists all keys"),
    }))
}

/// Reports the values of secrets that stand in other places of the file as well, comments included.
fn elsewhere(name: &str, text: &str, keys: &Keys, diags: &mut Diagnostics) {
    let values = config::clear_secrets(text, keys);
    let mut known = Known::new(values.iter().map(|(key, value)| (key.clone(), value.as_str())));
    known.forget_common(BUILT_IN.iter().map(|(_, text)| *text));
    let documents = yaml::parse(text).unwrap_or_default();
    let entries = documents.iter().flat_map(yaml::Node::entries);
    let is_secret = |key: &yaml::Node| {
        key.as_str()
            .is_some_and(|key| values.iter().any(|(name, _)| name == key))
    };
    let secret: Vec<_> = entries
        .into_iter()
        .filter(|(key, _)| is_secret(key))
        .map(|(_, value)| value.span.clone())
        .collect();
    let inside = |at: &Range<usize>| {
        secret
            .iter()
            .any(|span| span.start <= at.start && at.end <= span.end)
    };
    let found = known.find(text.as_bytes());
    let found: Vec<_> = found.into_iter().filter(|(_, at)| !inside(at)).collect();
    let is_found = |at: &Range<usize>| {
        found
            .iter()
            .any(|(_, one)| one.start < at.end && at.start < one.end)
    };
    let mut commented = config::commented_secrets(text, keys);
    commented.retain(|(_, at)| !is_found(at));
    if found.is_empty() && commented.is_empty() {
        return;
    }
    let places = found
        .iter()
        .map(|(_, at)| at)
        .chain(commented.iter().map(|(_, at)| at));
    let id = diags.sources.add(name, hidden(text, places.cloned()));
    for (key, at) in commented {
        let message = format!("a value of the secret `{key}` stands in a comment, and would stay in clear");
        diags.push(
            Diagnostic::error("secret/in-clear", message)
                .at(id.span(at), "")
                .help(
                    "take the comment out; a value that was pushed is everybody's: change it where it counts",
                ),
        );
    }
    for (key, at) in found {
        let message = format!("the value of the secret `{key}` stands here as well, and would stay in clear");
        diags.push(
            Diagnostic::error("secret/in-clear", message)
                .at(id.span(at), "")
                .help("take it out, or change the secret if the two are the same by chance"),
        );
    }
}

/// Adds to what a look at a configuration file showed: keys that nobody knows, and secrets that stand in clear although
/// the file is encrypted, because they became secret later.
pub fn examine(
    root: &Path,
    status: &mut FileStatus,
    findings: &mut Vec<Diagnostic>,
    diags: &mut Diagnostics,
) {
    let Ok(Some(text)) = side::read_path(&root.join(&status.path), &status.path) else {
        return;
    };
    let Some(name) = name_of(root, &root.join(&status.path), text.expose()) else {
        return;
    };
    let before = diags.mark();
    // What is wrong has been reported.
    let _ = check(root, name, text.expose(), diags);
    let new = diags.since(before).iter();
    let errors = new.filter(|one| one.severity == Severity::Error);
    status.problems.extend(errors.map(|one| one.message.clone()));
    let sealed = !findings
        .iter()
        .any(|finding| finding.code == "secrets/not-encrypted");
    if let Ok(vocabulary) = vocabulary(root)
        && sealed
    {
        for (key, _) in config::clear_secrets(text.expose(), vocabulary.keys()) {
            if vocabulary.keys().top_kind(&key).is_none()
                || status
                    .problems
                    .iter()
                    .any(|one| one.contains(&format!("`{key}`")))
            {
                continue;
            }
            findings.push(left_in_clear(name, text.expose(), &key));
        }
    }
    status.problems.extend(
        findings
            .iter()
            .map(|finding| finding.message.clone())
            .filter(|message| !status.problems.contains(message))
            .collect::<Vec<_>>(),
    );
    status.ok = status.problems.is_empty();
}

/// Encrypts a configuration file; one that is encrypted is brought up to date with the keys that are secret now, and values
/// that were typed into it in clear are encrypted. `None` when there is nothing to do.
///
/// # Errors
/// When it cannot be encrypted, or cannot be opened.
pub fn seal(
    file: &SecretFile,
    rule: &EncryptionRule,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, Diagnostic> {
    let text = file.text()?;
    let wrong = |error: SopsError| seal::finding(&error, &file.name);
    if !is_encrypted_text(text) {
        return sops::encrypt(text, rule, entropy).map(Some).map_err(wrong);
    }
    let mended = typed::sealed(file, Format::Yaml, identities, entropy)?;
    let text = mended.as_deref().unwrap_or(text);
    let sealed = sops::File::read(Format::Yaml, text).map_err(wrong)?;
    let plain = sealed.decrypt(identities, MacCheck::Verify).map_err(wrong)?;
    let updated = sealed.update(&plain, rule, identities, entropy).map_err(wrong)?;
    drop(sealed);
    Ok(match updated {
        Updated::Changed { text, .. } => Some(text),
        Updated::Unchanged => mended,
    })
}

/// Returns the line of `.gitignore` that keeps an encrypted configuration file out of git; `None` for any other file, and
/// where git does not ignore it.
pub fn ignored(root: &Path, file: &SecretFile) -> Option<String> {
    let name = name_of(root, &file.path, file.text().ok()?)?;
    let git = Git::discover(root).ok()??;
    let is_ignored = git.is_ignored(&RepoPath::parse(name).ok()?).ok()?;
    is_ignored.then(|| format!("/{name}"))
}

/// Refuses to write an encrypted configuration file in which a secret would stand in clear: its selector may be older
/// than the key.
///
/// # Errors
/// When it would.
pub fn guard(root: &Path, file: &Path, text: &str) -> Result<(), Diagnostic> {
    let Some(name) = name_of(root, file, text) else {
        return Ok(());
    };
    let vocabulary = vocabulary(root)?;
    match config::clear_secrets(text, vocabulary.keys()).first() {
        Some((key, _)) if is_encrypted_text(text) => Err(left_in_clear(name, text, key)),
        _ => Ok(()),
    }
}

fn left_in_clear(name: &str, text: &str, key: &str) -> Diagnostic {
    let documents = yaml::parse(text).unwrap_or_default();
    let keys = documents.iter().flat_map(yaml::Node::entries).map(|(key, _)| key);
    let at = keys
        .filter(|one| one.as_str() == Some(key))
        .map(|key| key.span.start);
    let line = at.min().map_or_else(String::new, |at| {
        format!("line {} of ", yaml::line::number(text, at))
    });
    let message = format!(
        "the secret `{key}` stands in clear in {line}`{name}`: the file was encrypted before the key was known"
    );
    Diagnostic::error("secrets/plain-value", message)
        .in_file(name)
        .help(format!(
            "run `clusterwright secrets encrypt -i {name}`, which brings it up to date"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    const OTHER: &str = "age13h9y85rtzluu890jkh5ua20cs7ljm0lzv2zh3mjxh75eyt8tgvsscgmc0m";

    /// Asks for the rule of `nodes.yaml` beside a `cluster.yaml`.
    fn beside(cluster: Option<&[u8]>) -> Result<Vec<String>, &'static str> {
        let dir = tempfile::tempdir().expect("a directory");
        if let Some(bytes) = cluster {
            std::fs::write(dir.path().join("cluster.yaml"), bytes).expect("written");
        }
        let own = Recipient::list([OWN]).expect("a key");
        let rule = rule(dir.path(), "nodes.yaml", "nodes: []\n", &own);
        let names = |rule: EncryptionRule| {
            rule.recipients
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect()
        };
        rule.map(names).map_err(|finding| finding.code)
    }

    #[test]
    fn who_can_decrypt_stands_in_either_file() {
        let list = format!("age_recipients: [{OWN}, {OTHER}]\n");
        assert_eq!(
            beside(Some(list.as_bytes())),
            Ok(vec![OWN.to_owned(), OTHER.to_owned()])
        );
        for none in [
            None,
            Some("cluster_name: home\n"),
            Some("age_recipients:\n"),
            Some(""),
        ] {
            assert_eq!(
                beside(none.map(str::as_bytes)),
                Ok(vec![OWN.to_owned()]),
                "{none:?}"
            );
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_is_not_taken_for_none() {
        let large = [b"age_recipients: [x]\n#".as_slice(), &vec![b'x'; 2 << 20]].concat();
        for (cluster, code) in [
            (b"age_recipients: [\"\xff\"]\n".as_slice(), "side/not-text"),
            (&large, "side/not-text"),
            (b"age_recipients: [x\n", "config/yaml"),
            (b"age_recipients: x\n", "config/wrong-type"),
            (b"age_recipients: [1]\n", "config/wrong-type"),
        ] {
            assert_eq!(beside(Some(cluster)), Err(code));
        }
    }
}
