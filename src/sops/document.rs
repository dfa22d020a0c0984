//! The documents of a YAML text, cut apart at their `---` lines so that each can be edited in place.

use std::ops::Range;

use yaml::{Kind, Node, ParseError, Style};
use zeroize::Zeroize as _;

use super::error::SopsError;
use super::format::Format;
use super::value::Encrypted;
use super::{json, lines};

/// The top-level key that holds SOPS' metadata.
pub(crate) const SOPS_KEY: &str = "sops";

/// One document.
#[derive(Debug)]
pub(crate) struct Document {
    /// Everything of the document, its `---` line included.
    pub(crate) span: Range<usize>,
    /// Where text can be appended: before a `...` line, else the end.
    pub(crate) end: usize,
    /// The mapping with absolute spans; `None` for a document without content.
    pub(crate) root: Option<Node>,
}

/// A text with its documents and comments.
pub(crate) struct Documents<'t> {
    pub(crate) text: &'t str,
    pub(crate) all: Vec<Document>,
    pub(crate) comments: Vec<Range<usize>>,
    pub(crate) format: Format,
    /// The metadata lines of formats that have them apart.
    block: Vec<Range<usize>>,
}

impl Drop for Documents<'_> {
    /// The trees hold plaintext.
    fn drop(&mut self) {
        fn wipe(node: &mut Node) {
            match &mut node.kind {
                Kind::Scalar { value, .. } => value.zeroize(),
                Kind::Seq(items) => items.iter_mut().for_each(wipe),
                Kind::Map(entries) => entries.iter_mut().for_each(|(_, value)| wipe(value)),
                Kind::Alias(_) => {}
            }
        }
        self.all
            .iter_mut()
            .filter_map(|doc| doc.root.as_mut())
            .for_each(wipe);
    }
}

impl From<ParseError> for SopsError {
    fn from(error: ParseError) -> Self {
        Self::Yaml {
            message: error.message,
            span: error.span,
        }
    }
}

impl<'t> Documents<'t> {
    /// Reads a text.
    pub(crate) fn parse(text: &'t str) -> Result<Self, SopsError> {
        if let Some(at) = lone_carriage_return(text) {
            return Err(SopsError::Unsupported {
                what: "a line that ends with a carriage return alone".to_owned(),
                span: Some(at..at + 1),
            });
        }
        // The parser keeps to YAML 1.2: a document that breaks at one of these is none for it, or another one.
        let suspect = line_break_of_yaml11(text);
        let read = Self::parse_lines(text);
        match suspect.filter(|_| !read.as_ref().is_ok_and(Self::agrees_on_line_breaks)) {
            Some(span) => Err(SopsError::LineBreak {
                code: text[span.start..].chars().next().map_or(0, u32::from),
                span,
            }),
            None => read,
        }
    }

    fn parse_lines(text: &'t str) -> Result<Self, SopsError> {
        let mut all = Vec::new();
        let mut start = 0;
        for end in cuts(text) {
            let section = &text[start..end];
            let mut nodes = yaml::parse(section).map_err(|mut error| {
                error.span = error.span.start + start..error.span.end + start;
                SopsError::from(error)
            })?;
            if nodes.len() > 1 {
                return Err(SopsError::Unsupported {
                    what: "a document that ends with `...` and is followed by one without `---`".to_owned(),
                    span: Some(nodes[1].span.start + start..nodes[1].span.start + start),
                });
            }
            let mut root = nodes.pop();
            if let Some(node) = &mut root {
                shift(node, start);
            }
            let root = match root {
                Some(node) => match &node.kind {
                    Kind::Map(_) => Some(node),
                    Kind::Scalar { .. } if node.span.is_empty() => None,
                    _ => {
                        return Err(SopsError::NotAMapping {
                            span: node.span.clone(),
                        });
                    }
                },
                None => None,
            };
            all.push(Document {
                span: start..end,
                end: start + content_end(section),
                root,
            });
            start = end;
        }
        match all.iter().position(|doc| doc.root.is_some()) {
            Some(0) => {}
            _ => return Err(SopsError::EmptyDocument),
        }
        Ok(Self {
            comments: yaml::comments(text)?,
            text,
            all,
            format: Format::Yaml,
            block: Vec::new(),
        })
    }

