//! What a plain scalar means: in the YAML 1.2 core schema, which we read, and in YAML 1.1, which parts of the
//! Kubernetes tool chain still read (go-yaml v2 behind `sigs.k8s.io/yaml`, `PyYAML`).

use serde_json::{Number, Value};

/// Types plain text by the YAML 1.2 core schema.
pub fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return Value::String(text.to_owned());
    }
    if let Some(hex) = text.strip_prefix("0x")
        && let Ok(number) = u64::from_str_radix(hex, 16)
    {
        return number.into();
    }
    if let Some(octal) = text.strip_prefix("0o")
        && let Ok(number) = u64::from_str_radix(octal, 8)
    {
        return number.into();
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    let numeric = |c: char| matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E');
    if text.chars().all(numeric)
        && text.contains(|c: char| c.is_ascii_digit())
        && let Ok(number) = text.parse::<f64>()
        && let Some(number) = Number::from_f64(number)
    {
        return Value::Number(number);
    }
    Value::String(text.to_owned())
}

/// What YAML 1.1 makes of plain text that YAML 1.2 reads differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trap {
    /// `yes`, `no`, `on`, `off`, `y`, `n`: a boolean.
    Boolean,
    /// `0777`, `012`: an octal number.
    Octal,
    /// `1_000`, `0b11`: a number.
    Number,
    /// `12:30:45`: a base-60 number.
    Sexagesimal,
    /// `2024-01-01`: a date.
    Timestamp,
}

impl Trap {
    /// Returns what the text is read as, for messages.
    pub fn reading(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Octal => "an octal number",
            Self::Number => "a number",
            Self::Sexagesimal => "a base-60 number",
            Self::Timestamp => "a date",
        }
    }
}

/// Returns how YAML 1.1 misreads plain `text`, if it does.
///
/// Source of the rules: the resolvers of go-yaml v2 and `PyYAML` 6 (yaml.org/type/{bool,int,float,timestamp}.html).
pub fn yaml11_trap(text: &str) -> Option<Trap> {
    let bytes = text.as_bytes();
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "n" | "N" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off"
        | "Off" | "OFF" => return Some(Trap::Boolean),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if is_timestamp(bytes) {
        return Some(Trap::Timestamp);
    }
    let all = |s: &str, ok: fn(&u8) -> bool| !s.is_empty() && s.as_bytes().iter().all(ok);
    if digits.len() > 1 && digits.starts_with('0') && all(digits, |b| matches!(b, b'0'..=b'7' | b'_')) {
        return Some(Trap::Octal);
    }
    if let Some(binary) = digits.strip_prefix("0b")
        && all(binary, |b| matches!(b, b'0' | b'1' | b'_'))
    {
        return Some(Trap::Number);
    }
    if digits.contains('_') && all(digits, |b| matches!(b, b'0'..=b'9' | b'_' | b'.')) {
        return Some(Trap::Number);
    }
    let parts: Vec<&str> = digits.split(':').collect();
    if parts.len() > 1
        && all(parts[0], u8::is_ascii_digit)
        && parts[1..]
            .iter()
            .all(|p| (1..=2).contains(&p.len()) && p.parse::<u8>().is_ok_and(|n| n < 60))
    {
        return Some(Trap::Sexagesimal);
    }
    None
}

/// Date, or date and time, as YAML 1.1 spells them.
fn is_timestamp(bytes: &[u8]) -> bool {
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    if !(0..4).all(digit) || bytes.get(4) != Some(&b'-') {
        return false;
    }
    let rest = std::str::from_utf8(&bytes[5..]).unwrap_or_default();
    let Some((month, rest)) = rest.split_once('-') else {
        return false;
    };
    let short = |s: &str| (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, time) = rest.split_at(end);
    short(month) && short(day) && (time.is_empty() || time.starts_with(['T', 't', ' ']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resolves_the_core_schema() {
        for (text, value) in [
            ("true", json!(true)),
            ("no", json!("no")),
            ("~", json!(null)),
            ("12", json!(12)),
            ("-7", json!(-7)),
            ("0x1F", json!(31)),
            ("1.50", json!(1.5)),
            ("1e3", json!(1000.0)),
            ("v1.2.3", json!("v1.2.3")),
            ("1.2.3", json!("1.2.3")),
            ("-", json!("-")),
            ("2024-01-01", json!("2024-01-01")),
        ] {
            assert_eq!(resolve(text), value, "{text}");
        }
    }

    #[test]
    fn knows_the_traps_of_yaml_1_1() {
        for (text, trap) in [
            ("on", Some(Trap::Boolean)),
            ("y", Some(Trap::Boolean)),
            ("0777", Some(Trap::Octal)),
            ("0b11", Some(Trap::Number)),
            ("1_000", Some(Trap::Number)),
            ("12:30:45", Some(Trap::Sexagesimal)),
            ("2024-01-01", Some(Trap::Timestamp)),
            ("2024-01-01T00:00:00Z", Some(Trap::Timestamp)),
            ("0", None),
            ("089", None),
            ("10.42.0.0/16", None),
            ("192.168.1.1:7445", None),
            ("true", None),
            ("v2", None),
            ("1.2.3", None),
            ("ab:cd", None),
        ] {
            assert_eq!(yaml11_trap(text), trap, "{text}");
        }
    }
}
