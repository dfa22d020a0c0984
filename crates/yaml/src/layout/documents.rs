//! The documents of a text, cut apart at their `---` lines so that each can be edited in place.

use std::ops::Range;

use crate::parse::{Node, ParseError, parse};

/// One document.
#[derive(Debug)]
pub struct Document {
    /// Everything of the document, its `---` line included.
    pub span: Range<usize>,
    /// Where text can be appended: before a `...` line, else the end.
    pub end: usize,
    /// Its root, with its places in the whole text; none without content, several where documents end with `...` and the
    /// next ones have no `---`.
    pub roots: Vec<Node>,
}

/// Reads the documents of a text. A first section without content, such as a comment, belongs to the document behind it.
///
/// # Errors
/// Those of [`parse`].
pub fn documents(text: &str) -> Result<Vec<Document>, ParseError> {
    let mut all = Vec::new();
    let mut start = 0;
    for end in cuts(text) {
        let section = &text[start..end];
        let mut roots = parse(section).map_err(|mut error| {
            error.span = error.span.start + start..error.span.end + start;
            error.first = error.first.map(|first| first.start + start..first.end + start);
            error
        })?;
        roots.iter_mut().for_each(|root| root.shift(start));
        all.push(Document {
            span: start..end,
            end: start + content_end(section),
            roots,
        });
        start = end;
    }
    Ok(all)
}

/// Returns the end of each document: the starts of later `---` lines, and the end of the text.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<&str> {
        let all = documents(text).expect("YAML");
        all.into_iter().map(|doc| &text[doc.span]).collect()
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
    fn places_are_those_of_the_whole_text() {
        let text = "é: 1\n---\nb: two\n";
        let documents = documents(text).expect("YAML");
        let value = documents[1].roots[0].get("b").expect("there");
        assert_eq!(&text[value.span.clone()], "two");
        let error = super::documents("a: 1\n---\na: 1\na: 2\n").expect_err("a key twice");
        assert_eq!((error.span, error.first), (14..15, Some(9..10)));
    }
}
