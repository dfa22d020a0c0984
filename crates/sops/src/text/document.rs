//! The documents of a text of any format, with their comments and `sops` blocks.

use std::ops::Range;

use yaml::{Kind, Node, ParseError, layout, line, yaml11};
use zeroize::Zeroize as _;

use crate::error::SopsError;
use crate::format::Format;
use crate::text::SOPS_KEY;
use crate::text::json;
use crate::text::lines;
use crate::text::value::is_ciphertext;

/// One document.
#[derive(Debug)]
pub(crate) struct PlainDocument {
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
    pub(crate) all: Vec<PlainDocument>,
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
        // SOPS never writes one.
        if let Some(span) = yaml11::lone_carriage_return(text) {
            return Err(SopsError::Unsupported {
                what: "a line that ends with a carriage return alone".to_owned(),
                span: Some(span),
            });
        }
        // The parser keeps to YAML 1.2: a document that breaks at one of these is none for it, or another one.
        let suspect = yaml11::line_break(text);
        let read = Self::parse_lines(text);
        let agrees = |read: &Self| yaml11::agrees_on_line_breaks(text, read.roots().map(|(_, root)| root));
        match suspect.filter(|_| !read.as_ref().is_ok_and(agrees)) {
            Some(span) => Err(SopsError::LineBreak {
                code: text[span.clone()].chars().next().map_or(0, u32::from),
                span,
            }),
            None => read,
        }
    }

    fn parse_lines(text: &'t str) -> Result<Self, SopsError> {
        let mut all = Vec::new();
        for document in yaml::documents(text)? {
            if let Some(second) = document.roots.get(1) {
                return Err(SopsError::Unsupported {
                    what: "a document that ends with `...` and is followed by one without `---`".to_owned(),
                    span: Some(second.head()),
                });
            }
            let root = match document.roots.into_iter().next() {
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
            all.push(PlainDocument {
                span: document.span,
                end: document.end,
                root,
            });
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
            all: vec![PlainDocument {
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
            let line = line::start(self.text, comment.start)..line::next(self.text, comment.end);
            let alone = line::is_first(self.text, comment.start);
            let inside = |piece: &Range<usize>| piece.start <= line.start && line.end <= piece.end;
            if alone
                && is_ciphertext(&self.text[comment.start + 1..comment.end])
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
        line::column(self.text, offset)
    }

    /// Returns the column of a list item, which is that of its dash.
    pub(crate) fn item_column(&self, item: usize) -> usize {
        self.column(layout::dash_before(self.text, item).unwrap_or(item))
    }

    /// Returns the text range of a document's `sops` entry: whole lines in block style; in flow style with its comma.
    pub(crate) fn sops_entry(&self, root: &Node) -> Option<Range<usize>> {
        let children = layout::children(self.text, root, root.span.start);
        let at = children.iter().position(|child| child.name() == Some(SOPS_KEY))?;
        if layout::is_flow(self.text, root) {
            return layout::cut(self.text, root, &children, at);
        }
        Some(children[at].lines.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
