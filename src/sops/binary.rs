//! Files of any other kind: all bytes are one value, in a JSON object with the key `data`. Selectors mean nothing here.

use zeroize::Zeroizing;

use super::decrypt::MacCheck;
use super::document::Documents;
use super::encrypt::{metadata, stamp};
use super::error::SopsError;
use super::format::Format;
use super::groups;
use super::key::Identities;
use super::mac::Mac;
use super::metadata::{Metadata, VERSION};
use super::opened::Opened;
use super::rule::Rule;
use super::selector::{Scope, Selector};
use super::update::{Recipients, Updated};
use super::value::{DataKey, Plain, ValueType};
use crate::sys::Entropy;

/// The path of the one value.
const AAD: &str = "data:";

/// Everything is in scope, and no selector is written.
fn scope() -> Result<Scope, SopsError> {
    Scope::new(&Selector::UnencryptedRegex("^$".to_owned()))
}

fn rule_of(rule: &Rule) -> Rule {
    Rule {
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

fn write(metadata: &Metadata, token: &str, rule: &Rule) -> String {
    let unit = match rule.indent {
        0 => "\t".to_owned(),
        width => " ".repeat(width),
    };
    let block = metadata.json(&unit, &unit);
    format!("{{\n{unit}\"data\": \"{token}\",\n{block}\n}}\n")
}

/// Encrypts bytes. An empty file stays empty, as in every format.
pub(crate) fn encrypt(plain: &[u8], rule: &Rule, entropy: &mut dyn Entropy) -> Result<String, SopsError> {
    if rule.recipients.is_empty() {
        return Err(SopsError::NoRecipients);
    }
    let rule = rule_of(rule);
    let key = DataKey::generate(entropy);
    let value = Plain::new(ValueType::Str, plain);
    let token = if value.is_empty() {
        String::new()
    } else {
        key.seal(&value, AAD, entropy)
    };
    let mut metadata = metadata(&rule, VERSION);
    groups::wrap(&mut metadata, &rule, &key, &|_| None, entropy)?;
    stamp(&mut metadata, &mac(plain, false), &key, entropy);
    Ok(write(&metadata, &token, &rule))
}

/// A file with its bytes at hand.
struct Open {
    metadata: Metadata,
    key: DataKey,
    bytes: Zeroizing<Vec<u8>>,
    token: String,
}

fn open(text: &str, identities: &Identities, check: MacCheck) -> Result<Open, SopsError> {
    let docs = Documents::read(text, Format::Json)?;
    let metadata = Metadata::read(&docs)?;
    let scope = scope()?;
    let opened = Opened::new(&docs, &scope, metadata, identities)?;
    if check == MacCheck::Verify {
        opened.verify()?;
    }
    let broken = || SopsError::Metadata {
        what: "there is not exactly one value `data` beside it".to_owned(),
        span: opened.metadata.span.clone(),
    };
    let ([leaf], [Some(plain)]) = (&opened.walk.leaves[..], &opened.plains[..]) else {
        return Err(broken());
    };
    if leaf.path != "data" {
        return Err(broken());
    }
    Ok(Open {
        bytes: plain.bytes.clone(),
        token: leaf.text().to_owned(),
        key: opened.key.clone(),
        metadata: opened.metadata.clone(),
    })
}

/// Decrypts to the bytes.
pub(crate) fn decrypt(
    text: &str,
    identities: &Identities,
    check: MacCheck,
) -> Result<Zeroizing<Vec<u8>>, SopsError> {
    open(text, identities, check).map(|open| open.bytes)
}

/// Brings a file to new bytes.
pub(crate) fn update(
    existing: &str,
    plain: &[u8],
    rule: &Rule,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Updated, SopsError> {
    if rule.recipients.is_empty() {
        return Err(SopsError::NoRecipients);
    }
    let rule = rule_of(rule);
    let old = open(existing, identities, MacCheck::Verify)?;
    let people = Recipients::compare(&old.metadata, &rule);
    people.refuse_other_keys(&old.metadata)?;
    let same = *old.bytes == plain;
    if same && !people.changed() {
        return Ok(Updated::Unchanged);
    }
    let key = if people.removed {
        DataKey::generate(entropy)
    } else {
        old.key.clone()
    };
    let mut new = metadata(&rule, &old.metadata.version);
    people.wrap(&mut new, &old.metadata, &rule, &key, entropy)?;
    let keep = same && !people.removed && !old.metadata.mac_only_encrypted;
    let token = if keep || plain.is_empty() {
        if plain.is_empty() {
            String::new()
        } else {
            old.token.clone()
        }
    } else {
        key.seal(&Plain::new(ValueType::Str, plain), AAD, entropy)
    };
    if keep {
        new.lastmodified.clone_from(&old.metadata.lastmodified);
        new.mac.clone_from(&old.metadata.mac);
    } else {
        stamp(&mut new, &mac(plain, false), &key, entropy);
    }
    Ok(Updated::Changed {
        text: write(&new, &token, &rule),
        encrypted: usize::from(!keep),
        kept: usize::from(keep),
        rotated: people.removed,
    })
}
