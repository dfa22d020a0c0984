//! Where everything stands in a YAML text: which collections are written in brackets, where a value ends, what stands
//! before it, which lines belong to an entry or an item.
//!
//! [`crate::parse()`] says where the tokens of a node are. That is not enough to edit a text: a block collection's own
//! place runs into the lines behind it and, where a list is not indented, starts at its first item; a block text starts
//! behind its header and takes in blank lines that do not belong to it; an empty value has no place at all. What it
//! takes besides is the *floor* of a value: the end of what stands before it, such as the colon of its key.

pub mod block_text;
mod child;
mod documents;
mod gap;

use std::ops::Range;

pub use child::{Child, children, cut};
pub use documents::{Document, documents};
pub use gap::{Gap, dash_before};

use crate::parse::{Kind, Node};

/// Returns whether a collection is written with brackets.
pub fn is_flow(text: &str, node: &Node) -> bool {
    let first = match &node.kind {
        Kind::Seq(items) => items.first(),
        Kind::Map(entries) => entries.first().map(|(key, _)| key),
        Kind::Scalar { .. } | Kind::Alias(_) => return false,
    };
    // A list that is not indented starts where its first item does, and that may have brackets.
    let starts_with_its_first = first.is_some_and(|first| first.span.start == node.span.start);
    !starts_with_its_first && text[node.span.start..].starts_with(['[', '{'])
}

/// Returns whether a node is a collection that is written without brackets, on lines of its own.
pub fn is_block(text: &str, node: &Node) -> bool {
    matches!(node.kind, Kind::Map(_) | Kind::Seq(_)) && !is_flow(text, node)
}

/// Returns whether a scalar is written on one line.
pub fn is_one_line(text: &str, node: &Node) -> bool {
    !text[node.span.clone()].contains('\n')
}

/// Returns where a node ends: behind its last byte, before blanks, a comment and the line break. For an empty value that
/// is behind its marks, else the floor.
pub fn end(text: &str, node: &Node, floor: usize) -> usize {
    match &node.kind {
        _ if is_flow(text, node) => node.span.end,
        Kind::Map(entries) => entries
            .last()
            .map_or(floor, |(key, value)| entry_end(text, key, value)),
        Kind::Seq(items) => items.iter().fold(floor, |before, item| {
            let floor = gap::dash(text, before).map_or(item.span.start, |dash| dash + 1);
            end(text, item, floor)
        }),
        Kind::Scalar { .. } if block_text::is_block_text(node) => block_text::end(text, node, floor),
        Kind::Scalar { .. } if node.span.is_empty() => {
            let marks = Gap::scan(text, floor..line_of(text, floor, node));
            marks.end().unwrap_or(floor).max(floor)
        }
        Kind::Scalar { .. } | Kind::Alias(_) => node.span.end.max(floor),
    }
}

/// The end of the part of a line in which the marks of an empty value can stand.
fn line_of(text: &str, floor: usize, node: &Node) -> usize {
    if node.anchor == 0 && node.tag.is_none() {
        return floor;
    }
    node.span.end.max(floor).min(text.len())
}

/// Returns where an entry of a mapping ends, see [`end`].
pub fn entry_end(text: &str, key: &Node, value: &Node) -> usize {
    end(text, value, colon(text, key).unwrap_or(key.span.end)).max(key.span.end)
}

/// Returns what an entry of a mapping takes up, from the start of its key.
pub fn entry(text: &str, key: &Node, value: &Node) -> Range<usize> {
    key.span.start..entry_end(text, key, value)
}

/// Returns the place behind the colon of a key; `None` where that does not follow on its line.
pub fn colon(text: &str, key: &Node) -> Option<usize> {
    let rest = &text[key.span.end..];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest[blank..].starts_with(':').then_some(key.span.end + blank + 1)
}

/// Returns by how many columns a document indents: those between the keys of its root and those of the first mapping
/// below it.
pub fn step(text: &str, root: &Node) -> Option<usize> {
    let column = |node: &Node| {
        let (key, _) = node.entries().first()?;
        is_block(text, node).then(|| crate::line::column(text, key.span.start))
    };
    let base = column(root).unwrap_or_default();
    let mut steps = root.entries().iter().filter_map(|(_, value)| column(value));
    steps.find_map(|column| column.checked_sub(base).filter(|step| (2..=8).contains(step)))
}

impl Node {
    /// Returns where a part of the node stands in the text, by its place in the node as it is written.
    pub fn part(&self, part: Range<usize>) -> Range<usize> {
        self.span.start + part.start..self.span.start + part.end
    }

    /// Returns what stands between the brackets of the node.
    pub fn inside(&self) -> Range<usize> {
        self.span.start + 1..self.span.end - 1
    }

    /// Returns the empty place where the node starts.
    pub fn head(&self) -> Range<usize> {
        self.span.start..self.span.start
    }

    /// Returns the place of the node's first line.
    pub fn first_line(&self, text: &str) -> Range<usize> {
        let end = text[self.span.start..].find(['\n', '\r']);
        let end = end.map_or(self.span.end, |length| self.span.start + length);
        self.span.start..end.min(self.span.end).max(self.span.start)
    }

    /// Moves the places of the node and of all below by so many bytes.
    pub(crate) fn shift(&mut self, by: usize) {
        self.span = self.span.start + by..self.span.end + by;
        match &mut self.kind {
            Kind::Seq(items) => items.iter_mut().for_each(|item| item.shift(by)),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    key.shift(by);
                    value.shift(by);
                }
            }
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
