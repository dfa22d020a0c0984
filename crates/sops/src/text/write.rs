//! Writing values into YAML text so that every reader gets the same value back: YAML 1.2, go-yaml and YAML 1.1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use yaml::emit::is_printable;
use yaml::{double_quoted as quoted, scalar};
use zeroize::Zeroizing;

use crate::text::typing::{self, Typed};
use crate::text::value::{Plain, ValueType};

/// Writes a value on one line.
pub(crate) fn inline(plain: &Plain, in_flow: bool) -> Zeroizing<String> {
    let Some(text) = plain.text() else {
        return Zeroizing::new(format!("!!binary {:?}", STANDARD.encode(&*plain.bytes)));
    };
    Zeroizing::new(match plain.kind {
        ValueType::Str | ValueType::Comment => return string(text, in_flow),
        ValueType::Int | ValueType::Time => text.to_owned(),
        ValueType::Bool => text.to_ascii_lowercase(),
        ValueType::Float => match text {
            "NaN" => ".nan".to_owned(),
            "+Inf" => ".inf".to_owned(),
            "-Inf" => "-.inf".to_owned(),
            _ if text.contains('.') => text.to_owned(),
            // `1` would be read as an integer.
            _ => format!("{text}.0"),
        },
    })
}

/// Writes a text on one line, plain where no reader can take it for something else.
pub(crate) fn string(text: &str, in_flow: bool) -> Zeroizing<String> {
    if is_plain(text, in_flow) {
        Zeroizing::new(text.to_owned())
    } else {
        quoted(text)
    }
}

fn is_plain(text: &str, in_flow: bool) -> bool {
    let first = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '^' | '(' | '.' | '+' | '$');
    let other = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' '..='~') && !(in_flow && matches!(c, ',' | '[' | ']' | '{' | '}'))
    };
    let misread = text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || (in_flow && text.contains(':'));
    text.starts_with(first)
        && text.chars().all(other)
        && !misread
        && matches!(typing::plain(text), Typed::Value(plain) if plain.kind == ValueType::Str)
        && scalar::resolve(text).is_string()
        && scalar::yaml11_trap(text).is_none()
}

/// A text as a literal block: the header, and the lines with this indentation, the first line break included.
/// `None` where a block would not be read back as the same text.
pub(crate) fn literal(text: &str, indent: usize) -> Option<(&'static str, Zeroizing<String>)> {
    let (header, body) = match text.strip_suffix('\n') {
        Some(body) => ("|", body),
        None => ("|-", text),
    };
    let readable = body.contains('\n') || header == "|";
    if !readable
        || body.is_empty()
        || body.starts_with([' ', '\t', '\n'])
        || body.ends_with('\n')
        || body.lines().next_back().is_none_or(|line| line.trim().is_empty())
        || !body.chars().all(|c| c == '\n' || c == '\t' || is_printable(c))
    {
        return None;
    }
    let lines = body.split('\n').count();
    let mut out = Zeroizing::new(String::with_capacity(body.len() + lines * (indent + 1)));
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    Some((header, out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn str(text: &str) -> String {
        string(text, false).to_string()
    }

    #[test]
    fn strings_are_quoted_exactly_when_a_reader_would_trip() {
        for plain in [
            "hunter2",
            "a b",
            "^(data|stringData)$",
            "v1.2.3",
            "a:b",
            "10.0.0.0/8",
            "é",
        ] {
            assert_eq!(str(plain), plain);
        }
        for quoted in [
            "",
            "12",
            "on",
            "y",
            "null",
            "~",
            "0777",
            "2024-01-01",
            "a: b",
            "a #b",
            "-x",
            "x ",
            "*a",
            "\u{1}",
        ] {
            assert!(str(quoted).starts_with('"'), "{quoted}");
        }
        assert_eq!(string("a,b", true).as_str(), "\"a,b\"");
        assert_eq!(
            quoted("a\u{85}\u{1F600}\t\"").as_str(),
            "\"a\\u0085\u{1F600}\\t\\\"\""
        );
    }

    #[test]
    fn numbers_keep_their_type() {
        let of = |kind, text: &str| inline(&Plain::new(kind, text), false).to_string();
        assert_eq!(of(ValueType::Float, "10000000000"), "10000000000.0");
        assert_eq!(of(ValueType::Float, "-Inf"), "-.inf");
        assert_eq!(of(ValueType::Bool, "True"), "true");
        assert_eq!(of(ValueType::Str, "7"), "\"7\"");
    }
}
