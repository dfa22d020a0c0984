//! YAML as go-yaml v3 reads it, the reader of kustomize and of Flux: where it goes beyond [`parse`](crate::parse()), and what
//! it takes plain scalars for.
//!
//! Source of the rules: `resolve.go` and `scannerc.go` of `go.yaml.in/yaml/v3`.

use std::ops::Range;

use crate::parse::{Keys, Kind, Node, ParseError, parse_with};

/// How often a text is read again for a key such as `*name:`, which only go-yaml takes for an alias and a colon.
const MAX_KEYS: usize = 500;

/// Reads a stream of documents. A key may be an alias, `*name : value` as well as `*name: value`; such a key is a node of
/// [`Kind::Alias`], and whether it is given twice is not looked at.
///
/// # Errors
/// As [`parse`](crate::parse()) has them.
pub fn parse(text: &str) -> Result<Vec<Node>, ParseError> {
    let error = match parse_with(text, Keys::Aliases) {
        Ok(documents) => return Ok(documents),
        Err(error) => error,
    };
    let Some(first) = colon_of_alias(text, error.span.start) else {
        return Err(error);
    };
    let mut spaced = text.to_owned();
    // The places in `text` before which a blank was put into `spaced`, in their order.
    let mut blanks = Vec::new();
    let mut at = first;
    while blanks.len() < MAX_KEYS {
        spaced.insert(at, ' ');
        let original = at - blanks.iter().filter(|blank| **blank < at).count();
        let place = blanks.partition_point(|blank| *blank < original);
        blanks.insert(place, original);
        match parse_with(&spaced, Keys::Aliases) {
            Ok(mut documents) => {
                documents.iter_mut().for_each(|root| move_back(root, &blanks));
                return Ok(documents);
            }
            Err(mut error) => {
                if let Some(next) = colon_of_alias(&spaced, error.span.start) {
                    at = next;
                    continue;
                }
                error.span = back(&error.span, &blanks);
                error.first = error.first.map(|first| back(&first, &blanks));
                return Err(error);
            }
        }
    }
    Err(error)
}

/// Finds the colon at the end of `*name:` around `at`, where the parser says that it knows no such anchor.
fn colon_of_alias(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let line = bytes[..at.min(bytes.len())]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let end = bytes[line..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| line + length);
    let star = (line..end)
        .rev()
        .find(|star| bytes[*star] == b'*' && *star <= at)?;
    let name = bytes[star + 1..end]
        .iter()
        .take_while(|byte| is_name(byte))
        .count();
    let colon = star + 1 + name;
    let follows = bytes.get(colon + 1).is_none_or(u8::is_ascii_whitespace);
    (name > 0 && bytes.get(colon) == Some(&b':') && follows).then_some(colon)
}

/// A range of the text with blanks, in the text without.
fn back(span: &Range<usize>, blanks: &[usize]) -> Range<usize> {
    let one = |mut at: usize| {
        for (before, blank) in blanks.iter().enumerate() {
            if blank + before >= at {
                return at - before;
            }
        }
        at -= blanks.len();
        at
    };
    one(span.start)..one(span.end)
}

fn move_back(node: &mut Node, blanks: &[usize]) {
    node.span = back(&node.span, blanks);
    match &mut node.kind {
        Kind::Seq(items) => items.iter_mut().for_each(|item| move_back(item, blanks)),
        Kind::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            move_back(key, blanks);
            move_back(value, blanks);
        }),
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
}

/// What go-yaml takes a plain scalar for.
#[derive(Debug, Clone, PartialEq)]
pub enum Plain {
    /// `~`, `null` or nothing.
    Null,
    /// `true` or `false`; `yes`, `on` and their like are texts.
    Bool(bool),
    /// A whole number; `0777` is octal.
    Int(i128),
    /// Any other number, endless ones and `.nan` included.
    Float(f64),
    /// A date, with the text that it becomes in JSON.
    Timestamp(String),
    /// `<<`
    Merge,
    /// Anything else.
    Text,
}

/// Types plain text as go-yaml v3 does.
pub fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Plain::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Float(f64::NEG_INFINITY),
        "<<" => return Plain::Merge,
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => float(text).map_or(Plain::Text, Plain::Float),
        b'0'..=b'9' | b'+' | b'-' => number(text),
        _ => Plain::Text,
    }
}

fn number(text: &str) -> Plain {
    if let Some(date) = timestamp(text) {
        return Plain::Timestamp(date);
    }
    let plain = text.replace('_', "");
    integer(&plain)
        .map(Plain::Int)
        .or_else(|| float(&plain).map(Plain::Float))
        .unwrap_or(Plain::Text)
}

