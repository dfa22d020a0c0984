//! The calls that are put into templates so that what they do is counted, and what they print is looked at: see
//! [`crate::bounds`] and [`super::super::counted`].

use std::ops::Range;

use super::lexer::{JinjaTag, JinjaToken, TokenKind};
use super::{Wrap, Writer, ends_operand, is_keyword};

/// Statements that load another template, with the words that end its name.
const LOADING: [(&str, &[&str]); 4] = [
    ("include", &["ignore", "with", "without"]),
    ("import", &["as", "with", "without"]),
    ("from", &["import"]),
    ("extends", &[]),
];

/// What a printed expression reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jinja) struct Printed {
    /// The expression.
    pub(in crate::jinja) range: Range<usize>,
    /// What it reads without allowing for its absence: names, and what is read of one behind it.
    pub(in crate::jinja) names: Vec<Read>,
}

/// A name that an expression reads, or something of one: `node.address`, `node['address']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jinja) struct Read {
    /// As it is written.
    pub(in crate::jinja) name: String,
    /// Where.
    pub(in crate::jinja) range: Range<usize>,
    /// The name, and the keys that are read of it.
    pub(in crate::jinja) path: Vec<String>,
}

impl Writer<'_> {
    /// Puts a filter around tokens.
    fn around(&mut self, tokens: &[JinjaToken], filter: &str) {
        if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
            self.wraps.push(Wrap {
                range: first.range.start..last.range.end,
                open: "(".to_owned(),
                close: format!(")|{filter}"),
            });
        }
    }

    /// Puts the calls of a tag in; `body` is how long the text is that a loop repeats.
    pub(super) fn calls(&mut self, tag: &JinjaTag, body: usize, closing: &[Option<usize>]) {
        let text = self.text;
        let tokens = tag.tokens.as_slice();
        if !tag.block {
            self.arguments(tokens, closing);
            let number = self.first + self.printed.len();
            self.around(tokens, &format!("__seen({number})"));
            if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
                self.printed.push(Printed {
                    range: first.range.start..last.range.end,
                    names: self.unguarded(tokens, closing),
                });
            }
            return;
        }
        let Some((first, rest)) = tokens.split_first() else {
            return;
        };
        let word = first.text(text);
        if word == "macro" {
            return;
        }
        self.arguments(tokens, closing);
        let top = |rest: &[JinjaToken], ends: &dyn Fn(&str) -> bool| {
            let mut depth = 0_usize;
            rest.iter().position(|token| {
                match token.text(text) {
                    "(" | "[" | "{" if token.kind == TokenKind::Other => depth += 1,
                    ")" | "]" | "}" if token.kind == TokenKind::Other => depth = depth.saturating_sub(1),
                    other => return depth == 0 && token.kind != TokenKind::Text && ends(other),
                }
                false
            })
        };
        match word {
            "set" => match top(rest, &|word| word == "=") {
                Some(at) => self.around(&rest[at + 1..], "__hold"),
                None => self.close(tokens),
            },
            "filter" => self.close(tokens),
            "with" => {
                let mut rest = rest;
                while let Some(at) = top(rest, &|word| word == "=") {
                    rest = &rest[at + 1..];
                    let end = top(rest, &|word| word == ",").unwrap_or(rest.len());
                    self.around(&rest[..end], "__hold");
                    rest = &rest[end..];
                }
            }
            "if" | "elif" if !self.is_path(rest) => self.around(rest, "__ask"),
            "for" => {
                if let Some(at) = top(rest, &|word| word == "in") {
                    let source = &rest[at + 1..];
                    let end = top(source, &|word| matches!(word, "if" | "recursive"));
                    self.around(&source[..end.unwrap_or(source.len())], &format!("__each({body})"));
                }
            }
            _ => {
                if let Some((_, ends)) = LOADING.iter().find(|(loads, _)| *loads == word) {
                    let end = top(rest, &|word| ends.contains(&word));
                    self.around(&rest[..end.unwrap_or(rest.len())], "__enter");
                }
            }
        }
    }

    /// Measures what a block has captured.
    fn close(&mut self, tokens: &[JinjaToken]) {
        if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
            self.wraps.push(Wrap {
                range: first.range.start..last.range.end,
                open: String::new(),
                close: "|__hold".to_owned(),
            });
        }
    }

    /// Whether an expression only reads a name.
    fn is_path(&self, tokens: &[JinjaToken]) -> bool {
        tokens.iter().enumerate().all(|(at, token)| match token.kind {
            TokenKind::Name => at % 2 == 0,
            _ => at % 2 == 1 && token.text(self.text) == ".",
        })
    }

    /// Measures the arguments of calls, for macros and methods keep them.
    fn arguments(&mut self, tokens: &[JinjaToken], closing: &[Option<usize>]) {
        for (at, token) in tokens.iter().enumerate() {
            let text = self.text;
            let opens = token.kind == TokenKind::Other && token.text(text) == "(";
            if !opens || at == 0 || !ends_operand(text, &tokens[at - 1]) {
                continue;
            }
            let Some(end) = closing[at] else { continue };
            let mut start = at + 1;
            let mut next = start;
            while next <= end {
                let token = &tokens[next];
                if next == end || token.kind == TokenKind::Other && token.text(text) == "," {
                    self.argument(&tokens[start..next]);
                    start = next + 1;
                }
                // Over what is nested.
                next = closing[next].filter(|_| next < end).unwrap_or(next) + 1;
            }
        }
    }

    fn argument(&mut self, tokens: &[JinjaToken]) {
        let is = |at: usize, what: &str| tokens.get(at).is_some_and(|token| token.text(self.text) == what);
        if is(0, "*") || is(0, "**") {
            return;
        }
        let value = if is(1, "=") { &tokens[2..] } else { tokens };
        let plain = value.len() == 1 && value[0].kind != TokenKind::Other;
        if !plain && !self.is_path(value) {
            self.around(value, "__hold");
        }
    }

    /// Returns the names that a printed expression reads without allowing for their absence.
    fn unguarded(&self, tokens: &[JinjaToken], closing: &[Option<usize>]) -> Vec<Read> {
        let text = self.text;
        let is = |at: usize, what: &str| tokens.get(at).is_some_and(|token| token.text(text) == what);
        let chooses = |token: &JinjaToken| {
            token.kind == TokenKind::Name
                && matches!(token.text(text), "if" | "or" | "and" | "not" | "in" | "is")
        };
        if tokens.iter().any(chooses) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            let word = token.text(text);
            let behind = at > 0 && (is(at - 1, ".") || is(at - 1, "|"));
            let names = token.kind == TokenKind::Name
                && !is_keyword(word)
                && !matches!(
                    word,
                    "true" | "false" | "none" | "True" | "False" | "None" | "loop" | "self"
                )
                && !behind
                && !is(at + 1, "(")
                && !is(at + 1, "=");
            if !names {
                continue;
            }
            let end = super::operand(text, tokens, at, closing).unwrap_or(at + 1);
            let guarded = (at..end).any(|at| is(at, "|") && (is(at + 1, "default") || is(at + 1, "d")));
            if !guarded {
                self.reads(tokens, at, &mut found);
            }
        }
        found
    }

    /// Adds the name at a token, then what is read of it, one key more each time.
    fn reads(&self, tokens: &[JinjaToken], first: usize, found: &mut Vec<Read>) {
        let text = self.text;
        let is = |at: usize, what: &str| tokens.get(at).is_some_and(|token| token.text(text) == what);
        let start = tokens[first].range.start;
        let mut path = vec![tokens[first].text(text).to_owned()];
        let mut end = first + 1;
        loop {
            let range = start..tokens[end - 1].range.end;
            let name = text[range.clone()].to_owned();
            found.push(Read {
                name,
                range,
                path: path.clone(),
            });
            let key = |at: usize, kind: TokenKind| tokens.get(at).filter(|token| token.kind == kind);
            let (next, key) = if let (true, Some(key)) = (is(end, "."), key(end + 1, TokenKind::Name)) {
                (end + 2, key.text(text))
            } else if let (true, Some(key), true) =
                (is(end, "["), key(end + 1, TokenKind::Text), is(end + 2, "]"))
            {
                (end + 3, key.text(text).trim_matches(['\'', '"']))
            } else {
                return;
            };
            // A method.
            if is(next, "(") {
                return;
            }
            path.push(key.to_owned());
            end = next;
        }
    }
}