    /// Returns whether YAML 1.1 reads the same: U+2028 and U+2029 inside of a quoted value, without blanks around them that it
    /// would drop.
    fn agrees_on_line_breaks(&self) -> bool {
        fn values<'n>(node: &'n Node, out: &mut Vec<&'n Node>) {
            if let Kind::Scalar {
                style: Style::SingleQuoted | Style::DoubleQuoted,
                ..
            } = &node.kind
            {
                out.push(node);
            } else {
                node.items().iter().for_each(|item| values(item, out));
                node.entries().iter().for_each(|(_, value)| values(value, out));
            }
        }
        let mut quoted = Vec::new();
        self.roots().for_each(|(_, root)| values(root, &mut quoted));
        let breaks = |c: char| matches!(c, '\u{2028}' | '\u{2029}');
        let blank = |c: char| c.is_whitespace() && !breaks(c);
        let mut found = self.text.match_indices(['\u{85}', '\u{2028}', '\u{2029}']);
        found.all(|(at, found)| {
            let (before, after) = (&self.text[..at], &self.text[at + found.len()..]);
            found.starts_with(breaks)
                && quoted.iter().any(|node| node.span.contains(&at))
                && !before.ends_with(blank)
                && !before.ends_with('\\')
                && !after.starts_with(blank)
                && !after.starts_with("---")
                && !after.starts_with("...")
        })
    }

    /// Reads a text of any format; binary files are JSON once they are encrypted.
    pub(crate) fn read(text: &'t str, format: Format) -> Result<Self, SopsError> {
        let (root, comments, block) = match format {
            Format::Yaml => return Self::parse(text),
            Format::Json | Format::Binary => (json::parse(text)?, Vec::new(), Vec::new()),
            Format::Dotenv | Format::Ini => {
                let lines = match format {
                    Format::Dotenv => lines::dotenv(text)?,
                    _ => lines::ini(text)?,
                };
                (lines.root, lines.comments, lines.block)
            }
        };
        Ok(Self {
            text,
            all: vec![Document {
                span: 0..text.len(),
                end: text.len(),
                root: Some(root),
            }],
            comments,
            format,
            block,
        })
    }

    /// Returns the text ranges of all `sops` entries.
    pub(crate) fn sops_entries(&self) -> Vec<Range<usize>> {
        if matches!(self.format, Format::Dotenv | Format::Ini) {
            return self.block.clone();
        }
        self.roots()
            .filter_map(|(_, root)| self.sops_entry(root))
            .flat_map(|entry| self.without_comments(entry))
            .collect()
    }

    /// Returns an entry without the encrypted comments in it: SOPS 3.7 moves comments at the end of a document there.
    pub(crate) fn without_comments(&self, entry: Range<usize>) -> Vec<Range<usize>> {
        let mut pieces = vec![entry];
        for comment in &self.comments {
            let line = line_start(self.text, comment.start)..next_line(self.text, comment.end);
            let alone = self.text[line.start..comment.start].trim().is_empty();
            let inside = |piece: &Range<usize>| piece.start <= line.start && line.end <= piece.end;
            if alone
                && Encrypted::looks_like(&self.text[comment.start + 1..comment.end])
                && let Some(at) = pieces.iter().position(inside)
            {
                let end = std::mem::replace(&mut pieces[at].end, line.start);
                pieces.insert(at + 1, line.end..end);
            }
        }
        pieces
    }

    /// Returns the documents that have content, with their numbers.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.all
            .iter()
            .enumerate()
            .filter_map(|(i, doc)| doc.root.as_ref().map(|root| (i, root)))
    }

    /// Returns the column of a byte offset, in bytes.
    pub(crate) fn column(&self, offset: usize) -> usize {
        offset - line_start(self.text, offset)
    }

    /// Returns the text range of a document's `sops` entry: whole lines in block style; in flow style from the
    /// comma before it.
    pub(crate) fn sops_entry(&self, root: &Node) -> Option<Range<usize>> {
        let at = root
            .entries()
            .iter()
            .position(|(key, _)| key.as_str() == Some(SOPS_KEY))?;
        let (key, value) = &root.entries()[at];
        let end = last_byte(self.text, value).max(key.span.end);
        if is_flow(self.text, root) {
            return Some(match at {
                0 => match root.entries().get(1) {
                    Some((next, _)) => key.span.start..next.span.start,
                    None => key.span.start..end,
                },
                _ => {
                    last_byte(self.text, &root.entries()[at - 1].1).max(root.entries()[at - 1].0.span.end)
                        ..end
                }
            });
        }
        let end = self.text[..end].trim_end().len().max(key.span.end);
        Some(line_start(self.text, key.span.start)..next_line(self.text, end))
    }
}

