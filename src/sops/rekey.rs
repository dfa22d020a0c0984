//! Changing who can open a file: new recipients, recipients that go, a new data key.

use std::collections::BTreeSet;

use super::assemble::{Block, assemble, quoting_edits};
use super::document::{Documents, SOPS_KEY, is_flow, last_byte, line_end, line_start, next_line};
use super::edit::{block_indent, check, others, restamp};
use super::error::SopsError;
use super::format::Format;
use super::groups::{self, KeyGroups};
use super::key::{Identities, Recipient};
use super::key_change::KeyChange;
use super::metadata::{Metadata, Wrapped};
use super::opened::Opened;
use super::plan::{Plan, overlap};
use super::rule::Rule;
use super::splice::{Edit, apply};
use super::value::{DataKey, Encrypted};
use super::walk::{aad, walk};
use crate::sys::Entropy;

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

/// See [`Format::rotate`].
pub(crate) fn rotate(
    format: Format,
    existing: &str,
    add: &[Recipient],
    remove: &[Recipient],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Rekeyed, SopsError> {
    let docs = Documents::read(existing, format)?;
    let metadata = Metadata::read(&docs)?;
    metadata.age_alone("changing the keys of a file")?;
    let mut rule = metadata.rule()?;
    let groups = rule.groups.iter_mut().flat_map(|groups| &mut groups.all);
    for people in std::iter::once(&mut rule.recipients).chain(groups) {
        people.retain(|one| !remove.contains(one));
    }
    let groups = rule.groups.as_mut().and_then(|groups| groups.all.first_mut());
    for people in std::iter::once(&mut rule.recipients).chain(groups) {
        let new: Vec<_> = add.iter().filter(|one| !people.contains(one)).cloned().collect();
        people.extend(new);
    }
    rekey(&docs, metadata, &rule, true, identities, entropy)
}

/// See [`Format::update_keys`].
pub(crate) fn update_keys(
    format: Format,
    existing: &str,
    rule: &Rule,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<Rekeyed>, SopsError> {
    let docs = Documents::read(existing, format)?;
    let metadata = Metadata::read(&docs)?;
    metadata.age_alone("changing the keys of a file")?;
    let change = KeyChange::between(&metadata, rule);
    if change.is_empty() && quoting_edits(&docs).is_empty() {
        return Ok(None);
    }
    rekey(&docs, metadata, rule, change.rotates(), identities, entropy).map(Some)
}

fn rekey(
    docs: &Documents<'_>,
    metadata: Metadata,
    rule: &Rule,
    rotates: bool,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Rekeyed, SopsError> {
    let empty_group = |groups: &KeyGroups| groups.all.iter().any(Vec::is_empty);
    if rule.recipients.is_empty() || rule.groups.as_ref().is_some_and(empty_group) {
        return Err(SopsError::NoRecipients);
    }
    let format = docs.format;
    let opened = Opened::new(docs, metadata, identities)?;
    opened.verify()?;
    let change = KeyChange::between(&opened.metadata, rule);
    let mut new = opened.metadata.clone();
    let (key, edits) = if rotates {
        let key = DataKey::generate(entropy);
        groups::wrap(&mut new, rule, &key, entropy)?;
        let edits = sealed_anew(&opened, &key, entropy)?;
        (key, edits)
    } else {
        change.wrap(&mut new, rule, &opened.key, identities, entropy)?;
        (opened.key.clone(), Vec::new())
    };
    let mut text = with_keys(docs, edits, &opened.metadata, &new, rotates)?;
    if rotates {
        text = restamp(format, &text, &key, entropy)?;
    }
    let stays = |new: &Opened<'_, '_>| Ok(others(new, None)? == others(&opened, None)?);
    check(format, &text, &key, &stays)?;
    Ok(Rekeyed {
        text,
        added: change.added,
        removed: change.removed,
        rotated: rotates,
    })
}

/// Writes a file with other keys: in a list on lines of its own entries that stay keep their bytes, everything else gets
/// a new block.
fn with_keys(
    docs: &Documents<'_>,
    mut edits: Vec<Edit>,
    old: &Metadata,
    new: &Metadata,
    rotates: bool,
) -> Result<String, SopsError> {
    if let (Format::Yaml, None, None) = (docs.format, &old.groups, &new.groups)
        && let Some(lines) = recipient_edits(docs, &old.age, &new.age, rotates)
    {
        edits.extend(lines);
        edits.extend(quoting_edits(docs));
        return apply(docs.text, &edits).ok_or_else(overlap);
    }
    edits.extend(docs.sops_entries().into_iter().map(|range| Edit::new(range, "")));
    let body = apply(docs.text, &edits).ok_or_else(overlap)?;
    let block = Block {
        metadata: new,
        verbatim: None,
        indent: block_indent(docs).unwrap_or(4),
    };
    assemble(&Documents::read(&body, docs.format)?, Vec::new(), &block)
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
    let plan = Plan::of_tokens(docs, walk(docs, &opened.scope, true)?);
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

/// Edits the list of recipients in every `sops` block; `None` where one is not written on lines of its own.
fn recipient_edits(
    docs: &Documents<'_>,
    old: &[Wrapped],
    age: &[Wrapped],
    rotates: bool,
) -> Option<Vec<Edit>> {
    let text = docs.text;
    let mut edits = Vec::new();
    for (_, root) in docs.roots() {
        let Some(block) = root.get(SOPS_KEY) else { continue };
        let (key, entries) = block.entry("age")?;
        if is_flow(text, root) || is_flow(text, block) || is_flow(text, entries) {
            return None;
        }
        let (first, last) = (entries.items().first()?, entries.items().last()?);
        let start = line_start(text, first.span.start);
        let end = next_line(
            text,
            line_end(text, text[..last_byte(text, last)].trim_end().len()),
        );
        let dash = text[start..first.span.start].find('-').unwrap_or_default();
        if start < key.span.end || !text[start..start + dash].trim().is_empty() {
            return None;
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
    Some(edits)
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
