//! Edits of a text by byte ranges, and lines moved to another column.

use std::ops::Range;

use zeroize::Zeroizing;

/// One replacement. Its text is wiped when it goes.
#[derive(Clone)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: Zeroizing<String>,
    /// Whether a line break comes before the text where there is none.
    lines: bool,
}

impl Edit {
    /// Replaces a range.
    pub fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self::secret(range, Zeroizing::new(text.into()))
    }

    /// Replaces a range by a text that is wiped already where it is not needed.
    pub fn secret(range: Range<usize>, text: Zeroizing<String>) -> Self {
        Self {
            range,
            text,
            lines: false,
        }
    }

    /// Takes a range out.
    pub fn cut(range: Range<usize>) -> Self {
        Self::new(range, "")
    }

    /// Inserts whole lines: behind a last line that lacks its line break, they get one before them.
    pub fn lines(at: usize, text: impl Into<String>) -> Self {
        Self {
            lines: true,
            ..Self::new(at..at, text)
        }
    }

    /// Returns the edit for the part of the text that starts at `start`.
    #[must_use]
    pub fn within(&self, start: usize) -> Self {
        Self {
            range: self.range.start - start..self.range.end - start,
            ..self.clone()
        }
    }
}

/// Applies edits; insertions at the same place keep their order. `None` when two of them overlap.
pub fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let grown: usize = edits.iter().map(|edit| edit.text.len() + 1).sum();
    // One allocation, so that no copy of a plaintext is left behind by growth.
    let mut out = String::with_capacity(text.len() + grown);
    let mut at = 0;
    for edit in sorted {
        out.push_str(text.get(at..edit.range.start)?);
        if edit.lines && !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// Returns lines without the indentation of a column, and without blanks at their ends. Empty lines stay if `blank`.
pub fn dedented(lines: &str, column: usize, blank: bool) -> String {
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

/// Moves lines from one column to another, each with its line break.
pub fn shifted(lines: &str, from: usize, to: usize) -> String {
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

/// Indents the lines of a text by so many blanks; empty lines stay empty.
pub fn indented(text: &str, column: usize) -> String {
    let mut out = String::with_capacity(text.len() + column);
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', column));
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_order_and_never_overlap() {
        let edits = [Edit::new(3..4, "D"), Edit::new(0..1, "AA"), Edit::new(3..3, "+")];
        assert_eq!(apply("abcd", &edits).as_deref(), Some("AAbc+D"));
        assert_eq!(apply("abcd", &[Edit::cut(0..3), Edit::cut(2..4)]), None);
        assert_eq!(apply("abcd", &[Edit::cut(3..9)]), None);
    }

    #[test]
    fn lines_start_on_a_line_of_their_own() {
        let edits = [Edit::lines(3, "x\n"), Edit::lines(3, "y\n")];
        assert_eq!(apply("a\nb", &edits).as_deref(), Some("a\nb\nx\ny\n"));
        assert_eq!(
            apply("a\nb\n", &[Edit::lines(2, "x\n")]).as_deref(),
            Some("a\nx\nb\n")
        );
        assert_eq!(apply("", &[Edit::lines(0, "x\n")]).as_deref(), Some("x\n"));
    }

    #[test]
    fn lines_move_between_columns() {
        assert_eq!(shifted("  a:\n    b\n\n", 2, 4), "    a:\n      b\n\n");
        assert_eq!(shifted("  a:\n    b", 2, 0), "a:\n  b\n");
        assert_eq!(dedented("  a: \n\n    b\n", 2, false), "a:\n  b\n");
        assert_eq!(dedented("  # x\n\n", 2, true), "# x\n\n");
        assert_eq!(indented("a\n\n b", 2), "  a\n\n   b");
    }
}
