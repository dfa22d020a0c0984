//! Where the entries of mappings and the items of lists stand in a text: whole lines with the comments above them.

use std::ops::Range;

use yaml::{Kind, Node, Style};

/// An entry of a block mapping or an item of a block sequence, as it stands in its text.
#[derive(Debug, Clone)]
pub(super) struct Child<'a> {
    /// The value.
    pub node: &'a Node,
    /// The key, of an entry.
    pub key: Option<&'a str>,
    /// Start of the comment and blank lines above it.
    pub lead: usize,
    /// Start of its first line; of the key itself where that stands behind a dash.
    pub start: usize,
    /// Behind its last line.
    pub end: usize,
    /// Column of the key or the dash, in bytes.
    pub column: usize,
    /// Whether the key stands behind a dash.
    pub inline: bool,
}

impl Child<'_> {
    /// Returns the comment and blank lines above, without indentation.
    pub(super) fn comments(&self, text: &str) -> String {
        dedented(&text[self.lead..self.start.max(self.lead)], self.column, true)
    }

    /// Returns the lines without the comments above, and without indentation: equal for equal content.
    pub(super) fn content(&self, text: &str) -> String {
        dedented(&text[self.start..self.end], self.column, false)
    }

    /// Returns the lines moved to another column, each with its line break.
    pub(super) fn moved(&self, text: &str, column: usize, with_comments: bool) -> String {
        let mut out = String::new();
        if with_comments && !self.inline {
            out.push_str(&shifted(&text[self.lead..self.start], self.column, column));
        }
        let body = &text[self.start..self.end];
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
}

fn dedented(lines: &str, column: usize, blank: bool) -> String {
    let mut out = String::new();
    for line in lines.lines() {
        let line = line.trim_end();
        if line.is_empty() {
            if blank {
                out.push('\n');
            }
            continue;
        }
        let indent = line.len() - line.trim_start_matches(' ').len();
        out.push_str(&line[indent.min(column)..]);
        out.push('\n');
    }
    out
}

fn shifted(lines: &str, from: usize, to: usize) -> String {
    let mut out = String::new();
    for line in lines.lines() {
        if !line.trim().is_empty() {
            let indent = line.len() - line.trim_start_matches(' ').len();
            let indent = (indent + to).saturating_sub(from);
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line.trim_start_matches(' '));
        }
        out.push('\n');
    }
    out
}

/// Returns whether a collection is written in block style.
pub(super) fn is_block(text: &str, node: &Node) -> bool {
    matches!(node.kind, Kind::Map(_) | Kind::Seq(_)) && !text[node.span.start..].starts_with(['[', '{'])
}

/// Returns the children of a block collection. `from` is where the lines before it end.
pub(super) fn children<'a>(text: &str, node: &'a Node, from: usize) -> Vec<Child<'a>> {
    let mut before = from;
    let mut found = Vec::new();
    match &node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                let line = line_start(text, key.span.start);
                let inline = !text[line..key.span.start].trim().is_empty();
                let start = if inline { key.span.start } else { line };
                let end = next_line(text, last_byte(text, value).max(key.span.end).saturating_sub(1));
                found.push(Child {
                    node: value,
                    key: key.as_str(),
                    lead: if inline { start } else { lead(text, line, before) },
                    start,
                    end,
                    column: key.span.start - line,
                    inline,
                });
                before = end;
            }
        }
        Kind::Seq(items) => {
            let Some(column) = dash_column(text, node, from) else {
                return Vec::new();
            };
            for item in items {
                let Some(line) = dash(text, before, column) else {
                    return Vec::new();
                };
                let end = next_line(
                    text,
                    last_byte(text, item).max(line + column + 1).saturating_sub(1),
                );
                found.push(Child {
                    node: item,
                    key: None,
                    lead: lead(text, line, before),
                    start: line,
                    end,
                    column,
                    inline: false,
                });
                before = end;
            }
        }
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
    found
}

/// Returns the column of a sequence's dashes. Its span starts at the first one, but at the first item where the dashes
/// are not indented.
fn dash_column(text: &str, node: &Node, from: usize) -> Option<usize> {
    let rest = &text[node.span.start..];
    if rest.starts_with("- ") || rest.starts_with("-\n") {
        return Some(node.span.start - line_start(text, node.span.start));
    }
    let line = text[from..]
        .lines()
        .find(|line| !(line.trim().is_empty() || line.trim_start().starts_with('#')))?;
    let content = line.trim_start_matches(' ');
    content.starts_with('-').then(|| line.len() - content.len())
}

/// Finds the line with the dash of the next item.
fn dash(text: &str, from: usize, column: usize) -> Option<usize> {
    let mut line = from;
    while line < text.len() {
        let rest = &text[line..];
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let content = rest[..end].trim_start_matches(' ');
        let indent = end - content.len();
        if content.starts_with('-') {
            return (indent == column).then_some(line);
        }
        if !(content.trim().is_empty() || content.starts_with('#')) {
            return None;
        }
        line += end;
    }
    None
}

/// Walks up over comment and blank lines, not above `from`.
fn lead(text: &str, line: usize, from: usize) -> usize {
    let mut lead = line;
    while lead > from {
        let above = line_start(text, lead - 1);
        let content = text[above..lead].trim();
        if above < from || !(content.is_empty() || content.starts_with('#')) {
            break;
        }
        lead = above;
    }
    lead
}

/// Returns the end of the last token of a node.
pub(super) fn last_byte(text: &str, node: &Node) -> usize {
    match &node.kind {
        Kind::Seq(items) if is_block(text, node) => {
            items.last().map_or(node.span.end, |item| last_byte(text, item))
        }
        Kind::Map(entries) if is_block(text, node) => entries.last().map_or(node.span.end, |(key, value)| {
            last_byte(text, value).max(key.span.end)
        }),
        Kind::Scalar {
            style: Style::Literal | Style::Folded,
            ..
        } => block_lines(text, node).end,
        // An empty value has no place of its own: the key's line is its line.
        Kind::Scalar { .. } if node.span.is_empty() => 0,
        _ => node.span.end,
    }
}

/// Returns the lines of a block scalar's content, without blank lines at the end.
pub(super) fn block_lines(text: &str, node: &Node) -> Range<usize> {
    let start = line_start(text, node.span.start);
    let content = text[start..node.span.end.max(start)].trim_end();
    start..start + content.len()
}

/// Returns the start of the line that holds a byte.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// Returns the start of the line behind the one that holds a byte.
pub(super) fn next_line(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |at| offset + at + 1)
}
