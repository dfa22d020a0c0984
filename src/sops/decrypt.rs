//! Decrypting a file: a text edit that puts the values back and takes the `sops` block out.

use super::document::{Documents, is_clear_below, is_flow, line_end, line_start};
use super::error::SopsError;
use super::format::Format;
use super::json;
use super::key::Identities;
use super::lines;
use super::metadata::Metadata;
use super::opened::Opened;
use super::plan::{Props, overlap};
use super::splice::{Edit, apply};
use super::text;
use super::value::{Encrypted, Plain, ValueType};
use super::walk::Leaf;
use crate::sys::SecretText;
use zeroize::Zeroizing;

/// Whether the MAC must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacCheck {
    /// It must: nothing was changed, moved or removed by hand.
    Verify,
    /// It need not; single values are still authenticated, together with their keys.
    Ignore,
}

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
    decrypt_in(Format::Yaml, text, identities, check)
}

/// Decrypts a text of any format but binary.
pub(crate) fn decrypt_in(
    format: Format,
    text: &str,
    identities: &Identities,
    check: MacCheck,
) -> Result<SecretText, SopsError> {
    let docs = Documents::read(text, format)?;
    let opened = Opened::new(&docs, Metadata::read(&docs)?, identities)?;
    if check == MacCheck::Verify {
        opened.verify()?;
    }
    let mut edits = Vec::new();
    edits.extend(docs.sops_entries().into_iter().map(|range| Edit::new(range, "")));
    for (leaf, plain) in opened.walk.leaves.iter().zip(&opened.plains) {
        if let (Some(plain), true, false) = (
            plain,
            Encrypted::looks_like(leaf.text()) && leaf.in_scope,
            leaf.by_alias,
        ) {
            if leaf.comment_item {
                comment_item(&opened, leaf, plain.text().unwrap_or_default(), &mut edits)?;
                continue;
            }
            let props = Props::scan(text, leaf.gap..leaf.node.span.start);
            if let (Some(tag), true) = (props.tag, plain.kind != ValueType::Str) {
                edits.push(Edit::new(tag, ""));
            }
            if format == Format::Yaml {
                edits.extend(value_edits(&docs, leaf, plain, step(&opened, leaf.doc)));
            } else {
                let text = other_value(format, leaf, plain)?;
                edits.push(Edit {
                    range: leaf.node.span.clone(),
                    text,
                });
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
        edits.push(Edit {
            range: comment.span.clone(),
            text: lines,
        });
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
    let end = line_end(docs.text, span.end);
    let rest = docs.text[span.end..end].trim();
    let free = !leaf.in_flow
        && is_clear_below(docs.text, end, leaf.column)
        && (rest.is_empty() || rest.starts_with('#'))
        && !docs.text[span.clone()].contains('\n');
    if let (true, ValueType::Str, Some(value)) = (free, plain.kind, plain.text())
        && let Some((header, lines)) = text::literal(value, leaf.column + step)
    {
        let lines = Edit {
            range: end..end,
            text: lines,
        };
        return vec![Edit::new(span, header), lines];
    }
    let json = docs.all[leaf.doc]
        .root
        .as_ref()
        .is_some_and(|root| is_flow(docs.text, root));
    let text = match (json, plain.kind, plain.text()) {
        (true, ValueType::Str, Some(value)) => yaml::double_quoted(value),
        _ => text::inline(plain, leaf.in_flow),
    };
    vec![Edit { range: span, text }]
}

/// Turns a list item that is a comment back into a comment; a list of nothing else becomes `[]`.
fn comment_item(
    opened: &Opened<'_, '_>,
    leaf: &Leaf<'_>,
    comment: &str,
    edits: &mut Vec<Edit>,
) -> Result<(), SopsError> {
    let text = opened.docs.text;
    let start = line_start(text, leaf.node.span.start);
    let dash = text[start..leaf.node.span.start].rfind('-').map(|at| start + at);
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

/// See [`Format::decrypt_values`].
pub(crate) fn values(
    format: Format,
    text: &str,
    identities: &Identities,
) -> Result<Vec<DecryptedValue>, SopsError> {
    let docs = Documents::read(text, format)?;
    let opened = Opened::new(&docs, Metadata::read(&docs)?, identities)?;
    opened.verify()?;
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
