//! Comparing a SOPS file with a new plaintext without any key.

use crate::error::SopsError;
use crate::file::File;
use crate::format::Format;
use crate::ops::binary;
use crate::ops::plan::{plan, to_seal};
use crate::rules::rule::EncryptionRule;
use crate::rules::selector::Scope;
use crate::text::document::Documents;
use crate::text::metadata::Metadata;
use crate::text::typing::Typed;
use crate::text::value::{Encrypted, is_ciphertext};
use crate::text::walk::{Walk, walk};

/// What can be said without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyless {
    /// Keys, order, lists and plain values agree, the same values are encrypted, and the selector is the same.
    pub same_structure: bool,
    /// The recipients are the rule's.
    pub recipients_equal: bool,
    /// Number of encrypted values, whose plaintext nobody compared.
    pub unverified: usize,
    /// The first difference, for people. Holds no value.
    pub reason: Option<String>,
}

/// Compares the structure of a SOPS file with that of a new plaintext, in which encrypted values may be stand-ins.
///
/// # Errors
/// When `existing` is no SOPS file or `new_plain` could not be encrypted.
pub fn compare_keyless(existing: &str, new_plain: &str, rule: &EncryptionRule) -> Result<Keyless, SopsError> {
    File::read(Format::Yaml, existing)?.compare_keyless(new_plain.as_bytes(), rule)
}

impl File<'_> {
    /// Compares the structure of the file with that of a new plaintext, in which encrypted values may be stand-ins.
    ///
    /// # Errors
    /// When `new_plain` could not be encrypted by the rule.
    pub fn compare_keyless(&self, new_plain: &[u8], rule: &EncryptionRule) -> Result<Keyless, SopsError> {
        match self.format() {
            Format::Binary => Ok(binary::compare_keyless(self, new_plain, rule)),
            format => compare(self, format.text(new_plain)?, rule),
        }
    }
}

/// Compares with a text of any format but binary.
fn compare(file: &File<'_>, new_plain: &str, rule: &EncryptionRule) -> Result<Keyless, SopsError> {
    let (format, metadata) = (file.format(), &file.metadata);
    let scope = rule.writable(format)?;
    let old = walk(&file.docs, &Scope::of(format, &metadata.selector)?, true)?;
    let docs = Documents::read(new_plain, format)?;
    let new = plan(&docs, &scope, rule.mac_only_encrypted)?.walk;
    let recipients_equal = metadata.is_for(rule);
    let difference = rule_difference(metadata, rule).or_else(|| difference(format, &old, &new));
    let unverified = old
        .leaves
        .iter()
        .filter(|leaf| leaf.in_scope && !leaf.comment_item && is_ciphertext(leaf.text()))
        .count();
    let reason = match &difference {
        None if !recipients_equal => Some("the recipients differ".to_owned()),
        other => other.clone(),
    };
    Ok(Keyless {
        same_structure: difference.is_none(),
        recipients_equal,
        unverified,
        reason,
    })
}

fn rule_difference(metadata: &Metadata, rule: &EncryptionRule) -> Option<String> {
    if metadata.selector != rule.selector {
        return Some("the selector differs".to_owned());
    }
    (metadata.mac_only_encrypted != rule.mac_only_encrypted)
        .then(|| "the MAC covers other values (`mac_only_encrypted`)".to_owned())
}

fn difference(format: Format, old: &Walk<'_>, new: &Walk<'_>) -> Option<String> {
    let old_shape = old
        .containers
        .iter()
        .map(|c| (c.doc, &c.path, c.is_map, c.entries.is_empty()));
    let new_shape = new
        .containers
        .iter()
        .map(|c| (c.doc, &c.path, c.is_map, c.entries.is_empty()));
    let aliased = !old.aliases.is_empty() || !new.aliases.is_empty();
    let mut shapes = old_shape.clone().zip(new_shape.clone());
    // Aliases in scope are written out in a SOPS file, so mappings and lists cannot be compared one by one.
    if !aliased && let Some((one, _)) = shapes.find(|(one, other)| one != other) {
        return Some(format!("`{}` differs", one.1));
    }
    let leaves: Vec<_> = old.leaves.iter().filter(|leaf| !leaf.comment_item).collect();
    for (one, other) in leaves.iter().zip(&new.leaves) {
        if one.place() != other.place() {
            return Some(format!(
                "`{}` stands where `{}` is expected",
                one.path, other.path
            ));
        }
        let hidden = one.in_scope && Encrypted::parse(one.text()).is_some();
        let to_hide = other.in_scope && matches!(to_seal(format, other), Ok(Some(_)));
        if hidden != to_hide {
            let word = if hidden { "encrypted" } else { "not encrypted" };
            return Some(format!("`{}` is {word}", one.path));
        }
        if !hidden && one.typed != other.typed && (one.in_scope, &one.typed) != (true, &Typed::Null) {
            return Some(format!("`{}` has another value", one.path));
        }
    }
    if leaves.len() != new.leaves.len() {
        return Some(format!(
            "it has another number of values: {} instead of {}",
            leaves.len(),
            new.leaves.len()
        ));
    }
    (!aliased && old.containers.len() != new.containers.len())
        .then(|| "it has another number of mappings and lists".to_owned())
}
