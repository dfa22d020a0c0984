//! What encrypting a plaintext will do: which values, as which bytes, at which places.

use std::collections::{HashMap, HashSet};

use yaml::layout::Gap;
use yaml::layout::block_text::{self, is_block_text};
use yaml::{Edit, Kind, Node, line};

use crate::error::{SopsError, overlap};
use crate::format::Format;
use crate::ops::mac::Mac;
use crate::ops::opened::Opened;
use crate::rules::selector::Scope;
use crate::text::SOPS_KEY;
use crate::text::document::Documents;
use crate::text::markers;
use crate::text::metadata::Metadata;
use crate::text::typing::Typed;
use crate::text::value::{DataKey, Plain, ValueType};
use crate::text::walk::{AliasUse, Leaf, Walk, walk};
use crate::text::write;

/// Kubernetes takes nothing but text below these keys.
pub(crate) const TEXT_ONLY: [&str; 2] = ["data", "stringData"];

/// A plaintext that can be encrypted.
pub(crate) struct Sealable<'d, 't> {
    pub(crate) docs: &'d Documents<'t>,
    pub(crate) walk: Walk<'d>,
    /// For each leaf the value to encrypt.
    pub(crate) sealed: Vec<Option<Plain>>,
    /// The MAC in plain text.
    pub(crate) mac: String,
}

/// Decides what to encrypt.
pub(crate) fn plan<'d, 't>(
    docs: &'d Documents<'t>,
    scope: &Scope,
    mac_only_encrypted: bool,
) -> Result<Sealable<'d, 't>, SopsError> {
    for (_, root) in docs.roots() {
        if let Some((key, _)) = root.entry(SOPS_KEY) {
            return Err(SopsError::AlreadyEncrypted {
                span: key.span.clone(),
            });
        }
    }
    let walk = walk(docs, scope, false)?;
    markers::check(docs, &walk, scope)?;
    if let Some(key) = walk.odd_keys.first() {
        return Err(SopsError::NonTextKey {
            path: key.path.clone(),
            span: key.span.clone(),
        });
    }
    if let Some(key) = walk.text_merges.first() {
        return Err(SopsError::TextMerge {
            path: key.path.clone(),
            span: key.span.clone(),
        });
    }
    if !walk.leaves.iter().any(|leaf| leaf.in_scope) {
        return Err(SopsError::SelectorMatchesNothing);
    }
    let mut mac = Mac::new(mac_only_encrypted);
    let mut sealed = Vec::with_capacity(walk.leaves.len());
    for leaf in &walk.leaves {
        let value = if leaf.in_scope {
            to_seal(docs.format, leaf)?
        } else {
            None
        };
        match (&value, &leaf.typed) {
            (Some(plain), _) => mac.add(true, plain),
            (None, Typed::Value(plain)) => mac.add(leaf.in_scope, plain),
            (None, Typed::TooLarge) if mac.counts(leaf.in_scope) => {
                return Err(SopsError::IntegerTooLarge {
                    path: leaf.path.clone(),
                    span: leaf.span.clone(),
                });
            }
            (None, Typed::TooLarge | Typed::Null | Typed::BadTag) => {}
        }
        sealed.push(value);
    }
    for merge in &walk.merges {
        // SOPS takes `<<` for an ordinary key, Flux resolves it first: their paths would differ.
        if sealed[merge.leaves.clone()].iter().any(Option::is_some) {
            return Err(SopsError::MergeInScope {
                path: merge.path.clone(),
                span: merge.span.clone(),
            });
        }
    }
    let hidden: HashSet<usize> = walk
        .leaves
        .iter()
        .zip(&sealed)
        .filter(|(leaf, value)| value.is_some() && !leaf.by_alias)
        .map(|(leaf, _)| leaf.node.span.start)
        .collect();
    let shown = |leaf: &&Leaf<'_>| leaf.by_alias && !leaf.in_scope && hidden.contains(&leaf.node.span.start);
    if let Some(leaf) = walk.leaves.iter().find(shown) {
        return Err(SopsError::AliasLeavesScope {
            path: leaf.path.clone(),
            span: leaf.span.clone(),
        });
    }
    Ok(Sealable {
        docs,
        walk,
        sealed,
        mac: mac.finish(),
    })
}

