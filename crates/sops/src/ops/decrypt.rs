//! Decrypting a file: a text edit that puts the values back and takes the `sops` block out.

use crate::error::{SopsError, overlap};
use crate::file::File;
use crate::format::Format;
use crate::keys::identities::Identities;
use crate::ops::binary;
use crate::ops::opened::{MacCheck, Opened};
use crate::secret::SecretText;
use crate::text::document::Documents;
use crate::text::json;
use crate::text::lines;
use crate::text::value::{Plain, ValueType, is_ciphertext};
use crate::text::walk::Leaf;
use crate::text::write;
use yaml::layout::{self, Gap};
use yaml::{Edit, apply, line};
use zeroize::Zeroizing;

/// One value of a file. Silent about the value in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct DecryptedValue {
    /// Number of its document, from 0.
    pub document: usize,
    /// Its path, such as `stringData.password` or `list[0].key`.
    pub path: String,
    /// Its type.
    pub kind: ValueType,
    /// The value.
    pub value: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for DecryptedValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DecryptedValue({}, {}, …)", self.path, self.kind.word())
    }
}

/// Decrypts a file to the text it was made from: comments and layout stay, texts of several lines become block
/// texts, and each value is written so that it is read back as the same value.
///
/// # Errors
/// When the text is no SOPS file, no identity opens it, a value was tampered with, or the MAC does not agree.
pub fn decrypt(text: &str, identities: &Identities, check: MacCheck) -> Result<SecretText, SopsError> {
    plaintext(&Opened::checked(
        &File::read(Format::Yaml, text)?,
        identities,
        check,
    )?)
}

impl File<'_> {
    /// Decrypts the file to the bytes it was made from.
    ///
    /// # Errors
    /// When no identity opens it, a value was tampered with, or the MAC does not agree.
    pub fn decrypt(&self, identities: &Identities, check: MacCheck) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        let opened = Opened::checked(self, identities, check)?;
        if self.format() == Format::Binary {
            return binary::value(&opened).map(|(_, plain)| plain.bytes.clone());
        }
        Ok(Zeroizing::new(plaintext(&opened)?.expose().as_bytes().to_vec()))
    }

    /// Returns the values inside the encrypted scope in document order, nulls left out. The MAC must agree.
    ///
    /// # Errors
    /// Those of [`File::decrypt`].
    pub fn decrypt_values(&self, identities: &Identities) -> Result<Vec<DecryptedValue>, SopsError> {
        let opened = Opened::checked(self, identities, MacCheck::Verify)?;
        let mut values = Vec::new();
        for (leaf, plain) in opened.walk.leaves.iter().zip(&opened.plains) {
            if let (Some(plain), true, false) = (plain, leaf.in_scope, leaf.comment_item) {
                values.push(DecryptedValue {
                    document: leaf.doc,
                    path: leaf.path.clone(),
                    kind: plain.kind,
                    value: plain.bytes.clone(),
                });
            }
        }
        Ok(values)
    }
}

/// Returns the text that a file of any format but binary was made from.
pub(crate) fn plaintext(opened: &Opened<'_, '_>) -> Result<SecretText, SopsError> {
    let (docs, format) = (opened.docs, opened.docs.format);
    let text = docs.text;
    let mut edits = Vec::new();
    edits.extend(docs.sops_entries().into_iter().map(Edit::cut));
    for (leaf, plain) in opened.walk.leaves.iter().zip(&opened.plains) {
        if let (Some(plain), true, false) =
            (plain, is_ciphertext(leaf.text()) && leaf.in_scope, leaf.by_alias)
        {
            if leaf.comment_item {
                comment_item(opened, leaf, plain.text().unwrap_or_default(), &mut edits)?;
                continue;
            }
            let tag = Gap::scan(text, leaf.gap..leaf.node.span.start).tag;
            if plain.kind != ValueType::Str {
                edits.extend(tag.map(Edit::cut));
            }
            if format == Format::Yaml {
                edits.extend(value_edits(docs, leaf, plain, step(opened, leaf.doc)));
            } else {
                let text = other_value(format, leaf, plain)?;
                edits.push(Edit::secret(leaf.node.span.clone(), text));
            }
        }
    }
    for comment in &opened.comments {
        let text = comment.plain.text().unwrap_or_default();
        // INI has comments of several lines, of which SOPS keeps the marks of all but the first.
        let mut lines = Zeroizing::new(String::with_capacity(2 * text.len() + 2));
        for (i, line) in text.split('\n').enumerate() {
            let marked = line.starts_with([';', '#']);
            lines.push_str(if i == 0 { "" } else { "\n" });
            lines.push_str(if i == 0 || marked { "" } else { "; " });
            lines.push_str(line);
        }
        edits.push(Edit::secret(comment.span.clone(), lines));
    }
    apply(text, &edits).map(SecretText::new).ok_or_else(overlap)
}

