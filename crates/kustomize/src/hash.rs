//! The suffix of the names of generated objects.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::node::{Datum, Misfit};
use crate::resource::Resource;

/// How many digits a suffix has.
const LENGTH: usize = 10;

/// Returns the suffix for an object.
pub(crate) fn suffix(resource: &Resource) -> Result<String, Misfit> {
    let mut map = Map::new();
    let data = resource.data();
    let values = |key: &str| -> Result<Value, Misfit> {
        match data.get(key) {
            None => Ok(Value::String(String::new())),
            Some(node) if node.scalar().is_some() => {
                Ok(Value::String(node.as_text().unwrap_or_default().to_owned()))
            }
            Some(node) => node.to_json(),
        }
    };
    match resource.kind() {
        kind @ ("ConfigMap" | "Secret") => {
            let (more, is_secret) = if kind == "Secret" {
                ("stringData", true)
            } else {
                ("binaryData", false)
            };
            map.insert("data".to_owned(), values("data")?);
            if data
                .get(more)
                .is_some_and(|node| matches!(node.content, crate::node::Content::Map(_)))
            {
                map.insert(more.to_owned(), values(more)?);
            }
            map.insert("kind".to_owned(), Value::String(kind.to_owned()));
            map.insert("name".to_owned(), Value::String(String::new()));
            if is_secret {
                map.insert("type".to_owned(), values("type")?);
            }
        }
        _ => {
            map.insert("data".to_owned(), data.to_json()?);
        }
    }
    let digest = Sha256::digest(go_json(&sorted(Value::Object(map))).as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let letters = hex.chars().take(LENGTH).map(|c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    });
    Ok(letters.collect())
}

/// The same with the keys of every mapping in their order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<(String, Value)> = map.into_iter().collect();
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(
                fields
                    .into_iter()
                    .map(|(key, value)| (key, sorted(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// JSON as Go writes it, with `<`, `>` and `&` escaped.
fn go_json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

/// Gives every object that wants one its suffix.
pub(crate) fn add_suffixes(list: &mut [Resource]) -> Result<(), Misfit> {
    for resource in list.iter_mut().filter(|resource| resource.history.needs_hash) {
        let suffix = suffix(resource)?;
        resource.remember_name();
        let old = resource
            .data()
            .path(&["metadata", "name"])
            .and_then(|name| name.spot);
        let name = format!("{}-{suffix}", resource.name());
        resource.set_name(Datum::plain(name, old));
    }
    Ok(())
}
