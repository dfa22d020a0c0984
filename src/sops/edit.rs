//! Changing a SOPS file: one value, or everything at once, with as little change as possible. The data key, the wrapped
//! keys and every ciphertext whose value stays are kept byte for byte.

use serde_json::Value;

use super::decrypt::MacCheck;
use super::document::{Documents, SOPS_KEY, is_flow};
use super::encrypt::stamp;
use super::error::SopsError;
use super::key::Identities;
use super::keypath::KeyPath;
use super::metadata::Metadata;
use super::opened::Opened;
use super::place::Place;
use super::plan::{Plan, assemble, confirm, overlap, plan, seal_as};
use super::selector::Scope;
use super::splice::{Edit, apply};
use super::text;
use super::typing::Typed;
use super::update::{Pool, comment_edits, stamped_block};
use super::value::{DataKey, Plain};
use super::walk::walk;
use crate::sys::{Entropy, SecretText};
use crate::yaml::{Kind, Node, double_quoted};

/// A value to be put into a file. Silent in `Debug`.
#[derive(Clone)]
pub enum NewValue {
    /// A text.
    Text(SecretText),
    /// A number, truth value, null, mapping or list.
    Json(Value),
}

impl std::fmt::Debug for NewValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewValue(…)")
    }
}

impl NewValue {
    /// Reads what a person typed, as `sops set` does: JSON where it is JSON, else the text as it is. A number that
    /// would not come back as it was written (`1e5`, `007`) stays text.
    pub fn parse(text: &str) -> Self {
        match serde_json::from_str::<Value>(text) {
            Ok(Value::String(text)) => Self::Text(SecretText::new(text)),
            Ok(Value::Number(number))
                if number.to_string() != text.trim() || !number.is_i64() && !number.is_f64() =>
            {
                Self::Text(SecretText::new(text.to_owned()))
            }
            Ok(value) => Self::Json(value),
            Err(_) => Self::Text(SecretText::new(text.to_owned())),
        }
    }

    fn as_json(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.expose().to_owned()),
            Self::Json(value) => value.clone(),
        }
    }
}

/// Puts a value at a path of a document (from 0); `None` when it is there already. What is missing on the way is made.
///
/// # Errors
/// Those of [`super::decrypt()`]; [`SopsError::NoSuchValue`] when the path leads through a value that is no mapping or
/// list; [`SopsError::Layout`] where the file is written in a way that cannot be edited.
pub fn set(
    existing: &str,
    document: usize,
    path: &KeyPath,
    value: &NewValue,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    let value = value.as_json();
    change(existing, identities, entropy, |opened| {
        let place = Place::new(opened.docs, document, path)?;
        if place.find().is_some_and(|node| holds(opened, node, &value)) {
            return Ok(None);
        }
        Ok(Some(place.set(&value)?))
    })
}

/// Takes a value out, with its key or list position.
///
/// # Errors
/// Those of [`set`]; [`SopsError::NoSuchValue`] when there is none.
pub fn unset(
    existing: &str,
    document: usize,
    path: &KeyPath,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    change(existing, identities, entropy, |opened| {
        Ok(Some(Place::new(opened.docs, document, path)?.unset()?))
    })
}

/// Opens a file, edits its ciphertext, encrypts what is new and sets the stamps.
fn change(
    existing: &str,
    identities: &Identities,
    entropy: &mut dyn Entropy,
    edits: impl FnOnce(&Opened<'_, '_>) -> Result<Option<Vec<Edit>>, SopsError>,
) -> Result<Option<String>, SopsError> {
    let docs = Documents::parse(existing)?;
    let metadata = Metadata::read(&docs)?;
    let scope = Scope::new(&metadata.selector)?;
    writable(&scope, &metadata)?;
    let opened = Opened::new(&docs, &scope, metadata, identities)?;
    opened.verify()?;
    let Some(edits) = edits(&opened)? else {
        return Ok(None);
    };
    let mixed = SecretText::new(apply(existing, &edits).ok_or_else(overlap)?);
    let sealed = seal_rest(mixed.expose(), &scope, &opened.key, entropy)?;
    let text = restamp(&sealed, &opened.key, entropy)?;
    check(&text, &opened.key)?;
    Ok((text != existing).then_some(text))
}