/// Writes a value in a format that is not YAML.
fn other_value(format: Format, leaf: &Leaf<'_>, plain: &Plain) -> Result<Zeroizing<String>, SopsError> {
    let layout = || SopsError::Layout {
        path: leaf.path.clone(),
        span: leaf.span.clone(),
    };
    let unholdable = || SopsError::Unholdable {
        path: leaf.path.clone(),
        why: "no quotes of INI can hold this text of several lines",
    };
    let value = plain.text().ok_or_else(layout)?;
    let word = match (format, plain.kind) {
        (Format::Json, ValueType::Str | ValueType::Time | ValueType::Comment) => json::quoted(value),
        (Format::Json, ValueType::Bool) => Zeroizing::new(value.to_ascii_lowercase()),
        (Format::Json, _) if matches!(value, "NaN" | "+Inf" | "-Inf") => return Err(layout()),
        // Read back, `-0` would be an integer.
        (Format::Json, ValueType::Float) if value == "-0" => Zeroizing::new("-0.0".to_owned()),
        (Format::Dotenv, _) => lines::escaped(value),
        (Format::Ini, _) => lines::ini_text(value).ok_or_else(unholdable)?,
        _ => Zeroizing::new(value.to_owned()),
    };
    Ok(word)
}

/// Returns by how many columns a document indents.
fn step(opened: &Opened<'_, '_>, doc: usize) -> usize {
    let inner = opened
        .walk
        .containers
        .iter()
        .filter(|container| container.doc == doc && container.is_map);
    let inner = inner.filter(|container| container.keys.len() == 1 && !container.in_flow);
    inner
        .map(|container| container.column)
        .find(|column| (2..=8).contains(column))
        .unwrap_or(2)
}

fn value_edits(docs: &Documents<'_>, leaf: &Leaf<'_>, plain: &Plain, step: usize) -> Vec<Edit> {
    let span = leaf.node.span.clone();
    let end = line::end(docs.text, span.end);
    let rest = line::behind(docs.text, span.end).trim();
    let free = !leaf.in_flow
        && layout::block_text::can_end_at(docs.text, end, leaf.column)
        && (rest.is_empty() || rest.starts_with('#'))
        && layout::is_one_line(docs.text, leaf.node);
    if let (true, ValueType::Str, Some(value)) = (free, plain.kind, plain.text())
        && let Some((header, lines)) = write::literal(value, leaf.column + step)
    {
        return vec![Edit::new(span, header), Edit::secret(end..end, lines)];
    }
    let json = docs.all[leaf.doc]
        .root
        .as_ref()
        .is_some_and(|root| layout::is_flow(docs.text, root));
    let text = match (json, plain.kind, plain.text()) {
        (true, ValueType::Str, Some(value)) => yaml::double_quoted(value),
        _ => write::inline(plain, leaf.in_flow),
    };
    vec![Edit::secret(span, text)]
}

/// Turns a list item that is a comment back into a comment; a list of nothing else becomes `[]`.
fn comment_item(
    opened: &Opened<'_, '_>,
    leaf: &Leaf<'_>,
    comment: &str,
    edits: &mut Vec<Edit>,
) -> Result<(), SopsError> {
    let text = opened.docs.text;
    let dash = layout::dash_before(text, leaf.node.span.start);
    let (Some(dash), false) = (dash, leaf.in_flow) else {
        return Err(SopsError::Layout {
            path: leaf.path.clone(),
            span: leaf.span.clone(),
        });
    };
    let parent = leaf.path.rsplit_once('[').map_or("", |(parent, _)| parent);
    let inside = |other: &&Leaf<'_>| {
        other.doc == leaf.doc
            && other
                .path
                .strip_prefix(parent)
                .is_some_and(|rest| rest.starts_with('['))
    };
    let mut items = opened.walk.leaves.iter().filter(inside);
    let first = items.clone().next().is_some_and(|other| other.span == leaf.span);
    let alone = items.all(|other| other.comment_item)
        && !opened.walk.containers.iter().any(|container| {
            container.doc == leaf.doc
                && container
                    .path
                    .strip_prefix(parent)
                    .is_some_and(|rest| rest.starts_with('['))
        });
    let list = if first && alone { "[] " } else { "" };
    edits.push(Edit::new(dash..leaf.node.span.end, format!("{list}#{comment}")));
    Ok(())
}
