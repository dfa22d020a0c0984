//! Every text a finding may quote, and the places in it.
//!
//! A [`SourceText`] holds *display* text only: the loader of `cluster.yaml` hands in a copy in which secret values are
//! masked byte for byte, so that no renderer can print one (see `config::mask`).

/// Names one text of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A byte range in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text the range lies in.
    pub source: SourceId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A text that findings may quote.
#[derive(Debug)]
pub struct SourceText {
    /// The path as it is shown to the user, relative to the repository.
    pub name: String,
    /// The text with secrets masked.
    pub text: String,
    line_starts: Vec<usize>,
}

/// A position as editors count it: both 1-based, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// 1-based line.
    pub line: usize,
    /// 1-based column in Unicode scalar values.
    pub column: usize,
}

impl SourceText {
    fn new(name: String, text: String) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(i, _)| i + 1))
            .collect::<Vec<_>>();
        Self {
            name,
            text,
            line_starts,
        }
    }

    /// Returns the position of a byte offset; an offset past the end counts as the end, one inside a character as
    /// the character's start.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.floor_char_boundary(offset);
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let column = self.text[self.line_starts[line - 1]..offset].chars().count() + 1;
        Position { line, column }
    }

    /// Returns the whole lines that hold a range, and the 1-based number of the first. A range at the very end, behind the
    /// last line break, counts to the last line.
    pub fn lines(&self, range: std::ops::Range<usize>) -> (usize, std::ops::Range<usize>) {
        let last = self.text.len().saturating_sub(1);
        let line = |offset: usize| self.line_starts.partition_point(|start| *start <= offset);
        let first = line(range.start.min(last));
        let after = line(range.end.max(range.start).min(self.text.len()));
        let end = self.line_starts.get(after).copied().unwrap_or(self.text.len());
        (first, self.line_starts[first - 1]..end)
    }

    /// Returns the closest character boundary at or before `offset`.
    pub fn floor_char_boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// All texts of a run.
#[derive(Debug, Default)]
pub struct SourceMap {
    sources: Vec<SourceText>,
}

impl SourceMap {
    /// Covers in every text what `find` finds there, such as secrets that stand where none should.
    pub fn cover(&mut self, find: impl Fn(&str) -> Vec<std::ops::Range<usize>>) {
        for source in &mut self.sources {
            for at in find(&source.text) {
                let stars = "*".repeat(at.len());
                source.text.replace_range(at, &stars);
            }
        }
    }

    /// Adds a text. `text` must already be fit for display.
    ///
    /// # Panics
    /// When a run has 2^32 sources.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = u32::try_from(self.sources.len()).expect("fewer than 2^32 sources in a run");
        self.sources.push(SourceText::new(name.into(), text.into()));
        SourceId(id)
    }

    /// Returns the place of a word in a place; the whole of it when it does not stand there.
    pub fn word(&self, within: Span, word: &str) -> Span {
        let Span { source, start, end } = within;
        let text = self.get(source).text.get(start..end).unwrap_or_default();
        text.find(word).map_or(within, |at| Span {
            source,
            start: start + at,
            end: start + at + word.len(),
        })
    }

    /// Returns the text that `id` names.
    pub fn get(&self, id: SourceId) -> &SourceText {
        &self.sources[id.0 as usize]
    }
}

impl SourceId {
    /// Returns a span in this source.
    pub fn span(self, range: std::ops::Range<usize>) -> Span {
        Span {
            source: self,
            start: range.start,
            end: range.end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_where_it_stands() {
        let mut map = SourceMap::default();
        let id = map.add("x", "b: a and b");
        assert_eq!(map.word(id.span(3..10), "b"), id.span(9..10));
        assert_eq!(map.word(id.span(3..10), "c"), id.span(3..10));
        assert_eq!(map.word(id.span(30..70), "b"), id.span(30..70));
    }

    #[test]
    fn lines_are_whole() {
        let mut map = SourceMap::default();
        let id = map.add("x", "ab\ncd\nef\n");
        let source = map.get(id);
        assert_eq!(source.lines(4..5), (2, 3..6));
        assert_eq!(source.lines(1..4), (1, 0..6));
        assert_eq!(source.lines(9..9), (3, 6..9), "the end is of the last line");
        assert_eq!(source.lines(70..90), (3, 6..9), "past the end counts as the end");
        let empty = map.add("y", "");
        assert_eq!(map.get(empty).lines(0..0), (1, 0..0));
    }

    #[test]
    fn positions_count_characters_not_bytes() {
        let mut map = SourceMap::default();
        let id = map.add("x", "ab\né😀x\n");
        let source = map.get(id);
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(3), Position { line: 2, column: 1 });
        assert_eq!(source.position(9), Position { line: 2, column: 3 });
        assert_eq!(source.position(4), Position { line: 2, column: 1 }, "inside é");
        assert_eq!(source.position(999), Position { line: 3, column: 1 });
    }
}
