//! Changing who can open a file: new recipients, recipients that go, a new data key.

use std::collections::BTreeSet;

use super::document::{Documents, SOPS_KEY, is_flow, last_byte, line_end, line_start, next_line};
use super::edit::{block_indent, check, restamp};
use super::error::SopsError;
use super::key::{self, Identities, Recipient};
use super::metadata::{Metadata, Wrapped};
use super::opened::Opened;
use super::plan::{Plan, overlap};
use super::selector::Scope;
use super::splice::{Edit, apply};
use super::value::{DataKey, Encrypted};
use super::walk::aad;
use crate::sys::Entropy;
use crate::yaml::double_quoted;

/// A file with other recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// The new text.
    pub text: String,
    /// Recipients that can open it now.
    pub added: Vec<String>,
    /// Recipients that no longer can.
    pub removed: Vec<String>,
    /// Whether data key and ciphertexts are new.
    pub rotated: bool,
}

/// Gives a file a new data key, and so every value a new ciphertext. Recipients stay but for those added and removed.
///
/// # Errors
/// When nothing opens the file, when it was changed by hand, when it has keys of other kinds than age, or when no
/// recipient would be left.
pub fn rotate(
    existing: &str,
    add: &[Recipient],
    remove: &[Recipient],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Rekeyed, SopsError> {
    let docs = Documents::parse(existing)?;
    let metadata = Metadata::read(&docs)?;
    let old: Vec<&str> = metadata
        .age
        .iter()
        .map(|wrapped| wrapped.recipient.as_str())
        .collect();
    let gone: BTreeSet<&str> = remove.iter().map(Recipient::as_str).collect();
    let kept = old.iter().copied().filter(|name| !gone.contains(name));
    let mut wanted = Recipient::list(kept)?;
    for recipient in add {
        if !wanted.contains(recipient) {
            wanted.push(recipient.clone());
        }
    }
    rekey(existing, &wanted, true, identities, entropy)
}

/// Brings the recipients of a file to a list; `None` when they are the same, whatever the order.
///
/// A new recipient gets the data key wrapped; values, MAC, time and the keys wrapped for the others stay as they are.
/// When one goes, who knows the data key, data key and ciphertexts are new.
///
/// # Errors
/// Those of [`rotate`].
pub fn update_keys(
    existing: &str,
    wanted: &[Recipient],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<Rekeyed>, SopsError> {
    let docs = Documents::parse(existing)?;
    let metadata = Metadata::read(&docs)?;
    let have: BTreeSet<&str> = metadata
        .age
        .iter()
        .map(|wrapped| wrapped.recipient.as_str())
        .collect();
    let want: BTreeSet<&str> = wanted.iter().map(Recipient::as_str).collect();
    if have == want && metadata.other_keys.is_empty() {
        return Ok(None);
    }
    let rotates = !have.is_subset(&want);
    rekey(existing, wanted, rotates, identities, entropy).map(Some)
}

fn rekey(
    existing: &str,
    wanted: &[Recipient],
    rotates: bool,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Rekeyed, SopsError> {
    if wanted.is_empty() {
        return Err(SopsError::NoRecipients);
    }
    let docs = Documents::parse(existing)?;
    let metadata = Metadata::read(&docs)?;
    if let Some(kind) = metadata.other_keys.first() {
        return Err(SopsError::Unsupported {
            what: format!("changing the keys of a file with `{kind}`"),
            span: Some(metadata.span),
        });
    }
    let scope = Scope::new(&metadata.selector)?;
    let opened = Opened::new(&docs, &scope, metadata, identities)?;
    opened.verify()?;
    let mut wanted: Vec<&Recipient> = wanted.iter().collect();
    let mut seen = BTreeSet::new();
    wanted.retain(|recipient| seen.insert(recipient.as_str()));
    let old = &opened.metadata.age;
    let removed: Vec<String> = old
        .iter()
        .map(|wrapped| wrapped.recipient.clone())
        .filter(|name| !seen.contains(name.as_str()))
        .collect();
    let added: Vec<String> = wanted
        .iter()
        .map(|recipient| recipient.as_str().to_owned())
        .filter(|name| !old.iter().any(|wrapped| wrapped.recipient == *name))
        .collect();

    let (key, mut edits) = if rotates {
        let key = DataKey::generate(entropy);
        let edits = sealed_anew(&opened, &key, entropy)?;
        (key, edits)
    } else {
        (opened.key.clone(), Vec::new())
    };
    let mut age = Vec::new();
    for recipient in wanted {
        let kept = old
            .iter()
            .find(|wrapped| wrapped.recipient == recipient.as_str() && !rotates);
        age.push(match kept {
            Some(wrapped) => wrapped.clone(),
            None => Wrapped {
                recipient: recipient.as_str().to_owned(),
                enc: key::wrap(&key, recipient)?,
            },
        });
    }
    edits.extend(recipient_edits(&docs, old, &age, rotates)?);
    let mut text = apply(existing, &edits).ok_or_else(overlap)?;
    if rotates {
        text = restamp(&text, &key, entropy)?;
    }
    check(&text, &key)?;
    Ok(Rekeyed {
        text,
        added,
        removed,
        rotated: rotates,
    })
}

/// Encrypts every value and comment under a new key.
fn sealed_anew(
    opened: &Opened<'_, '_>,
    key: &DataKey,
    entropy: &mut dyn Entropy,
) -> Result<Vec<Edit>, SopsError> {
    let docs = opened.docs;
    let tokens: Vec<Option<String>> = opened
        .walk
        .leaves
        .iter()
        .zip(&opened.plains)
        .map(|(leaf, plain)| {
            let plain = plain
                .as_ref()
                .filter(|plain| leaf.in_scope && !plain.is_empty())?;
            Some(key.seal(plain, &leaf.aad(), entropy))
        })
        .collect();
    let scope = Scope::new(&opened.metadata.selector)?;
    let plan = Plan {
        docs,
        walk: super::walk::walk(docs, &scope, true)?,
        sealed: vec![None; tokens.len()],
        mac: String::new(),
    };
    let mut edits = plan.edits(&tokens)?;
    let holders: BTreeSet<String> = opened
        .walk
        .containers
        .iter()
        .map(|holder| aad(&holder.keys))
        .collect();
    for comment in &opened.comments {
        let value = Encrypted::parse(&docs.text[comment.span.clone()]);
        let bound = |aad: &&String| {
            value
                .as_ref()
                .is_some_and(|value| opened.key.open(value, aad).is_some())
        };
        if let Some(aad) = holders.iter().find(bound) {
            edits.push(Edit::new(
                comment.span.clone(),
                key.seal(&comment.plain, aad, entropy),
            ));
        }
    }
    Ok(edits)
}

/// Edits the list of recipients in every `sops` block. In block layout entries that stay keep their bytes.
fn recipient_edits(
    docs: &Documents<'_>,
    old: &[Wrapped],
    age: &[Wrapped],
    rotates: bool,
) -> Result<Vec<Edit>, SopsError> {
    let text = docs.text;
    let mut edits = Vec::new();
    for (_, root) in docs.roots() {
        let Some((key, entries)) = root.get(SOPS_KEY).and_then(|block| block.entry("age")) else {
            continue;
        };
        if is_flow(text, root) || is_flow(text, entries) {
            edits.push(Edit::new(entries.span.clone(), flow(age)));
            continue;
        }
        let (Some(first), Some(last)) = (entries.items().first(), entries.items().last()) else {
            return Err(overlap());
        };
        let start = line_start(text, first.span.start);
        let end = next_line(
            text,
            line_end(text, text[..last_byte(text, last)].trim_end().len()),
        );
        let dash = text[start..first.span.start].find('-').unwrap_or_default();
        if start < key.span.end || !text[start..start + dash].trim().is_empty() {
            return Err(overlap());
        }
        let indent = block_indent(docs).unwrap_or(2).min(4);
        let lines = |wrapped: &[Wrapped]| -> String {
            wrapped
                .iter()
                .map(|wrapped| entry(wrapped, dash, indent))
                .collect()
        };
        let stays = !rotates && old.iter().all(|one| age.contains(one));
        if stays {
            let new: Vec<Wrapped> = age.iter().filter(|one| !old.contains(one)).cloned().collect();
            let line_break = if text[..end].ends_with('\n') { "" } else { "\n" };
            edits.push(Edit::new(end..end, format!("{line_break}{}", lines(&new))));
        } else {
            edits.push(Edit::new(start..end, lines(age)));
        }
    }
    Ok(edits)
}

/// Writes an entry as SOPS does, its dash in a column.
fn entry(wrapped: &Wrapped, dash: usize, indent: usize) -> String {
    let body = dash + 2;
    let mut out = format!("{:dash$}- enc: |\n", "");
    for line in wrapped.enc.trim().lines() {
        let column = body + indent.max(2);
        out.push_str(&format!("{:column$}{}\n", "", line.trim()));
    }
    let recipient = super::text::string(&wrapped.recipient, false);
    out.push_str(&format!("{:body$}recipient: {}\n", "", recipient.as_str()));
    out
}

fn flow(age: &[Wrapped]) -> String {
    let entries: Vec<String> = age
        .iter()
        .map(|wrapped| {
            format!(
                "{{\"recipient\": {}, \"enc\": {}}}",
                double_quoted(&wrapped.recipient).as_str(),
                double_quoted(&wrapped.enc).as_str()
            )
        })
        .collect();
    format!("[{}]", entries.join(", "))
}