fn writable(scope: &Scope, metadata: &Metadata) -> Result<(), SopsError> {
    if scope.reads_comments() {
        return Err(SopsError::Unsupported {
            what: format!("writing with `{}`", metadata.selector.key()),
            span: None,
        });
    }
    Ok(())
}

/// Returns whether a node of an opened file already holds a value.
fn holds(opened: &Opened<'_, '_>, node: &Node, value: &Value) -> bool {
    match (&node.kind, value) {
        (Kind::Seq(items), Value::Array(values)) => {
            items.len() == values.len()
                && items
                    .iter()
                    .zip(values)
                    .all(|(item, value)| holds(opened, item, value))
        }
        (Kind::Map(entries), Value::Object(values)) => {
            entries.len() == values.len()
                && entries.iter().zip(values).all(|((key, node), (name, value))| {
                    key.as_str() == Some(name) && holds(opened, node, value)
                })
        }
        (Kind::Scalar { .. }, value) => {
            let leaf = opened
                .walk
                .leaves
                .iter()
                .position(|leaf| std::ptr::eq(leaf.node, node) && !leaf.by_alias);
            let Some(at) = leaf else { return false };
            match (&opened.plains[at], value) {
                (None, Value::Null) => opened.walk.leaves[at].typed == Typed::Null,
                (Some(plain), value) => *plain == plain_of(value, &opened.walk.leaves[at].keys),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Returns a JSON scalar as SOPS would hold it below these keys.
fn plain_of(value: &Value, keys: &[String]) -> Plain {
    use super::value::ValueType;
    let text_only = keys
        .first()
        .is_some_and(|key| super::plan::TEXT_ONLY.contains(&key.as_str()));
    match value {
        Value::String(text) => Plain::new(ValueType::Str, text.as_str()),
        other if text_only => Plain::new(ValueType::Str, other.to_string()),
        other => match super::typing::plain(&other.to_string()) {
            Typed::Value(plain) => plain,
            _ => Plain::new(ValueType::Str, other.to_string()),
        },
    }
}

/// Encrypts the values in scope that stand in plain text.
fn seal_rest(
    text: &str,
    scope: &Scope,
    key: &DataKey,
    entropy: &mut dyn Entropy,
) -> Result<String, SopsError> {
    let docs = Documents::parse(text)?;
    let walk = walk(&docs, scope, true)?;
    if let Some(odd) = walk.odd_keys.first() {
        return Err(SopsError::NonTextKey {
            path: odd.path.clone(),
            span: odd.span.clone(),
        });
    }
    let mut tokens = Vec::with_capacity(walk.leaves.len());
    for leaf in &walk.leaves {
        let sealed = key_opens(leaf.text(), &leaf.aad(), key);
        tokens.push(if leaf.in_scope && !sealed {
            seal_as(leaf)?.map(|plain| key.seal(&plain, &leaf.aad(), entropy))
        } else {
            None
        });
    }
    let sealed = vec![None; tokens.len()];
    let plan = Plan {
        docs: &docs,
        walk,
        sealed,
        mac: String::new(),
    };
    apply(text, &plan.edits(&tokens)?).ok_or_else(overlap)
}

/// Returns whether a text is a value that this key encrypted at this place. A secret may look like one.
fn key_opens(text: &str, aad: &str, key: &DataKey) -> bool {
    super::value::Encrypted::parse(text).is_some_and(|value| key.open(&value, aad).is_some())
}

/// Sets time and MAC in every `sops` block. Values may have changed, the layout of the blocks stays.
pub(super) fn restamp(text: &str, key: &DataKey, entropy: &mut dyn Entropy) -> Result<String, SopsError> {
    let docs = Documents::parse(text)?;
    let metadata = Metadata::read(&docs)?;
    let scope = Scope::new(&metadata.selector)?;
    let opened = Opened::with_key(&docs, &scope, metadata, key.clone())?;
    let mac = opened.mac()?;
    let mut stamped = opened.metadata.clone();
    stamp(&mut stamped, &mac, key, entropy);
    let mut edits = Vec::new();
    for (_, root) in docs.roots() {
        let Some(block) = root.get(SOPS_KEY) else { continue };
        let values = [
            ("lastmodified", stamped.lastmodified.as_str()),
            ("mac", stamped.mac.as_deref().unwrap_or_default()),
        ];
        for (name, value) in values {
            let Some((_, node)) = block.entry(name) else {
                continue;
            };
            let quoted = name == "lastmodified" || is_flow(text, block) || is_flow(text, root);
            let value = if quoted {
                double_quoted(value)
            } else {
                text::string(value, false)
            };
            edits.push(Edit::new(node.span.clone(), value.as_str()));
        }
    }
    apply(text, &edits).ok_or_else(overlap)
}

/// Reads a text that is about to be handed out once more.
pub(super) fn check(text: &str, key: &DataKey) -> Result<(), SopsError> {
    let read = || -> Result<(), SopsError> {
        let docs = Documents::parse(text)?;
        let metadata = Metadata::read(&docs)?;
        let scope = Scope::new(&metadata.selector)?;
        Opened::with_key(&docs, &scope, metadata, key.clone())?.verify()?;
        Ok(())
    };
    read().map_err(|_| overlap())
}

/// Brings a file to a new plaintext under its own rule: recipients, selector and data key stay. `None` when the new
/// text is what decrypting the file gives.
///
/// # Errors
/// Those of [`super::decrypt()`] for `existing`, those of [`super::encrypt()`] for `new_plain`.
pub fn replace(
    existing: &str,
    new_plain: &str,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    if super::decrypt(existing, identities, MacCheck::Verify)?.expose() == new_plain {
        return Ok(None);
    }
    let old_docs = Documents::parse(existing)?;
    let metadata = Metadata::read(&old_docs)?;
    let scope = Scope::new(&metadata.selector)?;
    writable(&scope, &metadata)?;
    let old = Opened::new(&old_docs, &scope, metadata, identities)?;
    let docs = Documents::parse(new_plain)?;
    let plan = plan(&docs, &scope, old.metadata.mac_only_encrypted)?;
    let mut tokens = Pool::new(Some(&old)).kept(&plan);
    for ((token, plain), leaf) in tokens.iter_mut().zip(&plan.sealed).zip(&plan.walk.leaves) {
        if let (None, Some(plain)) = (&token, plain) {
            *token = Some(old.key.seal(plain, &leaf.aad(), entropy));
        }
    }
    let mut edits = plan.edits(&tokens)?;
    edits.extend(comment_edits(&old, &plan, &scope, &old.key, false, entropy));
    let mut new = old.metadata.clone();
    if old.mac()? != plan.mac {
        stamp(&mut new, &plan.mac, &old.key, entropy);
    }
    let verbatim = stamped_block(&old_docs, &old.metadata, &new);
    if let (None, Some(kind)) = (&verbatim, old.metadata.foreign_keys()) {
        return Err(SopsError::Unsupported {
            what: format!("writing a new `sops` block with `{kind}`"),
            span: None,
        });
    }
    let indent = block_indent(&old_docs).unwrap_or(4);
    let block = |column: usize| match &verbatim {
        Some(text) if column == 0 => text.clone(),
        _ => new.block(indent, column),
    };
    let text = assemble(&docs, edits, &new, &block)?;
    confirm(&text, &old.key, &plan)?;
    Ok((text != existing).then_some(text))
}

/// Returns by how many columns the `sops` block is indented.
pub(super) fn block_indent(docs: &Documents<'_>) -> Option<usize> {
    let (_, root) = docs.roots().next()?;
    let (key, block) = root.entry(SOPS_KEY)?;
    let (first, _) = block.entries().first()?;
    let by = docs
        .column(first.span.start)
        .checked_sub(docs.column(key.span.start))?;
    (!is_flow(docs.text, block) && (2..=9).contains(&by)).then_some(by)
}

/// Returns a value of a file as text: a scalar as it is, anything else as YAML.
///
/// # Errors
/// Those of [`super::decrypt()`]; [`SopsError::NoSuchValue`] when there is none.
pub fn extract(
    existing: &str,
    document: usize,
    path: &KeyPath,
    identities: &Identities,
    check: MacCheck,
) -> Result<SecretText, SopsError> {
    let plain = super::decrypt(existing, identities, check)?;
    let docs = Documents::parse(plain.expose())?;
    let missing = || SopsError::NoSuchValue {
        path: path.to_string(),
    };
    let node = Place::new(&docs, document, path)?.find().ok_or_else(missing)?;
    Ok(SecretText::new(match &node.kind {
        Kind::Scalar { value, .. } => value.clone(),
        _ => crate::yaml::to_string(&node.to_json()),
    }))
}
