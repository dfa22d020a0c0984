//! The entries of mappings and the items of lists as they stand in a text: whole lines with the comments above them.

use std::ops::Range;

use super::{block_text, colon, end, gap, is_flow};
use crate::line;
use crate::parse::{Kind, Node};
use crate::splice::{dedented, shifted};

/// An entry or an item.
#[derive(Debug, Clone)]
pub struct Child<'n> {
    /// The value.
    pub node: &'n Node,
    /// The key, of an entry.
    pub key: Option<&'n Node>,
    /// Where its key or its dash stands; of an item inside brackets, where that stands.
    pub at: usize,
    /// Behind its colon or dash: where its value may start.
    pub floor: usize,
    /// Behind its last byte, see [`super::end`].
    pub end: usize,
    /// Start of the comment and blank lines above it.
    pub lead: usize,
    /// From the start of its first line, of the key or dash itself where that stands behind a dash, behind its last line.
    pub lines: Range<usize>,
    /// Column of the key or dash, in bytes.
    pub column: usize,
    /// Whether the key or dash stands behind a dash.
    pub inline: bool,
}

impl<'n> Child<'n> {
    fn new(
        text: &str,
        key: Option<&'n Node>,
        node: &'n Node,
        at: usize,
        floor: usize,
        before: usize,
    ) -> Self {
        let end = end(text, node, floor);
        let first = line::start(text, at);
        let inline = !line::is_first(text, at);
        let start = if inline { at } else { first };
        Self {
            node,
            key,
            at,
            floor,
            end,
            lead: if inline { start } else { lead(text, first, before) },
            lines: start..line::next(text, end),
            column: at - first,
            inline,
        }
    }

    /// Returns the key's text, of an entry.
    pub fn name(&self) -> Option<&'n str> {
        self.key.and_then(Node::as_str)
    }

    /// Returns the comment and blank lines above, without indentation.
    pub fn comments(&self, text: &str) -> String {
        dedented(
            &text[self.lead..self.lines.start.max(self.lead)],
            self.column,
            true,
        )
    }

    /// Returns the lines without the comments above, and without indentation: equal for equal content.
    pub fn content(&self, text: &str) -> String {
        dedented(&text[self.lines.clone()], self.column, false)
    }

    /// Returns the lines moved to another column, each with its line break.
    pub fn moved(&self, text: &str, column: usize, with_comments: bool) -> String {
        let mut out = String::new();
        if with_comments && !self.inline {
            out.push_str(&shifted(&text[self.lead..self.lines.start], self.column, column));
        }
        let body = &text[self.lines.clone()];
        if self.inline {
            // The first line lacks the indentation that the others have.
            let padded = format!("{}{body}", " ".repeat(self.column));
            out.push_str(&shifted(&padded, self.column, column));
        } else {
            out.push_str(&shifted(body, self.column, column));
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }

    /// Returns the start of the comment lines right above it, in its column.
    pub fn heading(&self, text: &str) -> usize {
        let mut start = self.lines.start;
        while start > 0 && !self.inline {
            let above = line::start(text, start - 1);
            let line = &text[above..start - 1];
            let comment = line.trim_start_matches(' ');
            if !comment.starts_with('#') || line.len() - comment.len() != self.column {
                break;
            }
            start = above;
        }
        start
    }
}

/// Walks up over comment and blank lines, not above `before`.
fn lead(text: &str, line: usize, before: usize) -> usize {
    let mut lead = line;
    while lead > before {
        let above = line::start(text, lead - 1);
        let content = text[above..lead].trim();
        if above < before || !(content.is_empty() || content.starts_with('#')) {
            break;
        }
        lead = above;
    }
    lead
}

/// Returns the children of a collection in their order. `floor` is the end of what stands before it. Nothing where a dash
/// is not found, which no text that was read has shown yet.
pub fn children<'n>(text: &str, node: &'n Node, floor: usize) -> Vec<Child<'n>> {
    let flow = is_flow(text, node);
    let mut before = floor;
    let mut found: Vec<Child<'n>> = Vec::new();
    let mut push = |key, value, at, floor| {
        let child = Child::new(text, key, value, at, floor, before);
        before = child.lines.end;
        let behind = child.end;
        found.push(child);
        behind
    };
    match &node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                let floor = colon(text, key).unwrap_or(key.span.end);
                push(Some(key), value, key.span.start, floor);
            }
        }
        Kind::Seq(items) if flow => {
            for item in items {
                push(None, item, item.span.start, item.span.start);
            }
        }
        Kind::Seq(items) => {
            let mut behind = floor;
            for item in items {
                let Some(dash) = gap::dash(text, behind) else {
                    return Vec::new();
                };
                behind = push(None, item, dash, dash + 1);
            }
        }
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
    found
}

/// Returns the range that takes a child of a collection out: its whole lines, its comma inside brackets; behind a dash the
/// next one moves up, `None` where there is none.
pub fn cut(text: &str, parent: &Node, children: &[Child<'_>], at: usize) -> Option<Range<usize>> {
    let child = children.get(at)?;
    let next = children.get(at + 1);
    let before = at.checked_sub(1).map(|before| &children[before]);
    if is_flow(text, parent) {
        return Some(match (before, next) {
            (Some(before), _) => before.end..child.end,
            (None, Some(next)) => child.at..next.at,
            (None, None) => child.at..child.end,
        });
    }
    if child.inline {
        return Some(child.at..next?.at);
    }
    let mut to = child.lines.end;
    // Blank lines, and comments that belong to the value, would become part of a block text before them.
    if before.is_some_and(|before| block_text::is_last_in(before.node)) {
        let joins = |line: &str| {
            let inner = line.trim_start_matches(' ');
            inner.trim().is_empty() || inner.starts_with('#') && line.len() - inner.len() > child.column
        };
        while to < text.len() && joins(&text[to..line::end(text, to)]) {
            to = line::next(text, to);
        }
    }
    Some(child.lines.start..to)
}
