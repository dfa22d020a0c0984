//! What was read: the merged configuration as JSON, and where each value stands.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;
use yaml::{Kind, Node, scalar};

use super::schema::KeyKind;
use super::vocabulary::Vocabulary;
use crate::source::{SourceId, Span};

/// The most characters of a value that a message quotes.
const MAX_QUOTED: usize = 80;

/// One file of the configuration.
pub(super) struct ConfigFile {
    /// The display copy.
    pub source: SourceId,
    /// The text for display: [`super::mask()`] of the file's.
    pub masked: String,
    /// The parsed file; in an encrypted one, values of secrets are ciphertext.
    pub root: Node,
}

/// The configuration as written, with secrets in clear: it is never printed.
pub struct ConfigDocument {
    pub(super) files: Vec<ConfigFile>,
    pub(super) json: Value,
    pub(super) unknown: BTreeSet<String>,
    pub(super) cut: BTreeSet<String>,
    pub(super) encrypted: bool,
    pub(super) vocabulary: Arc<Vocabulary>,
}

impl std::fmt::Debug for ConfigDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Document(…)")
    }
}

impl ConfigDocument {
    /// Returns the merged configuration. It holds secrets in clear.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// Returns the keys that it may hold.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// Returns whether a pointer leads to or into the value of a secret key.
    pub(crate) fn is_secret(&self, pointer: &str) -> bool {
        let first = pointer.split('/').nth(1).unwrap_or_default();
        self.vocabulary.keys().top_kind(first) == Some(KeyKind::Secret)
    }

    /// Returns whether the value of a secret key is encrypted and cannot be read.
    pub fn is_unknown(&self, key: &str) -> bool {
        self.unknown.contains(key)
    }

    /// Returns the secret keys whose value is followed by a comment that looks like the rest of it: ` #` and no blank.
    pub fn cut_secrets(&self) -> impl Iterator<Item = &str> {
        self.cut.iter().map(String::as_str)
    }

    /// Returns whether `cluster.yaml` is itself encrypted with SOPS.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Returns whether it says by hand who can decrypt.
    pub fn lists_recipients(&self) -> bool {
        self.json["age_recipients"].is_array()
    }

    /// Returns the places of the values of all top-level keys; below `apps`, also those of each app's key, as
    /// `apps/NAME`, and of its choices' keys, as `apps/NAME/version`.
    pub fn key_spans(&self) -> BTreeMap<String, Span> {
        let keys = self.json.as_object().into_iter().flatten();
        let mut places: BTreeMap<String, Span> = keys
            .filter_map(|(key, _)| Some((key.clone(), self.span(&child("", key))?)))
            .collect();
        for (app, choice) in self.json["apps"].as_object().into_iter().flatten() {
            let pointer = child("/apps", app);
            let choices = choice.as_object().into_iter().flatten();
            let place = |pointer: &str| self.key_span(pointer);
            places.extend(place(&pointer).map(|span| (format!("apps/{app}"), span)));
            places.extend(
                choices.filter_map(|(key, _)| {
                    Some((format!("apps/{app}/{key}"), place(&child(&pointer, key))?))
                }),
            );
        }
        places
    }

    /// Returns the place of the value that a JSON pointer leads to, if it is written.
    pub fn span(&self, pointer: &str) -> Option<Span> {
        let (file, key, node) = self.entry(pointer)?;
        // An empty value has no text to underline: its key has.
        let range = if node.span.is_empty() {
            &key.span
        } else {
            &node.span
        };
        Some(file.source.span(file.visible(range)))
    }

    /// Returns the place of the key that a JSON pointer leads to, if it is written. An item of a list has no key: its
    /// value's place is returned.
    pub fn key_span(&self, pointer: &str) -> Option<Span> {
        let (file, key, _) = self.entry(pointer)?;
        Some(file.source.span(file.visible(&key.span)))
    }

    /// Returns whether the value is written in a file.
    pub fn is_written(&self, pointer: &str) -> bool {
        self.entry(pointer).is_some()
    }

