//! Values that `init` wrote for a person to replace.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::config::ConfigDocument;
use crate::diag::Diagnostic;

/// Returns the pointers of all values that are still the placeholder of their key.
pub(super) fn find(document: &ConfigDocument) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(document.json(), document.vocabulary().schema(), "", &mut found);
    found
}

fn walk(value: &Value, schema: &Value, pointer: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if let Some(schema) = schema["properties"].get(key) {
                    walk(value, schema, &format!("{pointer}/{key}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(value, &schema["items"], &format!("{pointer}/{index}"), found);
            }
        }
        Value::String(text) if schema["x-placeholder"].as_str() == Some(text.trim()) => {
            found.insert(pointer.to_owned());
        }
        _ => {}
    }
}

/// Returns one finding that lists every placeholder.
pub(super) fn finding(document: &ConfigDocument, placeholders: &BTreeSet<String>) -> Option<Diagnostic> {
    let mut places: Vec<_> = placeholders
        .iter()
        .filter_map(|pointer| Some((document.span(pointer)?, pointer)))
        .collect();
    places.sort();
    let count = places.len();
    let message = if count == 1 {
        "a value is still a placeholder".to_owned()
    } else {
        format!("{count} values are still placeholders")
    };
    let mut places = places.into_iter();
    let (first, pointer) = places.next()?;
    let label = |pointer: &str| format!("fill in `{}`", name(pointer));
    let mut finding = Diagnostic::error("config/placeholder", message).at(first, label(pointer));
    for (span, pointer) in places {
        finding = finding.also(span, label(pointer));
    }
    Some(finding.help("replace each by your own value; the comment above the key says what it is for"))
}

/// Returns the key at the end of a pointer.
fn name(pointer: &str) -> &str {
    pointer.rsplit('/').next().unwrap_or_default()
}
