//! Data files: YAML as Python reads it, JSON and TOML.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use indexmap::IndexMap;
use sops::{Identities, MacCheck};
use yaml::{Kind, Node, Style};

use crate::diag::Diagnostic;
use crate::jinja::{Value, from_json};
use crate::sys::root::Refused;
use crate::world::secrecy::has_mac;

/// Names and values for templates.
pub(super) type Data = IndexMap<String, Value>;

/// Understands a data file; one that is sealed is opened in memory. `bytes` is what was read, `shown` what findings call
/// the file.
///
/// # Errors
/// When it cannot be read, or is no mapping. No finding repeats anything of it.
pub(super) fn read(
    bytes: Result<Vec<u8>, Refused>,
    shown: &str,
    identities: Option<&Identities>,
) -> Result<Data, Diagnostic> {
    let bytes = bytes.map_err(|refused| match refused {
        Refused::TooLarge { .. } => wrong(shown, "is larger than 16 MiB"),
        Refused::Absent => wrong(shown, "does not exist"),
        refused => refused.finding("read", shown),
    })?;
    let text = String::from_utf8(bytes).map_err(|_| wrong(shown, "is not UTF-8 text"))?;
    match Path::new(shown)
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("yaml" | "yml") => of_yaml(&text, shown, identities),
        Some("json") => match serde_json::from_str(&text) {
            Ok(serde_json::Value::Object(map)) => Ok(map
                .iter()
                .map(|(key, value)| (key.clone(), from_json(value)))
                .collect()),
            Ok(_) => Err(wrong(shown, "is not a mapping")),
            Err(error) => Err(wrong(shown, &format!("is not JSON (line {})", error.line()))),
        },
        Some("toml") => match text.parse::<toml::Table>() {
            Ok(table) => Ok(table
                .iter()
                .map(|(key, value)| (key.clone(), of_toml(value)))
                .collect()),
            Err(error) => {
                let line = error
                    .span()
                    .map_or(1, |span| yaml::line::number(&text, span.start));
                Err(wrong(shown, &format!("is not TOML (line {line})")))
            }
        },
        _ => Err(wrong(shown, "has a suffix that says nothing of its format")
            .help("name it `*.yaml`, `*.json` or `*.toml`")),
    }
}

/// Returns whether a file can be one with data, by its name.
pub(super) fn is_data(path: &str) -> bool {
    let suffix = Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str());
    suffix.is_some_and(|suffix| ["yaml", "yml", "json", "toml"].contains(&suffix))
}

fn wrong(shown: &str, what: &str) -> Diagnostic {
    Diagnostic::error("raw/data", format!("the data file `{shown}` {what}")).in_file(shown)
}

fn of_yaml(text: &str, shown: &str, identities: Option<&Identities>) -> Result<Data, Diagnostic> {
    let parse = |text: &str| {
        yaml::parse(text).map_err(|error| {
            let line = yaml::line::number(text, error.span.start);
            wrong(shown, &format!("is not YAML: {} (line {line})", error.message))
        })
    };
    let mut documents = parse(text)?;
    if documents.iter().any(has_mac) {
        let Some(identities) = identities else {
            return Err(wrong(shown, "is encrypted, and there is no private key here")
                .help("put `age.key` beside makejinja.toml, or name it with SOPS_AGE_KEY_FILE"));
        };
        let clear = sops::decrypt(text, identities, MacCheck::Verify)
            .map_err(|error| wrong(shown, &format!("cannot be opened: {error}")).help(error.help()))?;
        documents = parse(clear.expose())?;
    }
    let mut data = Data::new();
    for document in &documents {
        if !matches!(document.kind, Kind::Map(_)) {
            return Err(wrong(shown, "is not a mapping"));
        }
        let mut reader = Reader::default();
        for (key, value) in reader.entries(document) {
            if let Some(key) = key.as_str().filter(|key| *key != "sops") {
                data.insert(key.to_owned(), value);
            }
        }
    }
    Ok(data)
}

