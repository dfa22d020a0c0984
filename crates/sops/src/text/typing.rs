//! What SOPS makes of a scalar: the resolver of go-yaml 3.0.4 (`resolve.go`), and the bytes that SOPS 3.13 encrypts
//! and hashes for each type (`sops.go`, `ToBytes`). Kubernetes and Flux read YAML with the same family of readers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use yaml::Style;

use crate::text::value::{Plain, ValueType};

/// A scalar as SOPS sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Typed {
    /// Never encrypted, never hashed.
    Null,
    /// A value; an empty text is never encrypted and hashes as nothing.
    Value(Plain),
    /// An unsigned integer beyond 63 bits: SOPS cannot walk over it.
    TooLarge,
    /// A tag that the value contradicts; go-yaml reads it as null.
    BadTag,
}

/// Types a scalar by its text, style and tag.
pub(crate) fn scalar(text: &str, style: Style, tag: Option<&str>) -> Typed {
    let long = tag
        .and_then(|tag| tag.strip_prefix("!<tag:yaml.org,2002:")?.strip_suffix('>'))
        .map(|name| format!("!!{name}"));
    match long.as_deref().or(tag) {
        None | Some("!") => match style {
            Style::Plain if tag.is_none() => plain(text),
            _ => string(text),
        },
        Some("!!binary") => {
            let compact: String = text.split_ascii_whitespace().collect();
            STANDARD.decode(compact).map_or(Typed::BadTag, |bytes| {
                Typed::Value(Plain::new(ValueType::Str, bytes))
            })
        }
        Some(tag @ ("!!int" | "!!float" | "!!bool" | "!!null" | "!!timestamp")) => tagged(text, tag),
        Some(_) => string(text),
    }
}

fn string(text: &str) -> Typed {
    Typed::Value(Plain::new(ValueType::Str, text))
}

fn tagged(text: &str, tag: &str) -> Typed {
    let found = if tag == "!!timestamp" || timestamp(text).is_none() {
        plain(text)
    } else {
        string(text)
    };
    let kind = match &found {
        Typed::Value(plain) => plain.kind,
        Typed::Null if tag == "!!null" => return found,
        Typed::TooLarge if tag == "!!int" => return found,
        _ => return Typed::BadTag,
    };
    match (tag, kind) {
        ("!!int", ValueType::Int)
        | ("!!float", ValueType::Float)
        | ("!!bool", ValueType::Bool)
        | ("!!timestamp", ValueType::Time) => found,
        ("!!float", ValueType::Int) => match found {
            Typed::Value(plain) => Typed::Value(Plain {
                kind: ValueType::Float,
                ..plain
            }),
            other => other,
        },
        _ => Typed::BadTag,
    }
}