/// Returns the end of each document: the starts of later `---` lines, and the end of the text. A first section
/// without content belongs to the document behind it.
fn cuts(text: &str) -> Vec<usize> {
    let mut cuts = Vec::new();
    let (mut offset, mut content, mut marked) = (0, false, false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']).trim_start_matches('\u{feff}');
        if bare == "---" || bare.starts_with("--- ") || bare.starts_with("---\t") {
            if content || marked {
                cuts.push(offset);
            }
            (content, marked) = (false, true);
        } else if !bare.trim_start().is_empty() && !bare.trim_start().starts_with('#') {
            content = true;
        }
        offset += line.len();
    }
    cuts.push(text.len());
    cuts
}

/// Returns where a document's content ends: before its first `...` line.
fn content_end(section: &str) -> usize {
    let mut offset = 0;
    for line in section.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if bare == "..." || bare.starts_with("... ") {
            return offset;
        }
        offset += line.len();
    }
    section.len()
}

fn shift(node: &mut Node, by: usize) {
    node.span = node.span.start + by..node.span.end + by;
    match &mut node.kind {
        Kind::Seq(items) => items.iter_mut().for_each(|item| shift(item, by)),
        Kind::Map(entries) => {
            for (key, value) in entries {
                shift(key, by);
                shift(value, by);
            }
        }
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
}

/// Returns whether a collection is written with brackets.
pub(crate) fn is_flow(text: &str, node: &Node) -> bool {
    let first = match &node.kind {
        Kind::Seq(items) => items.first(),
        Kind::Map(entries) => entries.first().map(|(key, _)| key),
        Kind::Scalar { .. } | Kind::Alias(_) => return false,
    };
    // A list that is not indented starts where its first item does, and that may have brackets.
    let starts_with_its_first = first.is_some_and(|first| first.span.start == node.span.start);
    !starts_with_its_first && text[node.span.start..].starts_with(['[', '{'])
}

/// Returns the end of the last token of a node; a block collection's own span runs into the lines behind it.
pub(crate) fn last_byte(text: &str, node: &Node) -> usize {
    match &node.kind {
        _ if is_flow(text, node) => node.span.end,
        Kind::Seq(items) => items.last().map_or(node.span.end, |item| last_byte(text, item)),
        Kind::Map(entries) => entries.last().map_or(node.span.end, |(key, value)| {
            last_byte(text, value).max(key.span.end)
        }),
        Kind::Scalar { .. } | Kind::Alias(_) => node.span.end,
    }
}

/// Returns the start of the line that holds a byte.
pub(crate) fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |at| at + 1)
}

