//! Block texts, `|` and `>`: their header, their lines, and where one can end.

use std::ops::Range;

use super::gap::Gap;
use crate::line;
use crate::parse::{Kind, Node, Style};
use crate::splice::Edit;

/// Returns whether a node is a text on lines of its own.
pub fn is_block_text(node: &Node) -> bool {
    matches!(
        node.kind,
        Kind::Scalar {
            style: Style::Literal | Style::Folded,
            ..
        }
    )
}

/// Returns whether the last value in a node is a block text.
pub fn is_last_in(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(entries) => entries.last().is_some_and(|(_, value)| is_last_in(value)),
        Kind::Seq(items) => items.last().is_some_and(is_last_in),
        Kind::Scalar { .. } | Kind::Alias(_) => is_block_text(node),
    }
}

/// Returns the header of a block text, such as `|-`.
pub fn header(text: &str, node: &Node, floor: usize) -> Option<Range<usize>> {
    Gap::scan(text, floor.min(node.span.start)..node.span.start).header
}

/// Returns where a block text ends, before its last line break. Blank lines behind it belong to it only with `+`.
pub fn end(text: &str, node: &Node, floor: usize) -> usize {
    let header = header(text, node, floor);
    let from = header.as_ref().map_or(floor, |header| header.end);
    let end = node.span.end.max(from);
    if header.is_some_and(|header| text[header].contains('+')) {
        let body = text[..end].trim_end_matches([' ', '\t']);
        let body = body.strip_suffix('\n').unwrap_or(body);
        return body.strip_suffix('\r').unwrap_or(body).len().max(from);
    }
    line::trimmed(text, end).max(from)
}

/// Returns the lines of a block text below its header, without the last line break.
pub fn lines(text: &str, node: &Node, floor: usize) -> Option<Range<usize>> {
    let header = header(text, node, floor)?;
    let end = end(text, node, floor);
    Some(line::next(text, header.end).min(end)..end)
}

/// Returns whether a block text can end with the line at `at`: blanks and comments below it that are indented further
/// than `column` would become part of it.
pub fn can_end_at(text: &str, at: usize, column: usize) -> bool {
    for line in text[line::next(text, at)..].lines() {
        let content = line.trim_start();
        match line.len() - content.len() {
            0 if content.is_empty() => {}
            indent if content.is_empty() || content.starts_with('#') => {
                if indent > column {
                    return false;
                }
            }
            _ => return true,
        }
    }
    true
}

/// Returns the edit of a header that lets the text mean the same when a line break comes behind its last line.
pub fn without_last_line_break(text: &str, header: &Range<usize>) -> Option<Edit> {
    let marks = &text[header.clone()];
    if marks.contains('-') {
        return None;
    }
    Some(match marks.find('+') {
        Some(at) => Edit::new(header.start + at..header.start + at + 1, "-"),
        None => Edit::new(header.end..header.end, "-"),
    })
}