/// Returns what is encrypted for a leaf in scope: nothing for null and empty text.
pub(crate) fn to_seal(format: Format, leaf: &Leaf<'_>) -> Result<Option<Plain>, SopsError> {
    match (format, &leaf.typed) {
        (Format::Yaml, _) => from_yaml(leaf),
        // The others say themselves what is text.
        (_, Typed::Value(plain)) if !plain.is_empty() => Ok(Some(plain.clone())),
        _ => Ok(None),
    }
}

fn from_yaml(leaf: &Leaf<'_>) -> Result<Option<Plain>, SopsError> {
    let text_only = leaf
        .keys
        .first()
        .is_some_and(|key| TEXT_ONLY.contains(&key.as_str()));
    let as_text = || Ok(Some(Plain::new(ValueType::Str, leaf.text())));
    let (path, span) = (leaf.path.clone(), leaf.span.clone());
    let known = [
        "!!str",
        "!!int",
        "!!float",
        "!!bool",
        "!!null",
        "!!timestamp",
        "!",
    ];
    if leaf.node.tag.as_deref().is_some_and(|tag| !known.contains(&tag)) {
        return Err(SopsError::UnsupportedTag { path, span });
    }
    match &leaf.typed {
        Typed::Null => Ok(None),
        Typed::Value(plain) if plain.is_empty() => Ok(None),
        Typed::BadTag => Err(SopsError::UnsupportedTag { path, span }),
        Typed::Value(_) | Typed::TooLarge if text_only => as_text(),
        Typed::TooLarge => Err(SopsError::IntegerTooLarge { path, span }),
        // A date would come back with a time; as text it comes back as it is.
        Typed::Value(plain) if plain.kind == ValueType::Time && plain.text() != Some(leaf.text()) => {
            as_text()
        }
        Typed::Value(plain) => Ok(Some(plain.clone())),
    }
}

impl<'d, 't> Sealable<'d, 't> {
    /// Plans nothing but to put tokens into a text.
    pub(crate) fn of_tokens(docs: &'d Documents<'t>, walk: Walk<'d>) -> Self {
        Self {
            docs,
            sealed: vec![None; walk.leaves.len()],
            walk,
            mac: String::new(),
        }
    }

    /// Returns the edits that put `tokens` (one per leaf that is encrypted) in the place of the values.
    pub(crate) fn edits(&self, tokens: &[Option<String>]) -> Result<Vec<Edit>, SopsError> {
        let mut edits = Vec::new();
        for (leaf, token) in self.walk.leaves.iter().zip(tokens) {
            if let (Some(token), false) = (token, leaf.by_alias) {
                self.leaf_edits(leaf, token, &mut edits)?;
            }
            // The one spelling of the number that every release reads alike, and that SOPS itself writes.
            if token.is_none() && self.docs.format == Format::Json && leaf.is_negative_zero() {
                edits.push(Edit::new(leaf.node.span.clone(), "0"));
            }
        }
        for alias in &self.walk.aliases {
            if tokens[alias.leaves.clone()].iter().any(Option::is_some) {
                edits.push(Edit::new(alias.span.clone(), self.expand(alias, tokens)));
            }
        }
        self.close_last_line(tokens, &mut edits);
        Ok(edits)
    }

    fn leaf_edits(&self, leaf: &Leaf<'_>, token: &str, edits: &mut Vec<Edit>) -> Result<(), SopsError> {
        let text = self.docs.text;
        let gap = Gap::scan(text, leaf.gap..leaf.node.span.start);
        if gap.tag.clone().is_some_and(|tag| &text[tag] != "!!str") {
            edits.extend(gap.tag_and_blanks(text).map(Edit::cut));
        }
        if !is_block_text(leaf.node) {
            let token = if leaf.in_flow {
                format!("\"{token}\"")
            } else {
                token.to_owned()
            };
            edits.push(Edit::new(leaf.node.span.clone(), token));
            return Ok(());
        }
        let header = gap.header.ok_or_else(|| SopsError::Layout {
            path: leaf.path.clone(),
            span: leaf.span.clone(),
        })?;
        edits.push(Edit::new(header.clone(), token));
        let from = line::end(text, header.end);
        let to = line::end(text, block_text::end(text, leaf.node, leaf.gap));
        if to > from {
            edits.push(Edit::cut(from..to));
        }
        Ok(())
    }