/// Reads nodes as `PyYAML` does: YAML 1.1, with merge keys.
#[derive(Default)]
struct Reader {
    anchors: HashMap<usize, Value>,
    merges: HashMap<usize, Vec<(Value, Value)>>,
}

impl Reader {
    fn value(&mut self, node: &Node) -> Value {
        let value = match &node.kind {
            Kind::Alias(id) => return self.anchors.get(id).cloned().unwrap_or_default(),
            Kind::Seq(items) => items.iter().map(|item| self.value(item)).collect::<Value>(),
            Kind::Map(_) => {
                let entries = self.entries(node);
                if node.anchor != 0 {
                    self.merges.insert(node.anchor, entries.clone());
                }
                Value::from_pairs(entries)
            }
            Kind::Scalar { value, style } => match (style, node.tag.as_deref()) {
                (Style::Plain, None) | (_, Some("!!int" | "!!float" | "!!bool" | "!!null")) => resolve(value),
                _ => Value::from(value.as_str()),
            },
        };
        if node.anchor != 0 {
            self.anchors.insert(node.anchor, value.clone());
        }
        value
    }

    fn entries(&mut self, node: &Node) -> Vec<(Value, Value)> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        let mut merged: Vec<(Value, Value)> = Vec::new();
        for (key, value) in node.entries() {
            if key.is_merge() {
                let sources = match &value.kind {
                    Kind::Seq(items) => items.as_slice(),
                    _ => std::slice::from_ref(value),
                };
                for source in sources {
                    merged.extend(match &source.kind {
                        Kind::Alias(id) => self.merges.get(id).cloned().unwrap_or_default(),
                        _ => self.entries(source),
                    });
                }
                continue;
            }
            let pair = (self.value(key), self.value(value));
            entries.push(pair);
        }
        if !merged.is_empty() {
            let mut seen: HashSet<Value> = entries.iter().map(|(key, _)| key.clone()).collect();
            entries.extend(merged.into_iter().filter(|(key, _)| seen.insert(key.clone())));
        }
        entries
    }
}

/// Types plain text by YAML 1.1, as `PyYAML` does. Dates stay text.
fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::from(()),
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Value::from(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::from(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Value::from(f64::NAN),
        _ => {}
    }
    let (negative, body) = match text.strip_prefix(['-', '+']) {
        Some(body) => (text.starts_with('-'), body),
        None => (false, text),
    };
    integer(body)
        .map(|number| Value::from(if negative { -number } else { number }))
        .or_else(|| float(body).map(|number| Value::from(if negative { -number } else { number })))
        .unwrap_or_else(|| Value::from(text))
}

fn integer(body: &str) -> Option<i128> {
    let digits = body.replace('_', "");
    let radix = |digits: &str, radix| {
        (!digits.is_empty())
            .then(|| i128::from_str_radix(digits, radix).ok())
            .flatten()
    };
    if let Some(binary) = digits.strip_prefix("0b") {
        return radix(binary, 2);
    }
    if let Some(hex) = digits.strip_prefix("0x") {
        return radix(hex, 16);
    }
    if !body.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.contains(':') {
        return sexagesimal(&digits).filter(|_| !digits.starts_with('0'));
    }
    match digits.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => radix(octal, 8),
        None => digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())
            .flatten(),
    }
}

fn sexagesimal(digits: &str) -> Option<i128> {
    let mut parts = digits.split(':');
    let mut number: i128 = parts.next()?.parse().ok()?;
    for part in parts {
        let part: i128 = part
            .parse()
            .ok()
            .filter(|part| (0..60).contains(part) && !digits.contains('-'))?;
        number = number.checked_mul(60)?.checked_add(part)?;
    }
    Some(number)
}