    /// Returns the place of the deepest value on the way that is written, or the start of `cluster.yaml`.
    pub fn nearest(&self, pointer: &str) -> Span {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.key_span(pointer) {
                return span;
            }
            match pointer.rfind('/') {
                Some(0) | None => return self.start(""),
                Some(end) => pointer = &pointer[..end],
            }
        }
    }

    /// Returns the first key of the mapping that a pointer leads to: the place for what is missing in it. The empty
    /// pointer leads to the start of `cluster.yaml`.
    pub fn start(&self, pointer: &str) -> Span {
        let (file, node) = match self.entry(pointer) {
            Some((file, _, node)) => (file, node),
            None => (&self.files[0], &self.files[0].root),
        };
        let range = match node.entries().first() {
            Some((key, _)) => key.span.clone(),
            None => file.visible(&node.span),
        };
        file.source.span(range)
    }

    /// Returns a scalar as it may be quoted in a message: `None` for whatever is masked for display, for aliases,
    /// and for values of several lines.
    pub fn quotable(&self, pointer: &str) -> Option<String> {
        let (file, _, node) = self.entry(pointer)?;
        match &node.kind {
            Kind::Scalar { value, .. } if file.is_shown(&node.span) => Some(quoted(value)),
            _ => None,
        }
    }

    /// Returns the name of a written key as it may be quoted in a message.
    pub fn quotable_key(&self, pointer: &str) -> Option<String> {
        let (file, key, _) = self.entry(pointer)?;
        let name = key.as_str().filter(|_| file.is_shown(&key.span))?;
        Some(quoted(name))
    }

    /// Finds the file, key and value of a pointer; for an item of a list, the key is the item itself.
    fn entry(&self, pointer: &str) -> Option<(&ConfigFile, &Node, &Node)> {
        let mut parts = pointer.strip_prefix('/')?.split('/').map(unescaped);
        let first = parts.next()?;
        let file = self.files.iter().find(|file| file.root.entry(&first).is_some())?;
        let (mut key, mut node) = file.root.entry(&first).map(|(key, value)| (key, value))?;
        for part in parts {
            (key, node) = match &node.kind {
                Kind::Map(_) => node.entry(&part).map(|(key, value)| (key, value))?,
                Kind::Seq(items) => part
                    .parse()
                    .ok()
                    .and_then(|i: usize| items.get(i))
                    .map(|n| (n, n))?,
                Kind::Scalar { .. } | Kind::Alias(_) => return None,
            };
        }
        Some((file, key, node))
    }
}

impl ConfigFile {
    /// Returns the range without the line breaks and blanks that a parser counts to a block's end.
    fn visible(&self, range: &Range<usize>) -> Range<usize> {
        let text = self.masked.get(range.clone()).unwrap_or_default();
        range.start..range.start + text.trim_end().len().max(text.len().min(1))
    }

    /// Returns whether the display copy shows the range, on one line.
    fn is_shown(&self, range: &Range<usize>) -> bool {
        let text = self.masked.get(range.clone());
        text.is_some_and(|text| !text.is_empty() && !text.contains(['*', '\n', '\r']))
    }
}

/// Returns the text in backticks, control characters escaped, at most [`MAX_QUOTED`] characters of it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for c in text.chars().take(MAX_QUOTED) {
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(if c == '`' { '\'' } else { c });
        }
    }
    if text.chars().count() > MAX_QUOTED {
        out.push('…');
    }
    out.push('`');
    out
}

/// Characters that change how their neighbours show: bidirectional controls and zero-width ones.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// Returns the pointer of a child.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Writes a JSON value on one line, as it may stand after `key: `. Text stays plain where every reader takes it for
/// the same text.
pub(crate) fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| format!("{key}: {}", inline(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let placeholder = text.starts_with('<') && text.ends_with('>');
    let safe =
        |c: char| c.is_ascii_alphanumeric() || "./_-:".contains(c) || placeholder && " <>,'".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '<'))
        && text.chars().all(safe)
        && !text.ends_with(':')
        && !text.contains(": ")
        && matches!(scalar::resolve(text), Value::String(_))
        && scalar::yaml11_trap(text).is_none()
}
