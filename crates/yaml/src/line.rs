//! Lines of a text: where the one that holds a byte starts and ends, and what stands before the byte in it.

use std::ops::Range;

/// Returns the start of the line that holds a byte.
pub fn start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Returns the end of the line that holds a byte, before its line break.
pub fn end(text: &str, at: usize) -> usize {
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    if end > at && text.as_bytes()[end - 1] == b'\r' {
        end - 1
    } else {
        end
    }
}

/// Returns the start of the line behind the one that holds a byte; the end of the text behind the last one.
pub fn next(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline + 1)
}

/// Returns the number of the line that holds a byte, from 1.
pub fn number(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

/// Returns the column of a byte, from 0, in bytes.
pub fn column(text: &str, at: usize) -> usize {
    at - start(text, at)
}

/// Returns whether nothing but blanks, or the mark of an encoding, stands before a byte on its line.
pub fn is_first(text: &str, at: usize) -> bool {
    let before = text[start(text, at)..at].trim_start_matches('\u{feff}');
    before.trim().is_empty()
}

/// Returns whether nothing but blanks stands on the line of a byte from there on.
pub fn is_last(text: &str, at: usize) -> bool {
    behind(text, at).trim().is_empty()
}

/// Returns what stands on the line of a byte from there on.
pub fn behind(text: &str, at: usize) -> &str {
    &text[at..end(text, at)]
}

/// Returns by how many blanks the line that holds a byte is indented.
pub fn indent(text: &str, at: usize) -> usize {
    let line = &text[start(text, at)..];
    line.len() - line.trim_start_matches(' ').len()
}

/// Returns the end of what stands before a byte, without blanks and line breaks.
pub fn trimmed(text: &str, at: usize) -> usize {
    text[..at].trim_end().len()
}

/// Returns a range without blanks and line breaks at its ends.
pub fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let end = range.start + part.trim_end().len();
    (end - part.trim().len())..end
}

/// Returns the first bytes of a range.
pub fn head(range: &Range<usize>, length: usize) -> Range<usize> {
    range.start..(range.start + length).min(range.end)
}

/// Returns the lines with their starts, without their line breaks (`\n`, and `\r\n` as far as `\n` goes).
pub fn all(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (start, line.strip_suffix('\n').unwrap_or(line))
    })
}

/// Where a line of a text starts, in the text and in the file that it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStart {
    /// In the text.
    pub inner: usize,
    /// In the file.
    pub outer: usize,
}

/// Finds the lines of a text in the file that holds it, from the line of `start` on; nothing if it is not written line by line.
pub fn line_starts(source: &str, start: usize, text: &str) -> Option<Vec<LineStart>> {
    let newline = source.get(..start)?.rfind('\n');
    let (mut outer, mut inner) = (newline.map_or(0, |newline| newline + 1), 0);
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let own = source
            .get(outer..)?
            .split_inclusive('\n')
            .next()
            .unwrap_or_default();
        let bare = line.trim_end_matches(['\n', '\r']);
        let indent = own.trim_end_matches(['\n', '\r']).len().checked_sub(bare.len())?;
        if !own.get(indent..)?.starts_with(bare) {
            return None;
        }
        lines.push(LineStart {
            inner,
            outer: outer + indent,
        });
        inner += line.len();
        outer += own.len();
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_block_are_found_in_its_file() {
        let source = "a:\n  b: |\n    one\n      two\n";
        let lines = line_starts(source, source.find("one").expect("there"), "one\n  two\n").expect("a block");
        let pairs: Vec<[usize; 2]> = lines.iter().map(|line| [line.inner, line.outer]).collect();
        assert_eq!(pairs, [[0, 14], [4, 22]]);
        assert_eq!(line_starts("a: \"x\\ny\"\n", 3, "x\ny"), None);
    }

    #[test]
    fn line_breaks_of_both_kinds_end_a_line() {
        let text = "ab\r\n  cd\nef";
        assert_eq!([start(text, 1), start(text, 6), start(text, 11)], [0, 4, 9]);
        assert_eq!([end(text, 0), end(text, 5), end(text, 9)], [2, 8, 11]);
        assert_eq!([next(text, 0), next(text, 5), next(text, 9)], [4, 9, 11]);
        assert_eq!([number(text, 0), number(text, 4), number(text, 99)], [1, 2, 3]);
        assert_eq!((column(text, 7), indent(text, 7), trimmed(text, 6)), (3, 2, 2));
        assert!(is_first(text, 6) && !is_first(text, 7));
        assert!(is_last(text, 8) && is_last(text, 2) && !is_last(text, 7));
        assert_eq!((trim(text, 1..9), trim(text, 3..4)), (1..8, 3..3));
        assert_eq!((head(&(2..9), 3), head(&(2..4), 3)), (2..5, 2..4));
        let found: Vec<_> = all(text).collect();
        assert_eq!(found, [(0, "ab\r"), (4, "  cd"), (9, "ef")]);
    }
}