fn float(body: &str) -> Option<f64> {
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return Some(f64::INFINITY);
    }
    let digits = body.replace('_', "");
    let (whole, fraction) = digits.split_once('.')?;
    if whole.contains(':') {
        let whole = sexagesimal(whole)?;
        return format!("{whole}.{fraction}0").parse().ok();
    }
    let (fraction, exponent) = match fraction.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (fraction, None),
    };
    let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // An exponent without a sign makes no number in YAML 1.1.
    let exponent_fits =
        exponent.is_none_or(|text| text.starts_with(['+', '-']) && text.len() > 1 && all(&text[1..]));
    let fits = all(whole) && all(fraction) && exponent_fits && !(whole.is_empty() && fraction.is_empty());
    fits.then(|| {
        format!("0{whole}.{fraction}0e{}", exponent.unwrap_or("0"))
            .parse()
            .ok()
    })
    .flatten()
}

/// Converts a value of TOML; dates and times become text.
pub(super) fn of_toml(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => items.iter().map(of_toml).collect(),
        toml::Value::Table(table) => {
            Value::from_pairs(table.iter().map(|(key, value)| (key.clone(), of_toml(value))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        let data = of_yaml(text, "x.yaml", None).unwrap();
        Value::from_pairs(data).to_string()
    }

    #[test]
    fn plain_text_is_typed_as_python_does() {
        for (text, expected) in [
            ("yes", "True"),
            ("Off", "False"),
            ("y", "y"),
            ("~", "None"),
            ("0777", "511"),
            ("0o17", "0o17"),
            ("1_000", "1000"),
            ("0x1F", "31"),
            ("0b11", "3"),
            ("12:30", "750"),
            ("00:11:22", "00:11:22"),
            ("1.5", "1.5"),
            ("1e3", "1e3"),
            ("1.0e+3", "1000.0"),
            (".5", "0.5"),
            ("-7", "-7"),
            ("+3", "3"),
            ("089", "089"),
            ("1.2.3", "1.2.3"),
            ("2024-01-01", "2024-01-01"),
            ("10.10.10.0/24", "10.10.10.0/24"),
            ("-", "-"),
            ("6443", "6443"),
        ] {
            assert_eq!(resolve(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn anchors_merge_keys_and_several_documents_are_read() {
        assert_eq!(
            printed("base: &b {x: 1, y: 2}\nmore: {<<: *b, y: 3}\nagain: *b\n---\nz: '1'\n10: a\n"),
            "{'base': {'x': 1, 'y': 2}, 'more': {'y': 3, 'x': 1}, 'again': {'x': 1, 'y': 2}, 'z': '1'}"
        );
    }

    #[test]
    fn nested_and_merged_data_is_read_in_proportion_or_refused() {
        let of = |text: &str, name: &str| read(Ok(text.as_bytes().to_vec()), name, None);
        let keys: String = (0..20_000).map(|i| format!("  k{i}: 1\n")).collect();
        assert_eq!(
            of(&format!("a: &a\n{keys}b:\n  <<: *a\n"), "x.yaml")
                .unwrap()
                .len(),
            2
        );
        for (bomb, name) in [
            ("{\"a\":".repeat(100_000), "x.json"),
            ("[".repeat(100_000), "x.json"),
            (format!("{{\"a\": {}", "[".repeat(100_000)), "x.json"),
            (format!("a = {}", "[".repeat(100_000)), "x.toml"),
            (format!("a = {}", "{a = ".repeat(100_000)), "x.toml"),
            (format!("{}a = 1", "a.".repeat(100_000)), "x.toml"),
            (format!("[{}a]", "a.".repeat(100_000)), "x.toml"),
            ("{a: ".repeat(100_000), "x.yaml"),
        ] {
            assert!(of(&bomb, name).is_err(), "{name}");
        }
    }

    #[test]
    fn findings_do_not_repeat_what_a_file_holds() {
        let finding = of_yaml("key: [s3cret-canary\n", "x.yaml", None).unwrap_err();
        assert!(!format!("{finding:?}").contains("s3cret"), "{finding:?}");
    }
}