    /// Writes out what an alias stands for, in brackets.
    fn expand(&self, alias: &AliasUse<'_>, tokens: &[Option<String>]) -> String {
        let mut anchors = HashMap::new();
        for (doc, root) in self.docs.roots() {
            if self.docs.all[doc].span.contains(&alias.span.start) {
                collect(root, &mut anchors);
            }
        }
        if let (Kind::Scalar { .. }, Some(token)) = (&alias.target.kind, &tokens[alias.leaves.start]) {
            return if alias.in_flow {
                format!("\"{token}\"")
            } else {
                token.clone()
            };
        }
        let mut next = alias.leaves.start;
        let mut out = String::new();
        self.flow(alias.target, &anchors, tokens, &mut next, &mut out);
        out
    }

    fn flow(
        &self,
        node: &Node,
        anchors: &HashMap<usize, &Node>,
        tokens: &[Option<String>],
        next: &mut usize,
        out: &mut String,
    ) {
        match &node.kind {
            Kind::Scalar { .. } => {
                match (&tokens[*next], &self.walk.leaves[*next].typed) {
                    (Some(token), _) => out.extend(["\"", token.as_str(), "\""]),
                    (None, Typed::Value(plain)) => out.push_str(&write::inline(plain, true)),
                    (None, Typed::TooLarge) => out.push_str(self.walk.leaves[*next].text()),
                    (None, Typed::Null | Typed::BadTag) => out.push_str("null"),
                }
                *next += 1;
            }
            Kind::Seq(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    self.flow(item, anchors, tokens, next, out);
                }
                out.push(']');
            }
            Kind::Map(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    out.push_str(&yaml::double_quoted(key.as_str().unwrap_or_default()));
                    out.push_str(": ");
                    self.flow(value, anchors, tokens, next, out);
                }
                out.push('}');
            }
            Kind::Alias(id) => {
                if let Some(target) = anchors.get(id) {
                    self.flow(target, anchors, tokens, next, out);
                }
            }
        }
    }

    /// Ends the text with a line break, without changing what a block text at its end means.
    fn close_last_line(&self, tokens: &[Option<String>], edits: &mut Vec<Edit>) {
        let text = self.docs.text;
        if text.ends_with('\n') || self.docs.all.last().is_none_or(|doc| doc.root.is_none()) {
            return;
        }
        if let (Some(leaf), Some(None)) = (self.walk.leaves.last(), tokens.last())
            && is_block_text(leaf.node)
            && !leaf.by_alias
            && leaf.node.span.end >= text.len()
            && let Some(header) = block_text::header(text, leaf.node, leaf.gap)
        {
            edits.extend(block_text::without_last_line_break(text, &header));
        }
        edits.push(Edit::new(text.len()..text.len(), "\n"));
    }
}

/// Reads a text that is about to be handed out once more: what it holds must be what was planned. Layouts that the
/// edits do not know end here and not in a broken file.
pub(crate) fn confirm(text: &str, key: &DataKey, plan: &Sealable<'_, '_>) -> Result<(), SopsError> {
    let read = || -> Result<bool, SopsError> {
        let docs = Documents::read(text, plan.docs.format)?;
        let opened = Opened::with_key(&docs, Metadata::read(&docs)?, key.clone())?;
        let places = |walk: &Walk<'_>| -> Vec<(usize, String)> {
            walk.leaves
                .iter()
                .map(|leaf| (leaf.doc, leaf.path.clone()))
                .collect()
        };
        Ok(opened.verify()? == plan.mac
            && places(&opened.walk) == places(&plan.walk)
            && docs.roots().all(|(_, root)| root.get(SOPS_KEY).is_some()))
    };
    match read() {
        Ok(true) => Ok(()),
        _ => Err(overlap()),
    }
}

fn collect<'n>(node: &'n Node, anchors: &mut HashMap<usize, &'n Node>) {
    if node.anchor != 0 {
        anchors.insert(node.anchor, node);
    }
    node.items().iter().for_each(|item| collect(item, anchors));
    node.entries()
        .iter()
        .for_each(|(_, value)| collect(value, anchors));
}
