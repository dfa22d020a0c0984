//! Changing who can open a file: new recipients, recipients that go, a new data key.

use std::collections::BTreeSet;

use crate::entropy::Entropy;
use crate::error::{SopsError, overlap};
use crate::file::File;
use crate::format::Format;
use crate::keys::groups::{self, KeyGroups};
use crate::keys::identities::Identities;
use crate::keys::key::Recipient;
use crate::ops::edit::{block_indent, check, others, restamp};
use crate::ops::key_change::KeyChange;
use crate::ops::opened::{MacCheck, Opened};
use crate::ops::plan::Sealable;
use crate::rules::rule::EncryptionRule;
use crate::text::SOPS_KEY;
use crate::text::assemble::{Block, assemble, quoting_edits};
use crate::text::document::Documents;
use crate::text::metadata::{Metadata, Wrapped};
use crate::text::value::{DataKey, Encrypted};
use crate::text::walk::{aad, walk};
use yaml::{Edit, apply, layout};

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

impl File<'_> {
    /// Gives the file a new data key, and so every value a new ciphertext. Recipients stay but for those added, to the
    /// first key group if there are groups, and removed.
    ///
    /// # Errors
    /// When nothing opens the file, when it was changed by hand, when it has keys of other kinds than age, or when no
    /// recipient would be left.
    pub fn rotate(
        &self,
        add: &[Recipient],
        remove: &[Recipient],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Rekeyed, SopsError> {
        rotate(self, add, remove, identities, entropy)
    }

    /// Brings the recipients and key groups of the file to those of a rule; `None` when they are the same, whatever the
    /// order.
    ///
    /// A new recipient gets the data key, or the share of its group, wrapped; values, MAC, time and the keys wrapped for
    /// the others stay as they are. When one goes, who knows the data key, or the groups are others, data key and
    /// ciphertexts are new.
    ///
    /// # Errors
    /// Those of [`File::rotate`].
    pub fn update_keys(
        &self,
        rule: &EncryptionRule,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Rekeyed>, SopsError> {
        self.metadata.age_alone("changing the keys of a file")?;
        let change = self.key_change(rule);
        if change.is_empty() && quoting_edits(&self.docs).is_empty() {
            return Ok(None);
        }
        rekey(self, rule, change.rotates(), identities, entropy).map(Some)
    }
}

fn rotate(
    file: &File<'_>,
    add: &[Recipient],
    remove: &[Recipient],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Rekeyed, SopsError> {
    let metadata = &file.metadata;
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
    rekey(file, &rule, true, identities, entropy)
}

/// Brings the keys of a file to those of a rule; `rotates` says whether the data key is new.
pub(crate) fn rekey(
    file: &File<'_>,
    rule: &EncryptionRule,
    rotates: bool,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Rekeyed, SopsError> {
    let empty_group = |groups: &KeyGroups| groups.all.iter().any(Vec::is_empty);
    if rule.recipients.is_empty() || rule.groups.as_ref().is_some_and(empty_group) {
        return Err(SopsError::NoRecipients);
    }
    let (docs, format) = (&file.docs, file.format());
    let opened = Opened::checked(file, identities, MacCheck::Verify)?;
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
    edits.extend(docs.sops_entries().into_iter().map(Edit::cut));
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
    let plan = Sealable::of_tokens(docs, walk(docs, &opened.scope, true)?);
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
        if layout::is_flow(text, root) || layout::is_flow(text, block) || layout::is_flow(text, entries) {
            return None;
        }
        let listed = layout::children(text, entries, key.span.end);
        let (first, last) = (listed.first()?, listed.last()?);
        if first.inline {
            return None;
        }
        let (start, end, dash) = (first.lines.start, last.lines.end, first.column);
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
    let recipient = crate::text::write::string(&wrapped.recipient, false);
    out.push_str(&format!("{:body$}recipient: {}\n", "", recipient.as_str()));
    out
}
