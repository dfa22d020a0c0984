//! Keys of `cluster.yaml` that an app brings: the `schema:` of its `app.yaml`.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{App, Catalog};
use crate::config::{KnownApp, Vocabulary, schema};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{SecretFormat, TextValue as _, ValueFormat};
use crate::source::Span;

/// A key of `cluster.yaml` that an app reads, as a JSON Schema of its value.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Key {
    /// What the value is.
    #[serde(rename = "type")]
    pub kind: KeyType,
    /// What the key is for, in whole sentences. Editors show it.
    pub description: String,
    /// What templates see while the key is not set. Without it, ask `if key` in the template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// A value that would be right. Needed unless the default is one, or the key is a boolean or a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// Whether the value is a secret: it is kept out of every output, and can only be placed under `stringData` of a
    /// `*.sops.yaml` file. For strings, without a default.
    #[serde(rename = "x-secret", default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// The values that are allowed.
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<Value>>,
    /// Least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Least number of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// Largest number of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// Regular expression that the text must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Format of the text, such as `cidr`, `fqdn` or `http-url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Least number of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u64>,
    /// Largest number of items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// Whether no item may be there twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_items: Option<bool>,
    /// JSON Schema of the items of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Map<String, Value>>,
    /// JSON Schemas of the entries of a mapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Map<String, Value>>,
    /// The entries that a mapping must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Vec<String>>,
    /// Whether a mapping may have other entries, or their JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<Value>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum KeyType {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A list.
    Array,
    /// A mapping.
    Object,
}

/// A key with its place.
#[derive(Debug, Clone)]
pub struct OwnKey {
    /// Its name.
    pub name: String,
    /// The JSON Schema of its value, as the copy of the schema has it.
    pub property: Value,
    /// Where it is defined.
    pub span: Span,
}

impl Key {
    /// Returns the property for the schema of `cluster.yaml`.
    ///
    /// # Errors
    /// With what is wrong with the definition, and how to mend it.
    pub fn property(&self, name: &str) -> Result<Value, (String, String)> {
        let wrong = |message: String, help: &str| Err((message, help.to_owned()));
        let Ok(Value::Object(mut property)) = serde_json::to_value(self) else {
            return wrong(format!("`{name}` is no JSON Schema"), "write it anew");
        };
        if refers(&Value::Object(property.clone())) {
            let message = format!("the schema of `{name}` has a `$ref`");
            return wrong(message, "write out what it stands for");
        }
        if has_inner_secret(&Value::Object(property.clone()), 0) {
            let message = format!("the schema of `{name}` marks a value inside it as secret");
            return wrong(
                message,
                "give the secret a key of its own at the top: only such values stay encrypted",
            );
        }
        if self.description.trim().is_empty() {
            let message = format!("`{name}` has no description");
            return wrong(message, "say what the key is for: editors show it");
        }
        property.insert("markdownDescription".to_owned(), json!(self.description));
        if self.secret {
            if self.kind != KeyType::String || self.default.is_some() || self.options.is_some() {
                let message =
                    format!("`{name}` is a secret, and so must be a string without default and `enum`");
                return wrong(message, "write `type: string`, and remove `default` and `enum`");
            }
            let placeholder = json!(format!("<{}>", name.replace('_', " ")));
            property.insert("x-placeholder".to_owned(), placeholder.clone());
            property.insert("examples".to_owned(), json!([placeholder]));
            let format = property
                .entry("format")
                .or_insert_with(|| json!(SecretFormat::FORMAT));
            let format = format.clone();
            property.insert("format".to_owned(), format);
            property.entry("minLength").or_insert_with(|| json!(1));
            property.shift_remove("example");
            return checked(name, property);
        }
        let example = property
            .shift_remove("example")
            .or_else(|| self.options.as_ref()?.first().cloned())
            .or_else(|| self.default.clone())
            .or_else(|| (self.kind == KeyType::Boolean).then(|| json!(true)));
        let Some(example) = example else {
            let message = format!("`{name}` has neither a default nor an example");
            return wrong(message, "add `example:` with a value that would be right");
        };
        property.insert("examples".to_owned(), json!([example]));
        if self.properties.is_some() {
            property
                .entry("additionalProperties")
                .or_insert_with(|| json!(false));
        }
        checked(name, property)
    }
}

/// Checks that the schema is one, and that its default and example meet it.
fn checked(name: &str, property: Map<String, Value>) -> Result<Value, (String, String)> {
    let secret = property.get("x-secret") == Some(&json!(true));
    let property = Value::Object(property);
    let validator = schema::validators().build(&property).map_err(|error| {
        let message = format!("`{name}` is no valid JSON Schema: {error}");
        (message, "correct what the message names".to_owned())
    })?;
    let default = property.get("default").map(|value| ("default", value));
    let example = property["examples"].get(0).map(|value| ("example", value));
    for (what, value) in default.into_iter().chain(example.filter(|_| !secret)) {
        let format = property["format"].as_str().and_then(ValueFormat::named);
        let format = format.zip(value.as_str());
        let refused = format.and_then(|(format, text)| (format.check)(text).err());
        let reason = match (validator.validate(value), refused) {
            (Err(error), _) => error.to_string(),
            (Ok(()), Some(invalid)) => format!("it {}", invalid.reason),
            (Ok(()), None) => continue,
        };
        let message = format!("the {what} of `{name}` does not meet its own schema: {reason}");
        return Err((message, format!("correct the {what}, or the schema")));
    }
    Ok(property)
}

