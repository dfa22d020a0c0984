//! Tests of whole files. The judge of compatibility is `tests/conformance/sops.sh`.

mod canary;
mod edits;
mod every_format;
mod fixtures;
pub(crate) mod generate;
mod generate_json;
mod generate_marked;
mod keys;
mod layout;
mod markers;
mod merges;
mod open_ends;
mod places;
mod releases;
mod round_trip;
mod stores;
mod tamper;
mod times;
mod updates;

use crate::{
    DecryptedValue, EncryptionRule, Format, Identities, KeyPath, MacCheck, Merged, NewValue, Recipient,
    Rekeyed, Selector, Sides, SopsError, Updated, decrypt, generate_identity, update,
};
use crate::{Entropy, FixedEntropy, SecretText};

/// The formats' methods for YAML, in short.
fn set(
    existing: &str,
    document: usize,
    path: &KeyPath,
    value: &NewValue,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    Format::Yaml.set(existing, path.within(document), value, identities, entropy)
}

fn unset(
    existing: &str,
    document: usize,
    path: &KeyPath,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    Format::Yaml.unset(existing, path.within(document), identities, entropy)
}

fn replace(
    existing: &str,
    plain: &str,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    Format::Yaml.replace(existing, plain.as_bytes(), identities, entropy)
}

fn rotate(
    existing: &str,
    add: &[Recipient],
    remove: &[Recipient],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Rekeyed, SopsError> {
    Format::Yaml.rotate(existing, add, remove, identities, entropy)
}

fn update_keys(
    existing: &str,
    wanted: &[Recipient],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<Rekeyed>, SopsError> {
    Format::Yaml.update_keys(
        existing,
        &EncryptionRule::secrets(wanted.to_vec()),
        identities,
        entropy,
    )
}

/// What a merge begins with.
fn sides<'t>(base: Option<&'t str>, ours: &'t str, theirs: &'t str, may_open: &'t [Recipient]) -> Sides<'t> {
    Sides {
        base,
        ours,
        theirs,
        may_open,
    }
}

fn merge(
    base: Option<&str>,
    ours: &str,
    theirs: &str,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Merged, SopsError> {
    Format::Yaml.merge(sides(base, ours, theirs, &[]), identities, entropy)
}

fn decrypt_values(text: &str, identities: &Identities) -> Result<Vec<DecryptedValue>, SopsError> {
    Format::Yaml.decrypt_values(text, identities)
}

/// Somebody with a key.
struct Person {
    recipient: Recipient,
    identities: Identities,
}

fn person() -> Person {
    let (private, public) = generate_identity();
    Person {
        recipient: Recipient::new(&public).unwrap(),
        identities: Identities::parse(private.expose()).unwrap(),
    }
}

fn rule(people: &[&Person]) -> EncryptionRule {
    EncryptionRule::secrets(people.iter().map(|person| person.recipient.clone()).collect())
}

fn whole(people: &[&Person]) -> EncryptionRule {
    EncryptionRule {
        selector: Selector::whole_document(),
        mac_only_encrypted: false,
        ..rule(people)
    }
}

fn sealed(text: &str, rule: &EncryptionRule) -> String {
    crate::encrypt(text, rule, &mut FixedEntropy::new(1)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn open(text: &str, me: &Person) -> String {
    let text =
        decrypt(text, &me.identities, MacCheck::Verify).unwrap_or_else(|error| panic!("{error}\n{text}"));
    text.expose().to_owned()
}

/// Updates at a later time, so that a new stamp shows.
fn updated(existing: &str, plain: &str, rule: &EncryptionRule, me: &Person) -> Updated {
    let mut entropy = FixedEntropy::new(2);
    "2027-01-01T00:00:00Z".clone_into(&mut entropy.time);
    update(existing, plain, rule, &me.identities, &mut entropy)
        .unwrap_or_else(|error| panic!("{error}\n{plain}"))
}

fn changed(existing: &str, plain: &str, rule: &EncryptionRule, me: &Person) -> String {
    match updated(existing, plain, rule, me) {
        Updated::Changed { text, .. } => text,
        Updated::Unchanged => panic!("nothing changed"),
    }
}

/// The lines of `new` that are not in `old` at the same place; both have the same number of lines.
fn changed_lines<'t>(old: &str, new: &'t str) -> Vec<&'t str> {
    assert_eq!(old.lines().count(), new.lines().count(), "\n{old}\n----\n{new}");
    old.lines()
        .zip(new.lines())
        .filter(|(old, new)| old != new)
        .map(|(_, new)| new)
        .collect()
}