fn integer(plain: &str) -> Option<i128> {
    let (sign, digits) = match plain.strip_prefix(['-', '+']) {
        Some(digits) => (if plain.starts_with('-') { -1 } else { 1 }, digits),
        None => (1, plain),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = lower.strip_prefix("0o") {
        (8, octal)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let number = sign * i128::from(u64::from_str_radix(digits, radix).ok()?);
    let is_signed = plain.starts_with(['-', '+']);
    let fits = i64::try_from(number).is_ok() || (!is_signed && u64::try_from(number).is_ok());
    fits.then_some(number)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, which Rust reads as Go does.
fn float(text: &str) -> Option<f64> {
    let allowed = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    (has_digit && text.bytes().all(allowed))
        .then(|| text.parse().ok())?
        .filter(|number: &f64| number.is_finite())
}

/// Reads a date, or a date and a time, and writes it as RFC 3339.
fn timestamp(text: &str) -> Option<String> {
    let (year, rest) = text.split_once('-')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if year.len() != 4 || !digits(year) {
        return None;
    }
    let short = |part: &str, most: u8| -> Option<u8> {
        let number = part.parse().ok().filter(|number| *number <= most)?;
        ((1..=2).contains(&part.len()) && digits(part)).then_some(number)
    };
    let (date, time) = match rest.find(['T', 't', ' ']) {
        Some(at) => (&rest[..at], Some((&rest[at..=at], &rest[at + 1..]))),
        None => (rest, None),
    };
    let (month, day) = date.split_once('-')?;
    let (month, day) = (short(month, 12)?, short(day, 31)?);
    let leap = year
        .parse::<u16>()
        .is_ok_and(|year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if month == 0 || day == 0 || day > days {
        return None;
    }
    let mut out = format!("{year}-{month:02}-{day:02}T");
    let Some((mark, time)) = time else {
        return Some(out + "00:00:00Z");
    };
    let (clock, zone) = match (mark, time.find(['Z', '+', '-'])) {
        (" ", None) => (time, "Z"),
        ("T" | "t", Some(at)) => (&time[..at], &time[at..]),
        _ => return None,
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else {
        return None;
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || fraction.len() > 9 {
        return None;
    }
    out += &format!(
        "{:02}:{:02}:{:02}",
        short(hour, 23)?,
        short(minute, 59)?,
        short(second, 59)?
    );
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        out += &format!(".{fraction}");
    }
    if zone != "Z" {
        let (hours, minutes) = zone[1..].split_once(':')?;
        let both = hours.len() == 2 && minutes.len() == 2;
        both.then(|| Some(short(hours, 24)? + short(minutes, 59)?))??;
    }
    let zone = if matches!(zone, "+00:00" | "-00:00") {
        "Z"
    } else {
        zone
    };
    Some(out + zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_are_typed_as_go_types_them() {
        for (text, plain) in [
            ("", Plain::Null),
            ("yes", Plain::Text),
            ("0777", Plain::Int(511)),
            ("08", Plain::Float(8.0)),
            ("0x1F", Plain::Int(31)),
            ("1_000", Plain::Int(1000)),
            ("18446744073709551615", Plain::Int(18_446_744_073_709_551_615)),
            ("18446744073709551616", Plain::Float(18_446_744_073_709_551_616.0)),
            ("1.50", Plain::Float(1.5)),
            ("1e3", Plain::Float(1000.0)),
            (".5", Plain::Float(0.5)),
            ("1.2.3", Plain::Text),
            ("-", Plain::Text),
            ("+", Plain::Text),
            ("10.0.0.0/8", Plain::Text),
            ("2024-1-2", Plain::Timestamp("2024-01-02T00:00:00Z".to_owned())),
            ("2024-02-30", Plain::Text),
            (
                "2024-01-02T03:04:05.60Z",
                Plain::Timestamp("2024-01-02T03:04:05.6Z".to_owned()),
            ),
            (
                "2024-01-02 03:04:05",
                Plain::Timestamp("2024-01-02T03:04:05Z".to_owned()),
            ),
            (
                "2024-01-02T03:04:05+02:00",
                Plain::Timestamp("2024-01-02T03:04:05+02:00".to_owned()),
            ),
            ("12:30", Plain::Text),
        ] {
            assert_eq!(resolve(text), plain, "{text}");
        }
    }

    #[test]
    fn an_alias_may_be_a_key_with_and_without_a_blank() {
        let text = "a: &app demo\nb:\n  *app : 1\n  x: *app\nc:\n  *app: 2 # *app: no\n  d: [1]\n";
        let roots = parse(text).expect("YAML");
        let entry = |key: &str| &roots[0].get(key).expect("there").entries()[0];
        for (key, value) in [("b", "1"), ("c", "2")] {
            assert!(matches!(entry(key).0.kind, Kind::Alias(_)));
            assert_eq!(&text[entry(key).0.span.clone()], "*app");
            assert_eq!(&text[entry(key).1.span.clone()], value);
        }
        let after = roots[0].path(&["c", "d"]).expect("there");
        assert_eq!(&text[after.items()[0].span.clone()], "1");
        let error = parse("a: &app demo\nb:\n  *app: 1\n  c: *none\n").expect_err("no such anchor");
        assert!(error.span.start >= 30, "{error:?}");
        assert!(parse("a: *none\n").is_err());
        assert!(parse("*none: x\n").is_err());
    }
}