/// Returns whether `x-secret` stands below the top of a schema.
fn has_inner_secret(schema: &Value, depth: usize) -> bool {
    match schema {
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| depth > 0 && key == "x-secret" || has_inner_secret(value, depth + 1)),
        Value::Array(items) => items.iter().any(|item| has_inner_secret(item, depth + 1)),
        _ => false,
    }
}

/// Returns whether a schema refers to another one.
fn refers(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key("$ref") || map.values().any(refers),
        Value::Array(items) => items.iter().any(refers),
        _ => false,
    }
}

/// Returns why a key cannot have this name, if it cannot.
fn name_taken(name: &str) -> Option<String> {
    if schema::keys().top_kind(name).is_some() {
        return Some(format!("`{name}` is a key of clusterwright's own"));
    }
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(ok);
    (!plain || name == "sops").then(|| format!("`{name}` cannot be a key"))
}

/// Reads the keys of an app's manifest; `place` tells where each is defined.
pub(super) fn own_keys(
    defined: &IndexMap<String, Key>,
    place: impl Fn(&str) -> Span,
    diags: &mut Diagnostics,
) -> Vec<OwnKey> {
    let mut keys = Vec::new();
    for (name, key) in defined {
        let span = place(name);
        if let Some(message) = name_taken(name) {
            diags.push(
                Diagnostic::error("template/key-taken", message)
                    .at(span, "defined here")
                    .help("choose another name of lower-case letters, digits and `_`, such as one that starts with the app's"),
            );
            continue;
        }
        match key.property(name) {
            Ok(property) => keys.push(OwnKey {
                name: name.clone(),
                property,
                span,
            }),
            Err((message, help)) => {
                diags.push(
                    Diagnostic::error("template/bad-key", message)
                        .at(span, "")
                        .help(help),
                );
            }
        }
    }
    keys
}

/// Reports keys that two apps define.
pub(super) fn check_unique(apps: &[Arc<App>], diags: &mut Diagnostics) {
    let mut seen: IndexMap<&str, (&App, Span)> = IndexMap::new();
    for app in apps {
        for key in &app.keys {
            let Some((first, place)) = seen.get(key.name.as_str()) else {
                seen.insert(&key.name, (app, key.span));
                continue;
            };
            let message = format!(
                "`{}` is defined by two apps, `{}` and `{}`",
                key.name,
                first.id(),
                app.id()
            );
            diags.push(
                Diagnostic::error("template/key-taken", message)
                    .at(key.span, "defined again here")
                    .also(*place, "first defined here")
                    .help("define it in one of them; every template can read it"),
            );
        }
    }
}

impl Catalog {
    /// Returns the keys that a configuration may hold, and the apps that it may name.
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        let apps = self.apps.iter().map(|app| KnownApp {
            namespace: app.namespace.clone(),
            name: app.name.clone(),
            summary: app.manifest.summary.clone(),
        });
        let keys = self.apps.iter().flat_map(|app| &app.keys);
        let keys = keys.map(|key| (key.name.clone(), key.property.clone()));
        Arc::new(Vocabulary::new(apps.collect(), keys.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(schema: Value) -> Result<Value, (String, String)> {
        serde_json::from_value::<Key>(schema)
            .expect("a key")
            .property("k")
    }

    #[test]
    fn a_schema_cannot_take_more_than_it_is_worth() {
        let with = |pattern: &str, example: &str| {
            property(json!({"type": "string", "description": "x", "pattern": pattern, "example": example}))
        };
        assert!(with("^a+$", "aaa").is_ok());
        assert!(with("^(?!b)a", "abc").is_ok(), "patterns may look ahead");
        let large = with("(a{1000}){1000}", "a").expect_err("too large");
        assert!(large.0.contains("no valid JSON Schema"), "{}", large.0);
        // Goes back again and again where nothing bounds it.
        let long = format!("{}b", "a".repeat(40));
        assert!(with("^(?=(a+)+$)a", &long).is_err());
        let mut deep = json!({"type": "string"});
        for _ in 0..60 {
            deep = json!({"type": "array", "items": deep});
        }
        let deep = json!({"type": "array", "description": "x", "example": [], "items": deep});
        assert!(property(deep).is_ok());
        let refers =
            json!({"type": "object", "description": "x", "example": {}, "properties": {"a": {"$ref": "#"}}});
        assert!(property(refers).expect_err("a ring").0.contains("$ref"));
    }
}
