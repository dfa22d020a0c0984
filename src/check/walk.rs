//! Every entry and every scalar of a document, and words inside a scalar's bytes.

use std::ops::Range;

use yaml::{Kind, Node};

/// Calls `f` with every mapping entry at and below a node: the mapping, the key, the value.
pub fn entries<'n>(node: &'n Node, f: &mut impl FnMut(&'n Node, &'n Node, &'n Node)) {
    for item in node.items() {
        entries(item, f);
    }
    for (key, value) in node.entries() {
        f(node, key, value);
        entries(value, f);
    }
}

/// Calls `f` with every scalar at and below a node, keys included.
pub fn scalars<'n>(node: &'n Node, f: &mut impl FnMut(&'n Node)) {
    if matches!(node.kind, Kind::Scalar { .. }) {
        f(node);
    }
    for item in node.items() {
        scalars(item, f);
    }
    for (key, value) in node.entries() {
        scalars(key, f);
        scalars(value, f);
    }
}

/// Returns where a word stands inside the bytes of a node, as written; words end at anything but letters, digits and
/// the characters in `more`.
pub fn word(text: &str, node: &Node, word: &str, more: &[char]) -> Option<Range<usize>> {
    let raw = text.get(node.span.clone())?;
    let part = |c: char| c.is_alphanumeric() || more.contains(&c);
    raw.match_indices(word)
        .find(|(at, _)| !raw[..*at].ends_with(part) && !raw[at + word.len()..].starts_with(part))
        .map(|(at, _)| node.part(at..at + word.len()))
}
