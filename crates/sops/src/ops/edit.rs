//! Changing a SOPS file: one value, or everything at once, with as little change as possible. The data key, the wrapped
//! keys and every ciphertext whose value stays are kept byte for byte.

use std::ops::Range;

use serde_json::Value;
use yaml::{Edit, Kind, Node, apply, layout};
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::error::{SopsError, overlap};
use crate::file::File;
use crate::format::Format;
use crate::keys::identities::Identities;
use crate::ops::binary;
use crate::ops::decrypt::plaintext;
use crate::ops::encrypt::stamp;
use crate::ops::opened::{MacCheck, Opened};
use crate::ops::plan::{Sealable, TEXT_ONLY, confirm, plan, to_seal};
use crate::ops::update::{Pool, comment_edits};
use crate::secret::SecretText;
use crate::text::SOPS_KEY;
use crate::text::assemble::{Block, assemble, stamp_edits, stamped_block};
use crate::text::document::Documents;
use crate::text::keypath::At;
use crate::text::line_place;
use crate::text::markers;
use crate::text::metadata::Metadata;
use crate::text::place::Place;
use crate::text::typing::{self, Typed};
use crate::text::value::{DataKey, Encrypted, Plain, ValueType};
use crate::text::walk::walk;

/// A value to be put into a file. Silent in `Debug`.
#[derive(Clone)]
pub enum NewValue {
    /// A text.
    Text(SecretText),
    /// A number, truth value, null, mapping or list.
    Json(Value),
    /// Bytes, for a binary file.
    Bytes(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for NewValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewValue(…)")
    }
}

impl NewValue {
    /// Reads what a person typed for a file of a format, as `sops set` does: JSON where it is JSON, else the text as it
    /// is. A number that would not come back as it was written (`1e5`, `007`) stays text. Formats that hold nothing but
    /// text get text; only a JSON string loses its quotes.
    pub fn parse(text: &str, format: Format) -> Self {
        let typed = matches!(format, Format::Yaml | Format::Json);
        match serde_json::from_str::<Value>(text) {
            Ok(Value::String(text)) => Self::Text(SecretText::new(text)),
            Ok(Value::Number(number))
                if number.to_string() != text.trim() || !number.is_i64() && !number.is_f64() =>
            {
                Self::Text(SecretText::new(text.to_owned()))
            }
            Ok(value) if typed => Self::Json(value),
            _ => Self::Text(SecretText::new(text.to_owned())),
        }
    }

    fn json(&self) -> Option<Value> {
        Some(match self {
            Self::Text(text) => Value::String(text.expose().to_owned()),
            Self::Json(value) => value.clone(),
            Self::Bytes(bytes) => Value::String(std::str::from_utf8(bytes).ok()?.to_owned()),
        })
    }

    fn bytes(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Text(text) => Zeroizing::new(text.expose().as_bytes().to_vec()),
            Self::Json(value) => Zeroizing::new(value.to_string().into_bytes()),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

impl File<'_> {
    /// Returns the text with a value put at a place; `None` when it is there already. What is missing on the way is
    /// made. A binary file has one value, `data`.
    ///
    /// # Errors
    /// Those of [`File::decrypt`]; [`SopsError::NoSuchValue`] when the path leads through a value that is no mapping or
    /// list; [`SopsError::Layout`] where the file is written in a way that cannot be edited; [`SopsError::Unholdable`]
    /// for a value that the format cannot hold.
    pub fn set(
        &self,
        at: At<'_>,
        value: &NewValue,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        if self.format() == Format::Binary {
            binary::only_value(at.path)?;
            return replace_bytes(self, &value.bytes(), identities, entropy);
        }
        set(self, at, value, identities, entropy)
    }

    /// Returns the text without the value at a place, its key or list position included.
    ///
    /// # Errors
    /// Those of [`File::set`]; [`SopsError::NoSuchValue`] when there is none.
    pub fn unset(
        &self,
        at: At<'_>,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        if self.format() == Format::Binary {
            binary::only_value(at.path)?;
            return Err(SopsError::Unholdable {
                path: at.path.to_string(),
                why: "a binary file is its one value",
            });
        }
        let edits = |opened: &Opened<'_, '_>| edits_at(opened.docs, at, None).map(Some);
        change(self, identities, entropy, &edits, &without(at))
    }

    /// Brings the file to a new plaintext under its own rule: recipients, selector and data key stay. `None` when the
    /// new plaintext is what decrypting the file gives.
    ///
    /// # Errors
    /// Those of [`File::decrypt`], and those of [`Format::encrypt`] for `plain`.
    pub fn replace(
        &self,
        plain: &[u8],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        match self.format() {
            Format::Binary => replace_bytes(self, plain, identities, entropy),
            format => replace(self, format.text(plain)?, identities, entropy),
        }
    }

