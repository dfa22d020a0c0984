//! Encrypting again with as little change as possible: what did not change keeps its bytes.

use std::collections::HashMap;

use crate::entropy::Entropy;
use crate::error::{SopsError, overlap};
use crate::file::File;
use crate::format::Format;
use crate::keys::identities::Identities;
use crate::ops::binary;
use crate::ops::encrypt::{metadata, stamp};
use crate::ops::key_change::KeyChange;
use crate::ops::opened::Opened;
use crate::ops::plan::{Sealable, confirm, plan};
use crate::rules::rule::EncryptionRule;
use crate::rules::selector::Scope;
use crate::text::assemble::{Block, assemble, body_of, quoting_edits, stamped_block};
use crate::text::document::Documents;
use crate::text::metadata::Metadata;
use crate::text::value::{DataKey, Encrypted, Plain, ValueType, token};
use crate::text::walk::{Walk, aad};
use yaml::{Edit, apply, line};

/// What an update came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Updated {
    /// Nothing differs: the existing bytes stand, `lastmodified` and `mac` included.
    Unchanged,
    /// The new text of the file.
    Changed {
        /// The text.
        text: String,
        /// Number of values that were encrypted anew.
        encrypted: usize,
        /// Number of values whose ciphertext was kept.
        kept: usize,
        /// Whether a recipient went, so that the data key is new.
        rotated: bool,
    },
}

