//! Encrypting a plaintext: a text edit in which everything but the encrypted values stays byte for byte.

use crate::entropy::Entropy;
use crate::error::SopsError;
use crate::format::Format;
use crate::keys::groups;
use crate::ops::plan::{confirm, plan};
use crate::rules::rule::EncryptionRule;
use crate::text::assemble::{Block, assemble};
use crate::text::document::Documents;
use crate::text::metadata::{Metadata, VERSION};
use crate::text::value::{DataKey, Plain, ValueType};

/// Encrypts a YAML text under a new data key.
///
/// Comments, order, blank lines and indentation stay. Values that are empty or null stay plain, as SOPS wants it;
/// comments stay plain, which SOPS accepts. Below `data` and `stringData` every value becomes text.
///
/// # Errors
/// When the text is not a stream of mappings, is encrypted already, when the selector does not compile or matches
/// nothing, and for values that would not survive (see the variants of [`SopsError`]).
pub fn encrypt(text: &str, rule: &EncryptionRule, entropy: &mut dyn Entropy) -> Result<String, SopsError> {
    encrypt_in(Format::Yaml, text, rule, entropy)
}

/// Encrypts a text of any format but binary.
pub(crate) fn encrypt_in(
    format: Format,
    text: &str,
    rule: &EncryptionRule,
    entropy: &mut dyn Entropy,
) -> Result<String, SopsError> {
    let scope = rule.writable(format)?;
    let docs = Documents::read(text, format)?;
    let plan = plan(&docs, &scope, rule.mac_only_encrypted)?;
    let key = DataKey::generate(entropy);
    let tokens: Vec<Option<String>> = plan
        .walk
        .leaves
        .iter()
        .zip(&plan.sealed)
        .map(|(leaf, value)| value.as_ref().map(|plain| key.seal(plain, &leaf.aad(), entropy)))
        .collect();
    let mut metadata = metadata(rule, VERSION);
    groups::wrap(&mut metadata, rule, &key, entropy)?;
    stamp(&mut metadata, &plan.mac, &key, entropy);
    let edits = plan.edits(&tokens)?;
    let block = Block {
        metadata: &metadata,
        verbatim: None,
        indent: rule.indent,
    };
    let out = assemble(&docs, edits, &block)?;
    confirm(&out, &key, &plan)?;
    Ok(out)
}

/// Returns a block for a rule, without recipients and stamps.
pub(crate) fn metadata(rule: &EncryptionRule, version: &str) -> Metadata {
    Metadata {
        age: Vec::new(),
        groups: None,
        other_keys: Vec::new(),
        selector: rule.selector.clone(),
        lastmodified: String::new(),
        mac: None,
        mac_only_encrypted: rule.mac_only_encrypted,
        version: version.to_owned(),
        span: 0..0,
    }
}

/// Sets the time, and the MAC that is bound to it.
pub(crate) fn stamp(metadata: &mut Metadata, mac: &str, key: &DataKey, entropy: &mut dyn Entropy) {
    metadata.lastmodified = entropy.now();
    let aad = metadata.mac_aad();
    metadata.mac = Some(key.seal(&Plain::new(ValueType::Str, mac), &aad, entropy));
}
