//! Characters that YAML 1.1, which go-yaml reads, and YAML 1.2, which we read, take for different things.

use std::ops::Range;

use crate::parse::{Kind, Node, Style};

/// The ends of a line that YAML 1.2 took out.
const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];

/// Finds the first character that ends a line in YAML 1.1, and not in YAML 1.2.
pub fn line_break(text: &str) -> Option<Range<usize>> {
    let (at, found) = text.match_indices(BREAKS).next()?;
    Some(at..at + found.len())
}

/// Returns whether YAML 1.1 reads such characters as YAML 1.2 does: U+2028 and U+2029 inside of a quoted value, without
/// blanks around them that it would drop.
pub fn agrees_on_line_breaks<'n>(text: &str, roots: impl IntoIterator<Item = &'n Node>) -> bool {
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
    roots.into_iter().for_each(|root| values(root, &mut quoted));
    let breaks = |c: char| matches!(c, '\u{2028}' | '\u{2029}');
    let blank = |c: char| c.is_whitespace() && !breaks(c);
    let mut found = text.match_indices(BREAKS);
    found.all(|(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len()..]);
        found.starts_with(breaks)
            && quoted.iter().any(|node| node.span.contains(&at))
            && !before.ends_with(blank)
            && !before.ends_with('\\')
            && !after.starts_with(blank)
            && !after.starts_with("---")
            && !after.starts_with("...")
    })
}

/// Finds a carriage return without its line feed. It ends a line in YAML, and editors show it in many ways.
pub fn lone_carriage_return(text: &str) -> Option<Range<usize>> {
    let mut found = text.match_indices('\r').map(|(at, _)| at);
    let at = found.find(|at| !text[at + 1..].starts_with('\n'))?;
    Some(at..at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn line_breaks_agree_only_inside_of_quotes() {
        for (text, agrees) in [
            ("a: \"x\u{2028}y\"\n", true),
            ("a: ['x\u{2029}y']\n", true),
            ("a: 'x \u{2028}y'\n", false),
            ("a: x\u{2028}y\n", false),
            ("a: \"x\u{85}y\"\n", false),
            ("# c\u{2028}k: v\n", false),
        ] {
            let roots = parse(text).expect("YAML");
            assert_eq!(agrees_on_line_breaks(text, &roots), agrees, "{text:?}");
            assert!(line_break(text).is_some());
        }
        assert_eq!(line_break("a: b\n"), None);
        assert_eq!(lone_carriage_return("a\r\nb\rc"), Some(4..5));
        assert_eq!(lone_carriage_return("a\r\n"), None);
    }
}
