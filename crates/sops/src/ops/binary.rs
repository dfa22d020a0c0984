//! Files of any other kind: all bytes are one value, in a JSON object with the key `data`. Selectors mean nothing here.

use crate::entropy::Entropy;
use crate::error::SopsError;
use crate::file::File;
use crate::format::Format;
use crate::keys::groups;
use crate::keys::identities::Identities;
use crate::ops::encrypt::{metadata, stamp};
use crate::ops::key_change::KeyChange;
use crate::ops::keyless::Keyless;
use crate::ops::mac::Mac;
use crate::ops::opened::Opened;
use crate::ops::update::Updated;
use crate::rules::rule::EncryptionRule;
use crate::rules::selector::Selector;
use crate::text::SOPS_KEY;
use crate::text::document::Documents;
use crate::text::keypath::{KeyPath, Step};
use crate::text::metadata::{Metadata, VERSION};
use crate::text::value::{DataKey, Plain, ValueType};
use crate::text::walk::Leaf;

/// The key of the one value.
const KEY: &str = "data";
/// What authenticates it.
const AAD: &str = "data:";

fn rule_of(rule: &EncryptionRule) -> EncryptionRule {
    EncryptionRule {
        selector: Selector::UnencryptedSuffix(String::new()),
        mac_only_encrypted: false,
        ..rule.clone()
    }
}

fn mac(bytes: &[u8], only_encrypted: bool) -> String {
    let mut mac = Mac::new(only_encrypted);
    mac.add(true, &Plain::new(ValueType::Str, bytes));
    mac.finish()
}

fn write(metadata: &Metadata, token: &str, rule: &EncryptionRule) -> String {
    let unit = match rule.indent {
        0 => "\t".to_owned(),
        width => " ".repeat(width),
    };
    let block = metadata.json(&unit, &unit);
    format!("{{\n{unit}\"data\": \"{token}\",\n{block}\n}}\n")
}

/// Encrypts bytes. An empty file stays empty, as in every format.
pub(crate) fn encrypt(
    plain: &[u8],
    rule: &EncryptionRule,
    entropy: &mut dyn Entropy,
) -> Result<String, SopsError> {
    if rule.recipients.is_empty() {
        return Err(SopsError::NoRecipients);
    }
    // SOPS would encrypt the ciphertext once more.
    if let Ok(text) = std::str::from_utf8(plain)
        && let Ok(docs) = Documents::read(text, Format::Binary)
        && let Ok(metadata) = Metadata::read(&docs)
    {
        return Err(SopsError::AlreadyEncrypted { span: metadata.span });
    }
    let rule = rule_of(rule);
    let key = DataKey::generate(entropy);
    let token = token(plain, &key, entropy);
    let mut metadata = metadata(&rule, VERSION);
    groups::wrap(&mut metadata, &rule, &key, entropy)?;
    stamp(&mut metadata, &mac(plain, false), &key, entropy);
    Ok(write(&metadata, &token, &rule))
}

/// Encrypts the value. An empty one is never encrypted.
pub(crate) fn token(plain: &[u8], key: &DataKey, entropy: &mut dyn Entropy) -> String {
    let value = Plain::new(ValueType::Str, plain);
    if value.is_empty() {
        String::new()
    } else {
        key.seal(&value, AAD, entropy)
    }
}

/// Refuses every path but that of the one value.
pub(crate) fn only_value(path: &KeyPath) -> Result<(), SopsError> {
    match path.steps() {
        [Step::Key(key)] if key == KEY => Ok(()),
        _ => Err(SopsError::Unholdable {
            path: path.to_string(),
            why: "a binary file has one value, `data`",
        }),
    }
}

/// Returns the one value of an opened file.
pub(crate) fn value<'o>(opened: &'o Opened<'_, '_>) -> Result<(&'o Leaf<'o>, &'o Plain), SopsError> {
    match (&opened.walk.leaves[..], &opened.plains[..]) {
        ([leaf], [Some(plain)]) if leaf.path == KEY => Ok((leaf, plain)),
        _ => Err(SopsError::Metadata {
            what: "there is not exactly one value `data` beside it".to_owned(),
            span: opened.metadata.span.clone(),
        }),
    }
}

/// Returns whether a text is a JSON object as SOPS makes it of a binary file: `data` and the metadata, nothing else.
pub(crate) fn is_one_value(text: &str) -> bool {
    let docs = Documents::read(text, Format::Binary);
    docs.is_ok_and(|docs| {
        let keys = docs.roots().flat_map(|(_, root)| root.entries());
        let mut others = keys
            .filter_map(|(key, _)| key.as_str())
            .filter(|key| *key != SOPS_KEY);
        others.next() == Some(KEY) && others.next().is_none()
    })
}

/// Brings a file to new bytes.
pub(crate) fn update(
    file: &File<'_>,
    plain: &[u8],
    rule: &EncryptionRule,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Updated, SopsError> {
    if rule.recipients.is_empty() {
        return Err(SopsError::NoRecipients);
    }
    let rule = rule_of(rule);
    let old = Opened::new(file, identities)?;
    old.metadata.age_alone("updating a file")?;
    old.verify()?;
    let (leaf, bytes) = value(&old)?;
    let people = KeyChange::between(&old.metadata, &rule);
    let same = *bytes.bytes == plain;
    if same && people.is_empty() {
        return Ok(Updated::Unchanged);
    }
    let key = if people.rotates() {
        DataKey::generate(entropy)
    } else {
        old.key.clone()
    };
    let mut new = Metadata {
        age: old.metadata.age.clone(),
        groups: old.metadata.groups.clone(),
        ..metadata(&rule, &old.metadata.version)
    };
    people.wrap(&mut new, &rule, &key, identities, entropy)?;
    let keep = same && !people.rotates() && !old.metadata.mac_only_encrypted;
    let token = if keep {
        new.lastmodified.clone_from(&old.metadata.lastmodified);
        new.mac.clone_from(&old.metadata.mac);
        leaf.text().to_owned()
    } else {
        stamp(&mut new, &mac(plain, false), &key, entropy);
        token(plain, &key, entropy)
    };
    Ok(Updated::Changed {
        text: write(&new, &token, &rule),
        encrypted: usize::from(!keep),
        kept: usize::from(keep),
        rotated: people.rotates(),
    })
}

/// Compares with new bytes, of which nothing can be said without a key.
pub(crate) fn compare_keyless(file: &File<'_>, plain: &[u8], rule: &EncryptionRule) -> Keyless {
    let root = file.documents().next();
    let sealed = root.and_then(|root| root.get(KEY)?.as_str());
    let same_structure = sealed.is_some_and(|value| value.is_empty() == plain.is_empty());
    let recipients_equal = file.metadata.is_for(rule);
    let reason = match (same_structure, recipients_equal) {
        (false, _) => Some("one of the two is empty"),
        (true, false) => Some("the recipients differ"),
        (true, true) => None,
    };
    Keyless {
        same_structure,
        recipients_equal,
        unverified: usize::from(sealed.is_some_and(|value| !value.is_empty())),
        reason: reason.map(str::to_owned),
    }
}
