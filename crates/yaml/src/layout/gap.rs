//! What stands between a key's colon, or an item's dash, and the value behind it.

use std::ops::Range;

use crate::parse::Node;

/// The marks before a value: its tag, its anchor and, for block texts, the header.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Such as `!!str`.
    pub tag: Option<Range<usize>>,
    /// Such as `&name`.
    pub anchor: Option<Range<usize>>,
    /// Such as `|-`.
    pub header: Option<Range<usize>>,
}

impl Gap {
    /// Looks through a gap, which ends where the content of the value starts.
    pub fn scan(text: &str, gap: Range<usize>) -> Self {
        let mut found = Self::default();
        let mut at = gap.start;
        let mut blank_before = true;
        while at < gap.end {
            let rest = &text[at..gap.end];
            let Some(c) = rest.chars().next() else { break };
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            match c {
                '#' if blank_before => at += rest.find('\n').unwrap_or(rest.len()),
                '!' => {
                    found.tag = Some(at..at + word);
                    at += word;
                }
                '&' => {
                    found.anchor = Some(at..at + word);
                    at += word;
                }
                '|' | '>' => {
                    let marks = rest[1..].find(|c: char| !matches!(c, '+' | '-' | '0'..='9'));
                    found.header = Some(at..at + 1 + marks.unwrap_or(rest.len() - 1));
                    break;
                }
                _ => at += c.len_utf8(),
            }
            blank_before = c.is_whitespace() || c == '#';
        }
        found
    }

    /// Looks between a key and its value.
    pub fn between(text: &str, key: &Node, value: &Node) -> Self {
        Self::scan(text, key.span.end..value.span.start)
    }

    /// Returns the tag with the blanks behind it.
    pub fn tag_and_blanks(&self, text: &str) -> Option<Range<usize>> {
        let tag = self.tag.clone()?;
        let rest = &text[tag.end..];
        Some(tag.start..text.len() - rest.trim_start_matches(' ').len())
    }

    /// Returns where the last mark ends.
    pub(super) fn end(&self) -> Option<usize> {
        let marks = [&self.tag, &self.anchor, &self.header];
        marks.into_iter().flatten().map(|mark| mark.end).max()
    }
}

/// Finds the dash of the first list item behind a place, where nothing but blanks, comments, properties of the list and
/// the mark of a document stands before it.
pub(super) fn dash(text: &str, from: usize) -> Option<usize> {
    let blank = |at: usize| text[at..].chars().next().is_none_or(char::is_whitespace);
    let mut at = from;
    let mut blank_before = true;
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next()?;
        let at_start = at == 0 || text[..at].ends_with('\n');
        let skipped = match c {
            '-' if blank(at + 1) => return Some(at),
            _ if c.is_whitespace() || c == '\u{feff}' => c.len_utf8(),
            '#' if blank_before => rest.find('\n').unwrap_or(rest.len()),
            '-' if at_start && rest.starts_with("---") && blank(at + 3) => 3,
            '.' if at_start && rest.starts_with("...") && blank(at + 3) => 3,
            '%' if at_start => rest.find('\n').unwrap_or(rest.len()),
            '!' | '&' => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            ':' if blank(at + 1) => 1,
            _ => return None,
        };
        at += skipped;
        blank_before = c.is_whitespace();
    }
    None
}

/// Returns the dash right before a place on its line.
pub fn dash_before(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].trim_end_matches([' ', '\t']);
    before.ends_with('-').then(|| before.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_comments() {
        let text = "a: # !!x\n  !!str &n  # c\n  |2- # d\n  b\n";
        let found = Gap::scan(text, 1..text.len() - 2);
        let part = |range: Option<Range<usize>>| range.map(|range| &text[range]);
        assert_eq!(part(found.tag), Some("!!str"));
        assert_eq!(part(found.anchor), Some("&n"));
        assert_eq!(part(found.header), Some("|2-"));
        assert_eq!(Gap::scan("a: b", 1..3), Gap::default());
    }

    #[test]
    fn dashes_are_found_behind_what_may_stand_before_them() {
        for (text, at) in [
            ("- a", Some(0)),
            (" # c\n\n  - a", Some(8)),
            (" &x !!seq # c\n-\n", Some(14)),
            ("---\n# c\n- a", Some(8)),
            ("--- - a", Some(4)),
            ("%YAML 1.2\n---\n- a", Some(14)),
            ("-a", None),
            ("b: 1\n- a", None),
            ("", None),
        ] {
            assert_eq!(dash(text, 0), at, "{text:?}");
        }
        assert_eq!(dash_before("  -  a", 5), Some(2));
        assert_eq!(dash_before("  -\n  a", 6), None);
    }
}