/// Brings an existing file to a new plaintext.
///
/// Layout and plain values come from `new_plain`. The data key, the wrapped keys and every value whose plaintext and
/// type are the same at its path (for lists: at its position, else anywhere below the same keys) come byte for byte
/// from `existing`. `lastmodified` and `mac` change only when a value changed. A new recipient gets the data key
/// wrapped, the others keep theirs. When a recipient goes, the data key and all values are new. Comments that were
/// encrypted stay encrypted.
///
/// # Errors
/// For `existing`: when it is no SOPS file, no identity opens it, it was tampered with or its MAC does not agree, or
/// when it has keys of other kinds, which would be lost. For `new_plain`: the errors of [`crate::encrypt()`].
pub fn update(
    existing: &str,
    new_plain: &str,
    rule: &EncryptionRule,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Updated, SopsError> {
    File::read(Format::Yaml, existing)?.update(new_plain.as_bytes(), rule, identities, entropy)
}

impl File<'_> {
    /// Brings the file to a new plaintext and a rule, keeping what did not change; see [`update`].
    ///
    /// # Errors
    /// Those of [`update`].
    pub fn update(
        &self,
        new_plain: &[u8],
        rule: &EncryptionRule,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Updated, SopsError> {
        match self.format() {
            Format::Binary => binary::update(self, new_plain, rule, identities, entropy),
            format => updated(self, format.text(new_plain)?, rule, identities, entropy),
        }
    }
}

/// Updates a file of any format but binary.
fn updated(
    file: &File<'_>,
    new_plain: &str,
    rule: &EncryptionRule,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Updated, SopsError> {
    let (format, old_docs, old_metadata) = (file.format(), &file.docs, &file.metadata);
    let scope = rule.writable(format)?;
    old_metadata.age_alone("updating a file")?;
    let people = KeyChange::between(old_metadata, rule);
    let rotated = people.rotates();
    let old = Opened::new(file, identities)?;
    let old_mac = old.verify()?;

    let docs = Documents::read(new_plain, format)?;
    let plan = plan(&docs, &scope, rule.mac_only_encrypted)?;
    let key = if rotated {
        DataKey::generate(entropy)
    } else {
        old.key.clone()
    };

    let mut pool = Pool::new(if rotated { None } else { Some(&old) });
    let mut tokens = pool.kept(&plan);
    let kept = tokens.iter().flatten().count();
    let mut encrypted = 0;
    for ((token, plain), leaf) in tokens.iter_mut().zip(&plan.sealed).zip(&plan.walk.leaves) {
        if let (None, Some(plain)) = (&token, plain) {
            *token = Some(key.seal(plain, &leaf.aad(), entropy));
            encrypted += 1;
        }
    }
    let mut edits = plan.edits(&tokens)?;
    edits.extend(comment_edits(&old, &plan, &scope, &key, rotated, entropy));

    let entries: Vec<&str> = old_docs
        .sops_entries()
        .into_iter()
        .map(|range| &old_docs.text[range])
        .collect();
    let one_block = format != Format::Yaml
        || entries.len() == old_docs.roots().count() && entries.windows(2).all(|pair| pair[0] == pair[1]);
    let same_rule =
        old.metadata.selector == rule.selector && old.metadata.mac_only_encrypted == rule.mac_only_encrypted;
    // A block that SOPS refuses is written anew.
    let keeps_block = one_block && same_rule && people.is_empty();
    let same_block = keeps_block && quoting_edits(old_docs).is_empty();
    let same_values = encrypted == 0 && !rotated && old_mac == plan.mac && same_rule;
    if same_block && same_values {
        let body = apply(new_plain, &edits).ok_or_else(overlap)?;
        let old_body = body_of(old_docs)?;
        // Releases before 3.9 write JSON without a line break at its end.
        if body == old_body || body.strip_suffix('\n') == Some(&old_body) {
            return Ok(Updated::Unchanged);
        }
    }

    let mut new = Metadata {
        age: old.metadata.age.clone(),
        groups: old.metadata.groups.clone(),
        ..metadata(rule, &old.metadata.version)
    };
    people.wrap(&mut new, rule, &key, identities, entropy)?;
    if same_values {
        new.lastmodified.clone_from(&old.metadata.lastmodified);
        new.mac.clone_from(&old.metadata.mac);
    } else {
        stamp(&mut new, &plan.mac, &key, entropy);
    }
    let block = Block {
        metadata: &new,
        verbatim: keeps_block.then(|| stamped_block(old_docs, &new)).flatten(),
        indent: rule.indent,
    };
    let text = assemble(&docs, edits, &block)?;
    confirm(&text, &key, &plan)?;
    Ok(Updated::Changed {
        text,
        encrypted,
        kept,
        rotated,
    })
}

/// Ciphertexts of the existing file, each to be used once.
pub(crate) struct Pool<'o> {
    format: Format,
    values: Vec<Option<(&'o Plain, &'o str)>>,
    by_place: HashMap<(usize, &'o str), usize>,
    by_aad: HashMap<String, Vec<usize>>,
}

impl<'o> Pool<'o> {
    pub(crate) fn new(old: Option<&'o Opened<'_, '_>>) -> Self {
        let mut pool = Self {
            format: old.map_or(Format::Yaml, |old| old.docs.format),
            values: Vec::new(),
            by_place: HashMap::new(),
            by_aad: HashMap::new(),
        };
        for (leaf, plain) in old.iter().flat_map(|old| old.walk.leaves.iter().zip(&old.plains)) {
            let (true, false, Some(plain)) = (leaf.in_scope, leaf.comment_item, plain) else {
                continue;
            };
            if let Some(token) = token(leaf.text()) {
                pool.by_place.insert(leaf.place(), pool.values.len());
                pool.by_aad.entry(leaf.aad()).or_default().push(pool.values.len());
                pool.values.push(Some((plain, token)));
            }
        }
        pool
    }

    /// Takes a ciphertext if it stands for this value. SOPS before 3.13.2 makes floats of all numbers in JSON.
    fn take(&mut self, at: usize, plain: &Plain) -> Option<String> {
        let slot = self.values.get_mut(at)?;
        let number = |plain: &Plain| matches!(plain.kind, ValueType::Int | ValueType::Float);
        let alike = |old: &Plain| {
            self.format == Format::Json && number(old) && number(plain) && old.bytes == plain.bytes
        };
        if slot.is_some_and(|(old, _)| old == plain || alike(old)) {
            return slot.take().map(|(_, token)| token.to_owned());
        }
        None
    }

    /// Returns the ciphertexts that a plan can keep: first those at the same place, then any below the same keys,
    /// because the list position is not authenticated.
    pub(crate) fn kept(&mut self, plan: &Sealable<'_, '_>) -> Vec<Option<String>> {
        let mut tokens: Vec<Option<String>> = Vec::with_capacity(plan.sealed.len());
        for (leaf, plain) in plan.walk.leaves.iter().zip(&plan.sealed) {
            let at = self.by_place.get(&leaf.place()).copied();
            tokens.push(
                plain
                    .as_ref()
                    .zip(at)
                    .and_then(|(plain, at)| self.take(at, plain)),
            );
        }
        for ((leaf, plain), token) in plan.walk.leaves.iter().zip(&plan.sealed).zip(&mut tokens) {
            if let (Some(plain), None) = (plain, &token) {
                let candidates = self.by_aad.get(&leaf.aad()).cloned().unwrap_or_default();
                *token = candidates.into_iter().find_map(|at| self.take(at, plain));
            }
        }
        tokens
    }
}

/// Encrypts comments in scope, if the existing file has encrypted comments: what was hidden must not show up.
pub(crate) fn comment_edits(
    old: &Opened<'_, '_>,
    plan: &Sealable<'_, '_>,
    scope: &Scope,
    key: &DataKey,
    rotated: bool,
    entropy: &mut dyn Entropy,
) -> Vec<Edit> {
    let mut hidden: Vec<(&Plain, String)> = Vec::new();
    for comment in &old.comments {
        hidden.push((&comment.plain, old.docs.text[comment.span.clone()].to_owned()));
    }
    for (leaf, plain) in old.walk.leaves.iter().zip(&old.plains) {
        if let (true, Some(plain), Some(token)) = (leaf.comment_item, plain, token(leaf.text())) {
            hidden.push((plain, token.to_owned()));
        }
    }
    let mut edits = Vec::new();
    if hidden.is_empty() {
        return edits;
    }
    for comment in &plan.docs.comments {
        let range = comment.start + 1..comment.end;
        let text = &plan.docs.text[range.clone()];
        // What decides must stay readable.
        if scope.is_marker(text) {
            continue;
        }
        let comment_text = Plain::new(ValueType::Comment, text);
        let known = hidden.iter().position(|(old, _)| **old == comment_text);
        let keys = holder(&plan.walk, plan.docs, comment.start);
        let token = match known {
            Some(at) if !rotated => hidden.remove(at).1,
            None if scope.reads_comments() || !scope.holds(&keys, &[]) || comment_text.is_empty() => continue,
            _ if Encrypted::parse(&plan.docs.text[range.clone()]).is_some() => continue,
            _ => key.seal(&comment_text, &aad(&keys), entropy),
        };
        edits.push(Edit::new(range, token));
    }
    edits
}

/// Returns the keys of the mapping or list that holds a comment.
fn holder(walk: &Walk<'_>, docs: &Documents<'_>, offset: usize) -> Vec<String> {
    let doc = docs
        .all
        .iter()
        .position(|doc| doc.span.contains(&offset))
        .unwrap_or_default();
    let own_line = line::is_first(docs.text, offset);
    let containers = || walk.containers.iter().filter(|container| container.doc == doc);
    let column = docs.column(offset);
    let found = if own_line {
        let next = containers()
            .flat_map(|container| container.entries.iter().map(move |at| (*at, container)))
            .filter(|(at, container)| *at > offset && container.column <= column + 2)
            .min_by_key(|(at, _)| *at)
            .filter(|(at, _)| docs.column(*at) + 2 >= column);
        let before = || containers().rfind(|container| container.column == column && container.end <= offset);
        next.map(|(_, container)| container).or_else(before)
    } else {
        containers()
            .flat_map(|container| container.entries.iter().map(move |at| (*at, container)))
            .filter(|(at, container)| *at <= offset && container.is_map)
            .max_by_key(|(at, _)| *at)
            .map(|(_, container)| container)
    };
    found.map(|container| container.keys.clone()).unwrap_or_default()
}