/// Types plain, untagged text.
pub(crate) fn plain(text: &str) -> Typed {
    let value = |kind, text: &str| Typed::Value(Plain::new(kind, text));
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Typed::Null,
        "true" | "True" | "TRUE" => return value(ValueType::Bool, "True"),
        "false" | "False" | "FALSE" => return value(ValueType::Bool, "False"),
        ".nan" | ".NaN" | ".NAN" => return value(ValueType::Float, "NaN"),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return value(ValueType::Float, "+Inf"),
        "-.inf" | "-.Inf" | "-.INF" => return value(ValueType::Float, "-Inf"),
        _ => {}
    }
    if text.starts_with('.') {
        return float(text).map_or_else(|| string(text), |text| value(ValueType::Float, &text));
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
        return string(text);
    }
    if let Some(time) = timestamp(text) {
        return value(ValueType::Time, &time);
    }
    let digits = text.replace('_', "");
    match integer(&digits) {
        Some(Ok(number)) => return value(ValueType::Int, &number.to_string()),
        Some(Err(())) => return Typed::TooLarge,
        None => {}
    }
    if let Some(text) = float(&digits) {
        return value(ValueType::Float, &text);
    }
    // go-yaml also tries `0b` and `0o` itself, which changes nothing after strconv.ParseInt with base 0.
    string(text)
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`; `Err` is an unsigned integer beyond `i64`.
fn integer(text: &str) -> Option<Result<i64, ()>> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let bytes = digits.as_bytes();
    let (radix, digits) = match (bytes.first(), bytes.get(1)) {
        (Some(b'0'), Some(b'x' | b'X')) => (16, &digits[2..]),
        (Some(b'0'), Some(b'o' | b'O')) => (8, &digits[2..]),
        (Some(b'0'), Some(b'b' | b'B')) => (2, &digits[2..]),
        (Some(b'0'), Some(_)) => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0_i64.checked_sub_unsigned(magnitude).map(Ok);
    }
    match i64::try_from(magnitude) {
        Ok(number) => Some(Ok(number)),
        // ParseUint takes no sign; with one, go-yaml goes on to read a float.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Err(())),
    }
}

/// A float by go-yaml's pattern `[-+]?(\.d+|d+(\.d*)?)([eE][-+]?d+)?`, as SOPS writes it.
fn float(text: &str) -> Option<String> {
    let digits = |s: &str| s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if whole == 0 && count == 0 {
            return None;
        }
        rest = &fraction[count..];
    } else if whole == 0 {
        return None;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if exponent.is_empty() || digits(exponent) != exponent.len() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    number.is_finite().then(|| format!("{number}"))
}

/// go-yaml's four timestamp layouts; returns RFC 3339 as Go's `MarshalText` writes it.
fn timestamp(text: &str) -> Option<String> {
    let mut scan = Scan(text);
    let year = scan.digits(4, 4)?;
    scan.literal("-")?;
    let month = scan.digits(1, 2)?;
    scan.literal("-")?;
    let day = scan.digits(1, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) {
        return None;
    }
    if scan.0.is_empty() {
        return Some(format!("{year:04}-{month:02}-{day:02}T00:00:00Z"));
    }
    let zoned = match scan.0.as_bytes()[0] {
        b'T' | b't' => true,
        b' ' => false,
        _ => return None,
    };
    scan.0 = &scan.0[1..];
    let hour = scan.digits(1, 2)?;
    scan.literal(":")?;
    let minute = scan.digits(1, 2)?;
    scan.literal(":")?;
    let second = scan.digits(1, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut fraction = "";
    if scan.0.starts_with(['.', ',']) {
        let count = scan.0[1..].bytes().take_while(u8::is_ascii_digit).count();
        if count == 0 {
            return None;
        }
        fraction = &scan.0[1..=count];
        scan.0 = &scan.0[count + 1..];
    }
    let fraction = fraction[..fraction.len().min(9)].trim_end_matches('0');
    let zone = if zoned {
        zone(scan.0)?
    } else {
        scan.0.is_empty().then(|| "Z".to_owned())?
    };
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{dot}{fraction}{zone}"
    ))
}

/// `Z` or `±hh:mm`; an offset of nothing is `Z`.
fn zone(text: &str) -> Option<String> {
    if text == "Z" {
        return Some("Z".to_owned());
    }
    let mut scan = Scan(text.strip_prefix(['+', '-'])?);
    let hours = scan.digits(2, 2)?;
    scan.literal(":")?;
    let minutes = scan.digits(2, 2)?;
    // Go refuses to write offsets of a day and more (`MarshalText`) and to read minutes beyond 60.
    if !scan.0.is_empty() || hours > 23 || minutes > 59 {
        return None;
    }
    Some(if hours == 0 && minutes == 0 {
        "Z".to_owned()
    } else {
        text.to_owned()
    })
}

struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits.parse().ok()
    }

    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_plain_scalars_as_go_yaml_does() {
        use ValueType::{Bool, Float, Int, Str, Time};
        for (text, kind, bytes) in [
            ("true", Bool, "True"),
            ("FALSE", Bool, "False"),
            ("yes", Str, "yes"),
            ("on", Str, "on"),
            ("12", Int, "12"),
            ("-7", Int, "-7"),
            ("+7", Int, "7"),
            ("0x1F", Int, "31"),
            ("0o17", Int, "15"),
            ("017", Int, "15"),
            ("-017", Int, "-15"),
            ("0b11", Int, "3"),
            ("08", Float, "8"),
            ("1_000", Int, "1000"),
            ("12345_54321", Int, "1234554321"),
            ("9223372036854775807", Int, "9223372036854775807"),
            ("-9223372036854775808", Int, "-9223372036854775808"),
            ("-9223372036854775809", Float, "-9223372036854776000"),
            ("99999999999999999999", Float, "100000000000000000000"),
            ("1.50", Float, "1.5"),
            ("1.0", Float, "1"),
            ("1.", Float, "1"),
            (".5", Float, "0.5"),
            ("-1e-3", Float, "-0.001"),
            ("1e10", Float, "10000000000"),
            (".inf", Float, "+Inf"),
            ("-.INF", Float, "-Inf"),
            (".nan", Float, "NaN"),
            ("1e999", Str, "1e999"),
            ("1.2.3", Str, "1.2.3"),
            ("10.0.0.0/8", Str, "10.0.0.0/8"),
            ("12:30:45", Str, "12:30:45"),
            ("-", Str, "-"),
            (".", Str, "."),
            ("0x", Str, "0x"),
            ("2024-01-01", Time, "2024-01-01T00:00:00Z"),
            ("2024-1-2", Time, "2024-01-02T00:00:00Z"),
            ("2024-02-30", Str, "2024-02-30"),
            ("2024-01-01t1:2:3.50+02:00", Time, "2024-01-01T01:02:03.5+02:00"),
            ("2024-01-01 01:02:03", Time, "2024-01-01T01:02:03Z"),
            ("2024-01-01T01:02:03", Str, "2024-01-01T01:02:03"),
            ("2024-01-01T01:02:03+00:00", Time, "2024-01-01T01:02:03Z"),
            ("2024-01", Str, "2024-01"),
        ] {
            assert_eq!(plain(text), Typed::Value(Plain::new(kind, bytes)), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(plain(text), Typed::Null);
        }
        assert_eq!(plain("9223372036854775808"), Typed::TooLarge);
    }

    #[test]
    fn quotes_and_tags_decide_before_the_text() {
        let str = |text: &str| Typed::Value(Plain::new(ValueType::Str, text));
        assert_eq!(scalar("12", Style::DoubleQuoted, None), str("12"));
        assert_eq!(scalar("12", Style::Plain, Some("!!str")), str("12"));
        assert_eq!(scalar("12", Style::Plain, Some("!custom")), str("12"));
        assert_eq!(scalar("aGk=", Style::Plain, Some("!!binary")), str("hi"));
        assert_eq!(
            scalar("12", Style::SingleQuoted, Some("!!int")),
            Typed::Value(Plain::new(ValueType::Int, "12"))
        );
        assert_eq!(
            scalar("12", Style::Plain, Some("!!float")),
            Typed::Value(Plain::new(ValueType::Float, "12"))
        );
        assert_eq!(scalar("x", Style::Plain, Some("!!int")), Typed::BadTag);
    }
}
