//! The tags of a Tera template and the tokens inside, with their places, as Tera's own lexer sees them.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) enum PieceKind {
    /// A name or keyword.
    Name,
    /// A quoted text.
    Text,
    /// A number.
    Number,
    /// An operator, a bracket, a comma.
    Symbol,
}

/// A token.
#[derive(Debug, Clone)]
pub(in crate::render) struct TeraToken<'t> {
    pub(in crate::render) kind: PieceKind,
    pub(in crate::render) text: &'t str,
    pub(in crate::render) range: Range<usize>,
}

impl TeraToken<'_> {
    /// Returns whether it is this symbol.
    pub(in crate::render) fn is(&self, symbol: &str) -> bool {
        self.kind == PieceKind::Symbol && self.text == symbol
    }

    /// Returns whether it is this name.
    pub(in crate::render) fn names(&self, name: &str) -> bool {
        self.kind == PieceKind::Name && self.text == name
    }
}

/// A tag.
#[derive(Debug)]
pub(in crate::render) struct TeraTag<'t> {
    /// Whether it prints a value; others are statements.
    pub(in crate::render) prints: bool,
    pub(in crate::render) tokens: Vec<TeraToken<'t>>,
    /// Where it starts, at its delimiter.
    pub(in crate::render) start: usize,
    /// Where it ends, behind its delimiter.
    pub(in crate::render) end: usize,
    /// Whether it takes the white space behind it away.
    pub(in crate::render) trims: bool,
}

/// Returns the tags of a template, up to what Tera's lexer refuses, and the start of what that is.
pub(in crate::render) fn tags(text: &str) -> (Vec<TeraTag<'_>>, Option<usize>) {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('#').map(|offset| at + offset) {
        let rest = &text[start..];
        let trims = usize::from(rest.as_bytes().get(2) == Some(&b'-'));
        let inside = start + 2 + trims;
        if rest.starts_with("#|") {
            let Some(end) = text[inside..].find("|#") else {
                return (tags, Some(start));
            };
            at = inside + end + 2;
        } else if rest.starts_with("#%") {
            if let Some(body) = named(text, inside, "raw") {
                let Some(end) = end_of_raw(text, body) else {
                    return (tags, Some(start));
                };
                at = end;
                continue;
            }
            let Some(tag) = tag(text, start, inside, "%#") else {
                return (tags, Some(start));
            };
            at = tag.end;
            tags.push(tag);
        } else if rest.starts_with("#{") {
            let Some(tag) = tag(text, start, inside, "}#") else {
                return (tags, Some(start));
            };
            at = tag.end;
            tags.push(tag);
        } else {
            at = start + 1;
        }
    }
    (tags, None)
}

/// Returns where a statement of this one name ends whose delimiter stands before `at`.
fn named(text: &str, at: usize, name: &str) -> Option<usize> {
    let blank = |c: char| c.is_ascii_whitespace();
    let rest = &text[at..];
    let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start_matches(blank);
    let rest = rest.strip_prefix(name)?.trim_start_matches(blank);
    let rest = rest.strip_prefix('-').unwrap_or(rest).strip_prefix("%#")?;
    Some(text.len() - rest.len())
}

fn end_of_raw(text: &str, body: usize) -> Option<usize> {
    let mut at = body;
    loop {
        at += text[at..].find("#%")? + 2;
        if let Some(end) = named(text, at, "endraw") {
            return Some(end);
        }
    }
}

/// Reads a tag up to its end; `None` for what Tera refuses.
fn tag<'t>(text: &'t str, start: usize, inside: usize, close: &str) -> Option<TeraTag<'t>> {
    let mut tokens = Vec::new();
    let mut at = inside;
    loop {
        let rest = text[at..].trim_start_matches(|c: char| c.is_ascii_whitespace());
        at = text.len() - rest.len();
        let trims = rest.starts_with('-') && rest[1..].starts_with(close);
        if trims || rest.starts_with(close) {
            return Some(TeraTag {
                prints: close == "}#",
                tokens,
                start,
                end: at + close.len() + usize::from(trims),
                trims,
            });
        }
        let (kind, length) = token(rest)?;
        tokens.push(TeraToken {
            kind,
            text: &rest[..length],
            range: at..at + length,
        });
        at += length;
    }
}

/// Symbols of more than one character, the longest first.
const LONG: [&str; 10] = ["...", "//", "**", "==", "!=", ">=", "<=", "</", "?.", "?["];

/// Reads a token.
fn token(rest: &str) -> Option<(PieceKind, usize)> {
    let bytes = rest.as_bytes();
    if let Some(symbol) = LONG.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Some((PieceKind::Symbol, symbol.len()));
    }
    match *bytes.first()? {
        b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'.' | b',' | b':' | b'~' | b'|' | b'=' | b'>' | b'<'
        | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'@' => Some((PieceKind::Symbol, 1)),
        quote @ (b'\'' | b'"' | b'`') => {
            let mut escaped = false;
            let length = bytes[1..].iter().position(|byte| {
                let ends = *byte == quote && !escaped;
                escaped = *byte == b'\\' && !escaped;
                ends
            })?;
            Some((PieceKind::Text, length + 2))
        }
        byte if byte.is_ascii_digit() => {
            let mut dot = false;
            let digit = |byte: &&u8| {
                let first_dot = **byte == b'.' && !dot;
                dot |= first_dot;
                first_dot || byte.is_ascii_digit()
            };
            Some((PieceKind::Number, bytes.iter().take_while(digit).count()))
        }
        byte if byte.is_ascii_alphabetic() || byte == b'_' => {
            let letter = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
            Some((PieceKind::Name, bytes.iter().take_while(letter).count()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<String> {
        let (tags, _) = tags(text);
        let words = |tag: &TeraTag<'_>| tag.tokens.iter().map(|t| t.text.to_owned()).collect::<Vec<_>>();
        tags.iter().map(|tag| words(tag).join(" ")).collect()
    }

    #[test]
    fn tags_are_those_that_tera_sees() {
        assert_eq!(
            seen("a #{ x.y }# b #%- if a == 1.5 -%##% endif %#"),
            ["x . y", "if a == 1.5", "endif"]
        );
        assert_eq!(seen("#{ '}#' ~ \"\\\"}#\" ~ `x` }#"), ["'}#' ~ \"\\\"}#\" ~ `x`"]);
        assert_eq!(seen("#| #{ no }# |##{ yes }#"), ["yes"]);
        assert_eq!(seen("#% raw %##{ no }##%- endraw -%##{ yes }#"), ["yes"]);
        assert_eq!(seen("# a ## #{ [...a, 1..2] }#"), ["[ ... a , 1. . 2 ]"]);
        assert_eq!(seen("#{ a?.b?[1] -}#"), ["a ?. b ?[ 1 ]"]);
        assert_eq!(seen("#{ a }##{ é }##{ b }#"), ["a"], "what Tera refuses ends it");
        let (tags, _) = tags("é#{ a -}#");
        assert_eq!((tags[0].start, tags[0].end, tags[0].trims), (2, 10, true));
    }
}
