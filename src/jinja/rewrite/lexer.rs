//! The tokens inside of tags, with their places.

use std::ops::Range;

use crate::jinja::options::Options;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A quoted text.
    Text,
    /// A number.
    Number,
    /// A name or keyword.
    Name,
    /// An operator, a bracket, a comma.
    Other,
}

/// A token.
#[derive(Debug, Clone)]
pub(super) struct JinjaToken {
    pub(super) kind: TokenKind,
    pub(super) range: Range<usize>,
}

impl JinjaToken {
    /// Returns its text.
    pub(super) fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.range.clone()]
    }
}

/// A statement or a printed expression.
#[derive(Debug)]
pub(super) struct JinjaTag {
    pub(super) tokens: Vec<JinjaToken>,
    /// Whether it is a statement.
    pub(super) block: bool,
    /// Where its delimiters start and end.
    pub(super) range: Range<usize>,
}

/// Returns the statements and printed expressions, and the starts of the raw sections. Comments and raw sections have no
/// tokens.
pub(super) fn tags(text: &str, options: &Options) -> (Vec<JinjaTag>, Vec<usize>) {
    let starts = [
        (&options.block, Start::Block),
        (&options.variable, Start::Variable),
        (&options.comment, Start::Comment),
    ];
    let (mut tags, mut raws) = (Vec::new(), Vec::new());
    let mut at = 0;
    // Where each delimiter comes next: one that is not there is looked for once.
    let mut next: [Option<usize>; 3] = [Some(0); 3];
    while at < text.len() {
        for (known, (pair, _)) in next.iter_mut().zip(&starts) {
            if known.is_some_and(|known| known < at || !text[known..].starts_with(&pair.start)) {
                *known = text[at..].find(&pair.start).map(|offset| at + offset);
            }
        }
        let found = next
            .iter()
            .zip(&starts)
            .filter_map(|(known, (pair, start))| Some(((*known)?, pair.start.len(), *pair, *start)))
            .min_by_key(|(at, len, ..)| (*at, usize::MAX - len));
        let Some((from, len, pair, start)) = found else {
            break;
        };
        let inside = from + len;
        match start {
            Start::Comment => {
                at = text[inside..]
                    .find(&pair.end)
                    .map_or(text.len(), |end| inside + end + pair.end.len());
            }
            Start::Block | Start::Variable => {
                let (tokens, end) = tokens_until(text, inside, &pair.end);
                let block = start == Start::Block;
                let raw = block && tokens.len() == 1 && tokens[0].text(text) == "raw";
                if raw {
                    raws.push(end);
                }
                at = if raw { after_raw(text, end, options) } else { end };
                tags.push(JinjaTag {
                    tokens,
                    block,
                    range: from..end,
                });
            }
        }
    }
    (tags, raws)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Block,
    Variable,
    Comment,
}

/// Returns the end of the raw section whose content starts at `from`.
fn after_raw(text: &str, from: usize, options: &Options) -> usize {
    let mut at = from;
    while let Some(offset) = text[at..].find(&options.block.start) {
        let inside = at + offset + options.block.start.len();
        let (tokens, end) = tokens_until(text, inside, &options.block.end);
        if tokens.first().is_some_and(|token| token.text(text) == "endraw") {
            return end;
        }
        at = inside;
    }
    text.len()
}

/// Returns the tokens from `from` up to the end delimiter, and where that ends.
fn tokens_until(text: &str, from: usize, end: &str) -> (Vec<JinjaToken>, usize) {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut at = from;
    // White space control right after the start delimiter.
    if text[at..].starts_with(['-', '+']) {
        at += 1;
    }
    while at < text.len() {
        let rest = &text[at..];
        let control = usize::from(rest.starts_with(['-', '+']));
        if depth == 0 && rest[control..].starts_with(end) {
            return (found, at + control + end.len());
        }
        match token(text, at) {
            Some(token) => {
                match token.text(text) {
                    "(" | "[" | "{" => depth += 1,
                    ")" | "]" | "}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                at = token.range.end;
                found.push(token);
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    (found, text.len())
}

/// Reads the token at a place; `None` for white space.
fn token(text: &str, at: usize) -> Option<JinjaToken> {
    let rest = &text[at..];
    let first = rest.chars().next()?;
    let (kind, len) = match first {
        c if c.is_whitespace() => return None,
        '\'' | '"' => (TokenKind::Text, quoted(rest, first)),
        c if c.is_ascii_digit() => {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
            (TokenKind::Number, end.unwrap_or(rest.len()))
        }
        c if c == '_' || c.is_alphabetic() => {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            (TokenKind::Name, end.unwrap_or(rest.len()))
        }
        _ => {
            let double = ["//", "**", "==", "!=", "<=", ">="]
                .iter()
                .any(|op| rest.starts_with(op));
            (TokenKind::Other, if double { 2 } else { first.len_utf8() })
        }
    };
    Some(JinjaToken {
        kind,
        range: at..at + len,
    })
}

/// Returns the length of the quoted text at the start.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (offset, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return offset + 1,
            _ => {}
        }
    }
    rest.len()
}