/// Returns the end of the line that holds a byte, before its line break.
pub(crate) fn line_end(text: &str, offset: usize) -> usize {
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    if end > offset && text.as_bytes()[end - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

/// Returns whether a block text can end with the line at `at`: blanks and comments below it that are indented further
/// than `column` would become part of it.
pub(crate) fn is_clear_below(text: &str, at: usize, column: usize) -> bool {
    let below = text[next_line(text, at)..].lines();
    for line in below {
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

/// Returns the start of the next line.
pub(crate) fn next_line(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |at| offset + at + 1)
}

/// Finds a character that ends a line in YAML 1.1, which go-yaml reads, and not in YAML 1.2.
pub(super) fn line_break_of_yaml11(text: &str) -> Option<Range<usize>> {
    let (at, found) = text.match_indices(['\u{85}', '\u{2028}', '\u{2029}']).next()?;
    Some(at..at + found.len())
}

/// Finds a CR without its LF. It ends a line in YAML, SOPS never writes one, and editors show it in many ways.
fn lone_carriage_return(text: &str) -> Option<usize> {
    let mut found = text.match_indices('\r').map(|(at, _)| at);
    found.find(|at| !text[at + 1..].starts_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<&str> {
        Documents::parse(text)
            .unwrap()
            .all
            .iter()
            .map(|doc| &text[doc.span.clone()])
            .collect()
    }

    #[test]
    fn documents_are_cut_at_their_markers() {
        assert_eq!(spans("a: 1\n"), ["a: 1\n"]);
        assert_eq!(
            spans("# c\n---\na: 1\n--- # d\nb: 2\n"),
            ["# c\n---\na: 1\n", "--- # d\nb: 2\n"]
        );
        assert_eq!(spans("a: |\n  ---\n---\n"), ["a: |\n  ---\n", "---\n"]);
        assert_eq!(spans("a: 1\n...\n---\nb: 1\n"), ["a: 1\n...\n", "---\nb: 1\n"]);
    }

    #[test]
    fn what_is_no_mapping_is_refused() {
        let error = |text| Documents::parse(text).map(|_| ()).unwrap_err();
        assert_eq!(error("- a\n"), SopsError::NotAMapping { span: 0..4 });
        assert_eq!(error("text"), SopsError::NotAMapping { span: 0..4 });
        assert_eq!(error(""), SopsError::EmptyDocument);
        assert_eq!(error("# only\n"), SopsError::EmptyDocument);
        assert_eq!(error("---\n---\na: 1\n"), SopsError::EmptyDocument);
        assert!(matches!(error("a: 1\n---\na: [\n"), SopsError::Yaml { span, .. } if span.start > 8));
    }

    #[test]
    fn line_ends_of_yaml_1_1_are_refused_where_go_yaml_reads_another_text() {
        // Each was read by sops 3.13.3: as other keys, as other values, or not at all.
        for text in [
            "# c\u{2028}k: v\na: x\n",
            "# c\u{85}k: v\na: x\n",
            "a: x # c\u{2029}b: z\n",
            "a: x\u{2028}b: z\n",
            "a: x\u{2028}y\nb: z\n",
            "a: \"x\u{85}y\"\n",
            "a: 'x\u{2028}    y'\n",
            "a: 'x \u{2028}y'\n",
            "a: 'x\u{2028}--- y'\n",
            "a: |\n  x\u{2028}  y\n",
            "a: >\n  x\u{2029}  y\n",
            "'a\u{2028}k': x\n",
            "a: x\n\u{2028}\nb: z\n",
        ] {
            let error = Documents::parse(text).map(|_| ()).unwrap_err();
            let SopsError::LineBreak { span, .. } = &error else {
                panic!("{text:?}: {error:?}");
            };
            let found = text[span.clone()].chars().next();
            assert!(
                matches!(found, Some('\u{85}' | '\u{2028}' | '\u{2029}')),
                "{text:?}"
            );
        }
        for text in [
            "a: \"x\u{2028}y\"\n",
            "a: ['x\u{2029}y']\n",
            "a: '\u{2028}'\n",
            "a: \"x\\Ly\\N\"\n",
        ] {
            assert!(Documents::parse(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn lists_that_start_with_brackets_are_told_from_lists_in_brackets() {
        for (text, flow) in [
            ("a:\n- [b]\n", false),
            ("a:\n- {b: c}\n- d\n", false),
            ("a:\n  - [b]\n", false),
            ("a: [[b]]\n", true),
            ("a: {}\n", true),
            ("a: [ b ]\n", true),
        ] {
            let docs = Documents::parse(text).unwrap();
            let list = docs.all[0].root.as_ref().unwrap().get("a").unwrap();
            assert_eq!(is_flow(text, list), flow, "{text}");
        }
    }

    #[test]
    fn spans_are_absolute_in_later_documents() {
        let text = "é: 1\n---\nb: two\n";
        let docs = Documents::parse(text).unwrap();
        let value = docs.all[1].root.as_ref().unwrap().get("b").unwrap();
        assert_eq!(&text[value.span.clone()], "two");
    }
}