    /// Returns a value of the file: a scalar as it is, anything else as JSON in JSON files and as YAML in the others.
    ///
    /// # Errors
    /// Those of [`File::decrypt`]; [`SopsError::NoSuchValue`] when there is none.
    pub fn extract(
        &self,
        at: At<'_>,
        identities: &Identities,
        check: MacCheck,
    ) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        if self.format() == Format::Binary {
            binary::only_value(at.path)?;
            return self.decrypt(identities, check);
        }
        extract(&Opened::checked(self, identities, check)?, at)
    }
}

fn set(
    file: &File<'_>,
    at: At<'_>,
    value: &NewValue,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    let value = value.json().ok_or_else(|| SopsError::Unholdable {
        path: at.path.to_string(),
        why: "it is not text",
    })?;
    let there = |opened: &Opened<'_, '_>| -> Result<bool, SopsError> {
        let place = Place::new(opened.docs, at)?;
        Ok(place.find().is_some_and(|node| holds(opened, node, &value)))
    };
    let edits = |opened: &Opened<'_, '_>| {
        if there(opened)? {
            return Ok(None);
        }
        edits_at(opened.docs, at, Some(&value)).map(Some)
    };
    let keys = at.path.keys();
    let proof = |new: &Opened<'_, '_>, old: &Opened<'_, '_>| {
        // A null on the way became a mapping.
        let stays = |(_, above, plain): &Held<'_>| plain.is_some() || !keys.starts_with(above);
        let [mut new_others, mut old_others] = [others(new, Some(at))?, others(old, Some(at))?];
        new_others.retain(stays);
        old_others.retain(stays);
        Ok(there(new)? && new_others == old_others)
    };
    change(file, identities, entropy, &edits, &proof)
}

/// Proves that what stood at a place is gone, and nothing else.
fn without(at: At<'_>) -> impl Fn(&Opened<'_, '_>, &Opened<'_, '_>) -> Result<bool, SopsError> {
    move |new, old| Ok(others(new, None)? == others(old, Some(at))?)
}

/// Returns the edits that put a value at a path, or take the one there out.
pub(crate) fn edits_at(
    docs: &Documents<'_>,
    at: At<'_>,
    value: Option<&Value>,
) -> Result<Vec<Edit>, SopsError> {
    match (docs.format, value) {
        (Format::Dotenv | Format::Ini, Some(value)) => line_place::set(docs, at.path, value),
        (Format::Dotenv | Format::Ini, None) => line_place::unset(docs, at.path),
        (_, Some(value)) => Place::new(docs, at)?.set(value),
        (_, None) => Place::new(docs, at)?.unset(),
    }
}

type Edits<'f> = &'f dyn Fn(&Opened<'_, '_>) -> Result<Option<Vec<Edit>>, SopsError>;
type Proof<'f> = &'f dyn Fn(&Opened<'_, '_>) -> Result<bool, SopsError>;

/// Opens a file, edits its ciphertext, encrypts what is new and sets the stamps. The result must stand the proof.
fn change(
    file: &File<'_>,
    identities: &Identities,
    entropy: &mut dyn Entropy,
    edits: Edits<'_>,
    proof: &dyn Fn(&Opened<'_, '_>, &Opened<'_, '_>) -> Result<bool, SopsError>,
) -> Result<Option<String>, SopsError> {
    let (format, existing) = (file.format(), file.text());
    let opened = Opened::checked(file, identities, MacCheck::Verify)?;
    let Some(edits) = edits(&opened)? else {
        return Ok(None);
    };
    let mixed = SecretText::new(apply(existing, &edits).ok_or_else(overlap)?);
    let sealed = seal_rest(format, mixed.expose(), &opened, entropy).map_err(|error| match error {
        // The file was read before: the edit broke it.
        SopsError::Yaml { .. } | SopsError::Syntax { .. } => overlap(),
        SopsError::NonTextKey { .. } if opened.walk.odd_keys.is_empty() => overlap(),
        _ => error,
    })?;
    let text = restamp(format, &sealed, &opened.key, entropy)?;
    check(format, &text, &opened.key, &|new| proof(new, &opened))?;
    Ok((text != existing).then_some(text))
}

/// A value with its document and the keys above it; `None` for null.
pub(crate) type Held<'o> = (usize, &'o [String], Option<&'o Plain>);

