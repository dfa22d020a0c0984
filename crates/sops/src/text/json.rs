//! JSON with byte ranges, as the same tree that YAML gives, so that everything else is the same.
//!
//! SOPS reads JSON with other rules than YAML: tabs, surrogate pairs, no comments, and numbers that are `int` when they
//! fit 64 bits and `float` otherwise.

use std::ops::Range;

use yaml::{Kind, Node, Style};
use zeroize::Zeroizing;

use crate::error::SopsError;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 200;

/// Reads one object and nothing behind it.
pub(crate) fn parse(text: &str) -> Result<Node, SopsError> {
    let mut reader = Reader { text, at: 0 };
    reader.blank();
    if reader.text[reader.at..].is_empty() {
        return Err(SopsError::EmptyDocument);
    }
    let node = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.wrong("something follows the end of the document"));
    }
    match node.kind {
        Kind::Map(_) => Ok(node),
        _ => Err(SopsError::NotAMapping { span: node.span }),
    }
}

/// Writes a text as a JSON string.
pub(crate) fn quoted(text: &str) -> Zeroizing<String> {
    use std::fmt::Write as _;
    // One allocation, so that no copy of a plaintext is left behind by growth.
    let mut out = Zeroizing::new(String::with_capacity(6 * text.len() + 2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, message: &str) -> SopsError {
        let next = self.text[self.at..].chars().next();
        SopsError::Syntax {
            format: "JSON",
            message: message.to_owned(),
            span: self.at..self.at + next.map_or(0, char::len_utf8),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes a byte if it is the next one.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Node, SopsError> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("the nesting is too deep"));
        }
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => {
                return self.string();
            }
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.wrong("a value is expected")),
        };
        Ok(node(kind, start..self.at))
    }

    fn map(&mut self, depth: usize) -> Result<Kind, SopsError> {
        self.at += 1;
        let mut entries = Vec::new();
        self.blank();
        if self.take(b'}') {
            return Ok(Kind::Map(entries));
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in quotes is expected"));
            }
            let key = self.string()?;
            self.blank();
            if !self.take(b':') {
                return Err(self.wrong("`:` is expected"));
            }
            self.blank();
            let value = self.value(depth + 1)?;
            entries.push((key, value));
            self.blank();
            if self.take(b'}') {
                return Ok(Kind::Map(entries));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `}` is expected"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Kind, SopsError> {
        self.at += 1;
        let mut items = Vec::new();
        self.blank();
        if self.take(b']') {
            return Ok(Kind::Seq(items));
        }
        loop {
            self.blank();
            items.push(self.value(depth + 1)?);
            self.blank();
            if self.take(b']') {
                return Ok(Kind::Seq(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("`,` or `]` is expected"));
            }
        }
    }

    fn word(&mut self, word: &str) -> Result<Kind, SopsError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("a value is expected"));
        }
        self.at += word.len();
        Ok(scalar(word.to_owned(), Style::Plain))
    }

    fn number(&mut self) -> Result<Kind, SopsError> {
        let start = self.at;
        let digits = |reader: &mut Self| {
            let from = reader.at;
            while reader.peek().is_some_and(|b| b.is_ascii_digit()) {
                reader.at += 1;
            }
            reader.at - from
        };
        self.take(b'-');
        let zero = self.peek() == Some(b'0');
        let whole = digits(self);
        if whole == 0 || (zero && whole > 1) {
            return Err(self.wrong("a number is malformed"));
        }
        if self.take(b'.') && digits(self) == 0 {
            return Err(self.wrong("a number is malformed"));
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if digits(self) == 0 {
                return Err(self.wrong("a number is malformed"));
            }
        }
        let text = &self.text[start..self.at];
        let integer = !text.contains(['.', 'e', 'E']);
        let value = match text.parse::<f64>() {
            Ok(number) if !number.is_finite() => return Err(self.wrong("a number is too large")),
            // SOPS keeps what does not fit 64 bits as a float.
            Ok(number) if integer && text.parse::<i64>().is_err() => format!("{number}.0"),
            _ => text.to_owned(),
        };
        Ok(scalar(value, Style::Plain))
    }

    fn string(&mut self) -> Result<Node, SopsError> {
        let start = self.at;
        self.at += 1;
        // One allocation, so that no copy of a plaintext is left behind by growth.
        let mut value = String::with_capacity(self.string_length());
        loop {
            let Some(c) = self.text[self.at..].chars().next() else {
                return Err(self.wrong("a string does not end"));
            };
            self.at += c.len_utf8();
            match c {
                '"' => break,
                '\\' => value.push(self.escape()?),
                c if c < ' ' => return Err(self.wrong("a line break or control character in a string")),
                c => value.push(c),
            }
        }
        Ok(node(scalar(value, Style::DoubleQuoted), start..self.at))
    }

    /// Returns how many bytes follow before the closing quote.
    fn string_length(&self) -> usize {
        let mut escaped = false;
        let bytes = self.text.as_bytes()[self.at..].iter();
        bytes
            .take_while(|byte| {
                let end = **byte == b'"' && !escaped;
                escaped = **byte == b'\\' && !escaped;
                !end
            })
            .count()
    }

    fn escape(&mut self) -> Result<char, SopsError> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some_and(|b| b.is_ascii()));
        Ok(match byte {
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex()?;
                let rest = &self.text[self.at..];
                if (0xd800..0xdc00).contains(&high) && rest.starts_with("\\u") {
                    let before = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
                    }
                    self.at = before;
                }
                // Half a pair alone becomes the replacement character, as in Go.
                char::from_u32(high).unwrap_or('\u{fffd}')
            }
            _ => return Err(self.wrong("an escape is malformed")),
        })
    }

    fn hex(&mut self) -> Result<u32, SopsError> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.wrong("an escape is malformed"))?;
        self.at += 4;
        Ok(code)
    }
}