/// Returns the values of a file that do not stand at a place: an edit changes none of them.
pub(crate) fn others<'o>(opened: &'o Opened<'_, '_>, at: Option<At<'_>>) -> Result<Vec<Held<'o>>, SopsError> {
    fn spans(node: &Node, out: &mut Vec<Range<usize>>) {
        out.push(node.span.clone());
        node.children().for_each(|child| spans(child, out));
    }
    let mut here = Vec::new();
    if let Some(at) = at
        && let Some(node) = Place::new(opened.docs, at)?.find()
    {
        spans(node, &mut here);
    }
    let leaves = opened.walk.leaves.iter().zip(&opened.plains);
    Ok(leaves
        .filter(|(leaf, _)| !leaf.comment_item && !here.contains(&leaf.span))
        .map(|(leaf, plain)| (leaf.doc, leaf.keys.as_slice(), plain.as_ref()))
        .collect())
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
                (Some(plain), value) => {
                    *plain == plain_of(opened.docs.format, value, &opened.walk.leaves[at].keys)
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Returns a JSON scalar as SOPS would hold it below these keys.
fn plain_of(format: Format, value: &Value, keys: &[String]) -> Plain {
    let text_only =
        format == Format::Yaml && keys.first().is_some_and(|key| TEXT_ONLY.contains(&key.as_str()));
    match value {
        Value::String(text) => Plain::new(ValueType::Str, text.as_str()),
        other if text_only => Plain::new(ValueType::Str, other.to_string()),
        other => match typing::plain(&other.to_string()) {
            Typed::Value(plain) => plain,
            _ => Plain::new(ValueType::Str, other.to_string()),
        },
    }
}

/// Encrypts the values in scope that stand in plain text.
pub(super) fn seal_rest(
    format: Format,
    text: &str,
    old: &Opened<'_, '_>,
    entropy: &mut dyn Entropy,
) -> Result<String, SopsError> {
    let docs = Documents::read(text, format)?;
    let walk = walk(&docs, &old.scope, true)?;
    markers::check(&docs, &walk, &old.scope)?;
    if let Some(odd) = walk.odd_keys.first() {
        return Err(SopsError::NonTextKey {
            path: odd.path.clone(),
            span: odd.span.clone(),
        });
    }
    if walk.text_merges.len() > old.walk.text_merges.len()
        && let Some(key) = walk.text_merges.last()
    {
        return Err(SopsError::TextMerge {
            path: key.path.clone(),
            span: 0..0,
        });
    }
    let key = &old.key;
    let mut tokens = Vec::with_capacity(walk.leaves.len());
    for leaf in &walk.leaves {
        let sealed = key_opens(leaf.text(), &leaf.aad(), key);
        tokens.push(if leaf.in_scope && !sealed {
            to_seal(format, leaf)?.map(|plain| key.seal(&plain, &leaf.aad(), entropy))
        } else {
            None
        });
    }
    let plan = Sealable::of_tokens(&docs, walk);
    apply(text, &plan.edits(&tokens)?).ok_or_else(overlap)
}

/// Returns whether a text is a value that this key encrypted at this place. A secret may look like one.
fn key_opens(text: &str, aad: &str, key: &DataKey) -> bool {
    Encrypted::parse(text).is_some_and(|value| key.open(&value, aad).is_some())
}

/// Sets time and MAC in every `sops` block. Values may have changed, the layout of the blocks stays.
pub(crate) fn restamp(
    format: Format,
    text: &str,
    key: &DataKey,
    entropy: &mut dyn Entropy,
) -> Result<String, SopsError> {
    let docs = Documents::read(text, format)?;
    let opened = Opened::with_key(&docs, Metadata::read(&docs)?, key.clone())?;
    let mut stamped = opened.metadata.clone();
    stamp(&mut stamped, &opened.mac()?, key, entropy);
    apply(text, &stamp_edits(&docs, &stamped)).ok_or_else(overlap)
}

/// Reads a text that is about to be handed out once more.
pub(crate) fn check(format: Format, text: &str, key: &DataKey, proof: Proof<'_>) -> Result<(), SopsError> {
    let read = || -> Result<bool, SopsError> {
        let docs = Documents::read(text, format)?;
        let opened = Opened::with_key(&docs, Metadata::read(&docs)?, key.clone())?;
        opened.verify()?;
        proof(&opened)
    };
    match read() {
        Ok(true) => Ok(()),
        _ => Err(overlap()),
    }
}

fn replace(
    file: &File<'_>,
    new_plain: &str,
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    let (format, old_docs) = (file.format(), &file.docs);
    let old = Opened::checked(file, identities, MacCheck::Verify)?;
    if plaintext(&old)?.expose() == new_plain {
        return Ok(None);
    }
    let docs = Documents::read(new_plain, format)?;
    let plan = plan(&docs, &old.scope, old.metadata.mac_only_encrypted)?;
    let mut tokens = Pool::new(Some(&old)).kept(&plan);
    for ((token, plain), leaf) in tokens.iter_mut().zip(&plan.sealed).zip(&plan.walk.leaves) {
        if let (None, Some(plain)) = (&token, plain) {
            *token = Some(old.key.seal(plain, &leaf.aad(), entropy));
        }
    }
    let mut edits = plan.edits(&tokens)?;
    edits.extend(comment_edits(&old, &plan, &old.scope, &old.key, false, entropy));
    let mut new = old.metadata.clone();
    if old.mac()? != plan.mac {
        stamp(&mut new, &plan.mac, &old.key, entropy);
    }
    let verbatim = stamped_block(old_docs, &new);
    if let (None, Some(kind)) = (&verbatim, old.metadata.foreign_keys()) {
        return Err(SopsError::Unsupported {
            what: format!("writing a new `sops` block with `{kind}`"),
            span: None,
        });
    }
    let block = Block {
        metadata: &new,
        verbatim,
        indent: block_indent(old_docs).unwrap_or(4),
    };
    let text = assemble(&docs, edits, &block)?;
    confirm(&text, &old.key, &plan)?;
    Ok((text != file.text()).then_some(text))
}

/// Brings a binary file to new bytes; everything but value and stamps stays.
fn replace_bytes(
    file: &File<'_>,
    bytes: &[u8],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    let opened = Opened::checked(file, identities, MacCheck::Verify)?;
    let (leaf, plain) = binary::value(&opened)?;
    if *plain.bytes == bytes {
        return Ok(None);
    }
    let token = binary::token(bytes, &opened.key, entropy);
    let edit = Edit::new(leaf.node.span.clone(), format!("\"{token}\""));
    let text = apply(file.text(), &[edit]).ok_or_else(overlap)?;
    let text = restamp(Format::Binary, &text, &opened.key, entropy)?;
    let holds = |opened: &Opened<'_, '_>| Ok(*binary::value(opened)?.1.bytes == bytes);
    check(Format::Binary, &text, &opened.key, &holds)?;
    Ok(Some(text))
}

/// Returns by how many columns the `sops` block is indented.
pub(crate) fn block_indent(docs: &Documents<'_>) -> Option<usize> {
    let (_, root) = docs.roots().next()?;
    let (key, block) = root.entry(SOPS_KEY)?;
    let (first, _) = block.entries().first()?;
    let by = docs
        .column(first.span.start)
        .checked_sub(docs.column(key.span.start))?;
    (!layout::is_flow(docs.text, block) && (2..=9).contains(&by)).then_some(by)
}

fn extract(opened: &Opened<'_, '_>, at: At<'_>) -> Result<Zeroizing<Vec<u8>>, SopsError> {
    let (plain, format) = (plaintext(opened)?, opened.docs.format);
    let docs = Documents::read(plain.expose(), format)?;
    let missing = || SopsError::NoSuchValue {
        path: at.path.to_string(),
    };
    let node = Place::new(&docs, at)?.find().ok_or_else(missing)?;
    let text = match (&node.kind, format) {
        (Kind::Scalar { value, .. }, _) => value.clone(),
        (_, Format::Json) => format!("{:#}\n", node.to_json()),
        _ => yaml::to_string(&node.to_json()),
    };
    Ok(Zeroizing::new(text.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::FixedEntropy;
    use crate::keys::key::{Recipient, generate_identity};
    use crate::rules::rule::EncryptionRule;
    use crate::text::keypath::KeyPath;

    #[test]
    fn an_edit_that_touches_another_value_is_refused() {
        let (private, public) = generate_identity();
        let me = Identities::parse(private.expose()).unwrap();
        let rule = EncryptionRule::secrets(vec![Recipient::new(&public).unwrap()]);
        let plain = "a: b\nc: d\nstringData:\n  e: f\n  g: h\n";
        let enc = crate::encrypt(plain, &rule, &mut FixedEntropy::new(1)).unwrap();
        let path = KeyPath::parse("c").unwrap();
        let at = path.within(0);
        let and_more = |cut: &str| {
            let from = enc.find(cut).unwrap();
            let to = from + enc[from..].find('\n').unwrap() + 1;
            let edits = |opened: &Opened<'_, '_>| {
                let mut edits = edits_at(opened.docs, at, None)?;
                edits.push(Edit::new(from..to, ""));
                Ok(Some(edits))
            };
            let file = File::read(Format::Yaml, &enc).unwrap();
            change(&file, &me, &mut FixedEntropy::new(2), &edits, &without(at))
        };
        for cut in ["a: b", "  e: "] {
            assert_eq!(and_more(cut), Err(overlap()), "{cut}");
        }
        let file = File::read(Format::Yaml, &enc).unwrap();
        let alone = file.unset(at, &me, &mut FixedEntropy::new(2)).unwrap();
        assert!(alone.unwrap().starts_with("a: b\nstringData:\n"));
    }
}