fn scalar(value: String, style: Style) -> Kind {
    Kind::Scalar { value, style }
}

pub(crate) fn node(kind: Kind, span: Range<usize>) -> Node {
    Node {
        kind,
        span,
        tag: None,
        anchor: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_have_their_text_and_place() {
        let text = "{ \"a\\u00e9\\ud83d\\ude00\" : [1, -0.5e3,\t\"x\\/\\n\"],\n\"n\": null, \"big\": 12345678901234567890 }\n";
        let root = parse(text).unwrap();
        let (key, list) = &root.entries()[0];
        assert_eq!(key.as_str(), Some("a\u{e9}\u{1F600}"));
        let shown: Vec<(&str, &str)> = list
            .items()
            .iter()
            .map(|item| (item.as_str().unwrap(), &text[item.span.clone()]))
            .collect();
        assert_eq!(shown, [("1", "1"), ("-0.5e3", "-0.5e3"), ("x/\n", "\"x\\/\\n\"")]);
        assert_eq!(root.get("big").unwrap().as_str(), Some("12345678901234567000.0"));
        assert_eq!(&text[root.span.clone()], text.trim_end());
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, at) in [
            ("{\"a\": 1,}", 8),
            ("{\"a\": 01}", 8),
            ("{a: 1}", 1),
            ("{é: 1}", 1),
            ("{\"a\": \"\u{1}\"}", 8),
            ("{\"a\": \"\\x\"}", 9),
            ("{\"a\": 1} x", 9),
            ("{\"a\": 1e999}", 11),
            ("{\"a\"", 4),
        ] {
            match parse(text) {
                Err(SopsError::Syntax { span, .. }) => {
                    assert_eq!(span.start, at, "{text}");
                    assert!(text.get(span).is_some(), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(parse("[1]"), Err(SopsError::NotAMapping { .. })));
        assert!(matches!(parse(" "), Err(SopsError::EmptyDocument)));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
        assert!(parse(&deep).is_err());
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_its_quotes(text in any::<String>()) {
            let document = format!("{{\"k\": {}}}", quoted(&text).as_str());
            let root = parse(&document).unwrap();
            prop_assert_eq!(root.get("k").unwrap().as_str(), Some(text.as_str()));
            let judge: serde_json::Value = serde_json::from_str(&document).unwrap();
            prop_assert_eq!(judge["k"].as_str(), Some(text.as_str()));
        }

        #[test]
        fn the_judge_agrees_on_what_is_json(text in "[\\[\\]{}:,\"\\\\ue0-9. tfn-]{0,24}") {
            if parse(&text).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }
    }
}
