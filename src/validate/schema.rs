//! What the JSON Schema finds, as findings for people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jsonschema::error::ValidationErrorKind as ErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::Value;

use crate::config::document::{child, is_secret, quoted};
use crate::config::mask::similar;
use crate::config::{Document, schema, unsupported};
use crate::diag::Diagnostic;
use crate::model::{FORMATS, Format};

/// The schema's findings, and the pointers of everything they are about.
pub(super) struct Findings {
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) invalid: BTreeSet<String>,
}

/// Checks the document against the schema. Values in `placeholders` are left to their own finding.
pub(super) fn findings(document: &Document, placeholders: &BTreeSet<String>) -> Findings {
    let mut found = Findings {
        diagnostics: Vec::new(),
        invalid: BTreeSet::new(),
    };
    let mut values: BTreeMap<String, Vec<ValidationError<'_>>> = BTreeMap::new();
    for error in validator().iter_errors(document.json()) {
        let pointer = error.instance_path().as_str().to_owned();
        match error.kind() {
            ErrorKind::AdditionalProperties { unexpected } => {
                let unknown = unexpected.iter().map(|key| unknown_key(document, &pointer, key));
                found.diagnostics.extend(unknown);
            }
            ErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                // A misspelt key has its own finding.
                if !is_misspelt(document.json().pointer(&pointer), &pointer, key) {
                    found.diagnostics.push(missing_key(document, &pointer, key));
                }
                found.invalid.insert(child(&pointer, key));
            }
            _ if placeholders.contains(&pointer) => {}
            _ => values.entry(pointer).or_default().push(error),
        }
    }
    for (pointer, errors) in values {
        found.diagnostics.push(wrong_value(document, &pointer, &errors));
        found.invalid.insert(pointer);
    }
    found
}

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let options = jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(true);
        let options = FORMATS.iter().fold(options, |options, format| {
            options.with_format(format.name, |text: &str| (format.check)(text).is_ok())
        });
        options
            .build(schema::schema())
            .expect("the schema is valid: a test checks it")
    })
}

fn unknown_key(document: &Document, pointer: &str, key: &str) -> Diagnostic {
    let place = child(pointer, key);
    let in_node = pointer.starts_with("/nodes/");
    let span = document
        .key_span(&place)
        .unwrap_or_else(|| document.nearest(pointer));
    let whose = if in_node { " of a node" } else { "" };
    if unsupported::is_unsupported(key, in_node) {
        return Diagnostic::error("config/unsupported-key", format!("`{key}` is not supported yet"))
            .at(span, "nothing that clusterwright renders reads it")
            .help("remove it, with what is indented below it");
    }
    let name = document
        .quotable_key(&place)
        .map(|name| format!(" {name}"))
        .unwrap_or_default();
    let finding = Diagnostic::error("config/unknown-key", format!("unknown key{name}{whose}"));
    if let Some(meant) = similar(key, known_keys(pointer)) {
        let finding = finding.at(span, format!("did you mean `{meant}`?"));
        return if document.json().pointer(&child(pointer, meant)).is_some() {
            finding.help(format!("remove it: `{meant}` is already set"))
        } else {
            finding.help(format!("write `{meant}`"))
        };
    }
    let elsewhere = if in_node {
        schema::keys().top_kind(key)
    } else {
        schema::keys().node_kind(key)
    };
    match elsewhere {
        Some(_) if in_node => finding
            .at(span, "this key belongs to the cluster, not to a node")
            .help(format!("move `{key}` to the top level, without indentation")),
        Some(_) => finding
            .at(span, "this key belongs to a node")
            .help(format!("move `{key}` below an entry of `nodes:`")),
        None => finding
            .at(span, "not a key of the configuration")
            .help("remove it; `.clusterwright/cluster.schema.json` lists all keys"),
    }
}

/// Returns the keys that the schema knows in the mapping that a pointer leads to.
fn known_keys(pointer: &str) -> impl Iterator<Item = &'static str> {
    let known = schema::at(pointer).and_then(|schema| schema["properties"].as_object());
    known.into_iter().flatten().map(|(known, _)| known.as_str())
}

/// Returns whether a mapping that lacks a key has an unknown one that looks like it.
fn is_misspelt(mapping: Option<&Value>, pointer: &str, key: &str) -> bool {
    let written = mapping.and_then(Value::as_object).into_iter().flatten();
    let mut unknown = written.filter(|(name, _)| known_keys(pointer).all(|known| known != *name));
    unknown.any(|(name, _)| {
        !unsupported::is_unsupported(name, pointer.starts_with("/nodes/"))
            && similar(name, known_keys(pointer)) == Some(key)
    })
}

fn missing_key(document: &Document, pointer: &str, key: &str) -> Diagnostic {
    let place = child(pointer, key);
    let property = schema::at(&place).unwrap_or(&Value::Null);
    let (message, label) = if let Some(index) = pointer.strip_prefix("/nodes/") {
        let number = index
            .split('/')
            .next()
            .and_then(|i| i.parse::<usize>().ok())
            .unwrap_or(0)
            + 1;
        let name = document
            .quotable(&child(pointer, "name"))
            .unwrap_or_else(|| number.to_string());
        (format!("node {name} has no `{key}`"), "this node")
    } else if pointer.is_empty() {
        (format!("the required key `{key}` is missing"), "")
    } else {
        (format!("the required key `{key}` is missing"), "in this entry")
    };
    let line = match (property["x-secret"] == true, property["examples"].get(0)) {
        (false, Some(example)) if !example.is_array() => {
            format!("add a line such as `{key}: {}`", inline(example))
        }
        (true, _) => format!("add a line `{key}: ` with the secret"),
        _ => format!("add `{key}:` with a list below it"),
    };
    let meaning = property["description"]
        .as_str()
        .map(first_sentence)
        .unwrap_or_default();
    Diagnostic::error("config/missing-key", message)
        .at(document.start(pointer), label)
        .note(format!("`{key}`: {meaning}"))
        .help(line)
}

/// Returns the description up to the end of its first sentence.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ")
        .map_or(text.trim_end_matches('.'), |(first, _)| first)
}

/// Makes one finding of all that is wrong with one value: its type comes first, then what its format says.
fn wrong_value(document: &Document, pointer: &str, errors: &[ValidationError<'_>]) -> Diagnostic {
    let rank = |error: &&ValidationError<'_>| match error.kind() {
        ErrorKind::Type { .. } => 0,
        ErrorKind::Enum { .. } => 1,
        ErrorKind::Format { .. } => 2,
        _ => 3,
    };
    let error = errors
        .iter()
        .min_by_key(rank)
        .expect("grouped by at least one error");
    let value = Wrong {
        document,
        pointer,
        property: schema::at(pointer).unwrap_or(&Value::Null),
        value: error.instance(),
        key: key_of(pointer),
    };
    if value.value.is_null() || value.value.as_str() == Some("") {
        return value.empty();
    }
    match error.kind() {
        ErrorKind::Type { .. } => value.wrong_type(),
        ErrorKind::Enum { options } => value.not_one_of(options),
        ErrorKind::Format { format } => value.bad_format(Format::named(format)),
        ErrorKind::Minimum { .. } | ErrorKind::Maximum { .. } => value.out_of_range(),
        ErrorKind::MinLength { limit } => value.too_short(*limit),
        ErrorKind::MinItems { .. } => value.empty(),
        _ => value.other(error.kind().keyword()),
    }
}

/// Returns the last key of a pointer: of `/node_dns_servers/1`, `node_dns_servers`.
fn key_of(pointer: &str) -> &str {
    let named = |part: &&str| part.parse::<usize>().is_err();
    pointer.rsplit('/').find(named).unwrap_or_default()
}

/// A value that its schema refuses.
struct Wrong<'a> {
    document: &'a Document,
    pointer: &'a str,
    property: &'a Value,
    value: &'a Value,
    key: &'a str,
}

impl Wrong<'_> {
    fn finding(&self, code: &'static str, message: String, label: &str) -> Diagnostic {
        let span = self.document.span(self.pointer);
        let span = span.unwrap_or_else(|| self.document.nearest(self.pointer));
        Diagnostic::error(code, message).at(span, label)
    }

    /// Returns the value as a message may quote it.
    fn shown(&self) -> Option<String> {
        let scalar = !self.value.is_object() && !self.value.is_array();
        let open = scalar && !is_secret(self.pointer);
        open.then(|| self.document.quotable(self.pointer)).flatten()
    }

    /// Says how to write the value, with an example unless it is a secret.
    fn write_such_as(&self) -> String {
        let item = self
            .pointer
            .rsplit('/')
            .next()
            .is_some_and(|part| part.parse::<usize>().is_ok());
        match self.property["examples"]
            .get(0)
            .or_else(|| self.property.get("default"))
        {
            _ if self.property["x-secret"] == true => {
                format!("write the secret after `{}:`, in quotes", self.key)
            }
            Some(Value::Array(items)) => {
                let items: Vec<String> = items
                    .iter()
                    .filter(|item| !item.is_object())
                    .map(inline)
                    .collect();
                if items.is_empty() {
                    format!(
                        "write a list of entries below `{}:`, each starting with `- `",
                        self.key
                    )
                } else {
                    format!("write a list such as `{}: [{}]`", self.key, items.join(", "))
                }
            }
            Some(example) => format!("write for example `{}: {}`", self.key, inline(example)),
            None if item => format!(
                "write each item of `{}` on a line of its own, after `- `",
                self.key
            ),
            None => format!("correct `{}`", self.key),
        }
    }

    fn empty(&self) -> Diagnostic {
        let message = format!("`{}` has no value", self.key);
        let finding = self.finding("config/empty-value", message, "nothing here");
        let top_level = self.pointer.matches('/').count() == 1;
        let required = schema::schema()["required"].as_array();
        let required = required.is_some_and(|keys| keys.iter().any(|key| key == self.key));
        if top_level && !required {
            return finding.help(format!("{}, or remove the key", self.write_such_as()));
        }
        finding.help(self.write_such_as())
    }

    fn wrong_type(&self) -> Diagnostic {
        let expected = match self.property["type"].as_str() {
            Some("string") => "text",
            Some("boolean") => "`true` or `false`",
            Some("integer") => "a whole number",
            Some("array") => "a list",
            _ => "a mapping",
        };
        let found = match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Number(number) if number.is_f64() => "a fraction",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        let message = format!("`{}` must be {expected}, found {found}", self.key);
        let label = format!("{found}, expected {expected}");
        let finding = self.finding("config/wrong-type", message, &label);
        finding.help(self.type_help(expected))
    }

    /// Finds the edit that keeps what the user meant.
    fn type_help(&self, expected: &str) -> String {
        let Self { key, .. } = self;
        let written = self.shown();
        let plain = written.as_deref().map(|text| text.trim_matches('`'));
        match (expected, self.value, plain) {
            ("text", Value::Number(_) | Value::Bool(_), Some(plain)) => {
                format!("put it in quotes: `{key}: \"{plain}\"`")
            }
            ("text", Value::Number(_) | Value::Bool(_), None) => "put the value in quotes".to_owned(),
            ("a whole number", Value::String(text), Some(_)) if text.parse::<i64>().is_ok() => {
                format!("remove the quotes: `{key}: {text}`")
            }
            ("`true` or `false`", Value::String(text), Some(_)) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => format!("write `{key}: true`"),
                "no" | "off" | "n" | "false" => format!("write `{key}: false`"),
                _ => format!("write `{key}: true` or `{key}: false`"),
            },
            ("`true` or `false`", ..) => format!("write `{key}: true` or `{key}: false`"),
            ("a list", Value::String(_), Some(plain)) if self.property["items"]["type"] == "string" => {
                format!("make it a list: `{key}: [{plain}]`")
            }
            _ => self.write_such_as(),
        }
    }

    fn not_one_of(&self, options: &Value) -> Diagnostic {
        let options: Vec<&str> = options
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let listed = options
            .iter()
            .map(|option| format!("`{option}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let message = match self.shown() {
            Some(value) => format!("`{}` cannot be {value}", self.key),
            None => format!("`{}` has a value that it cannot have", self.key),
        };
        let label = format!("expected one of {listed}");
        let finding = self.finding("config/not-one-of", message, &label);
        let meant = self
            .value
            .as_str()
            .and_then(|text| similar(text, options.iter().copied()));
        match meant {
            Some(meant) => finding.help(format!("did you mean `{}: {meant}`?", self.key)),
            None => finding.help(format!("write `{}: ` with one of {listed}", self.key)),
        }
    }

    fn bad_format(&self, format: Option<&Format>) -> Diagnostic {
        let Some(format) = format else {
            return self.other("format");
        };
        let invalid = self.value.as_str().and_then(|text| (format.check)(text).err());
        let label = format!("expected {}", format.expected);
        let (Some(shown), Some(invalid)) = (self.shown(), invalid.clone()) else {
            // A reason may hold a part of the value; of a secret it tells the shape only.
            let reason = invalid
                .filter(|_| format.name == "secret")
                .map(|invalid| invalid.reason);
            let message = match reason {
                Some(reason) => format!("the value of `{}` {reason}", self.key),
                None => format!("the value of `{}` is not {}", self.key, format.expected),
            };
            return self.finding(format.code, message, "").help(self.write_such_as());
        };
        let message = format!("{shown} {}", invalid.reason);
        match invalid.suggestion {
            Some(suggestion) => {
                let suggestion = quoted(&suggestion);
                let message = format!("{message}; did you mean {suggestion}?");
                let value = suggestion.trim_matches('`').to_owned();
                self.finding(format.code, message, &label)
                    .help(self.write(&value))
            }
            None => self
                .finding(format.code, message, &label)
                .help(self.write_such_as()),
        }
    }

    fn write(&self, value: &str) -> String {
        let item = self
            .pointer
            .rsplit('/')
            .next()
            .is_some_and(|part| part.parse::<usize>().is_ok());
        let value = inline(&Value::String(value.to_owned()));
        if item {
            format!("write `- {value}`")
        } else {
            format!("write `{}: {value}`", self.key)
        }
    }

    fn out_of_range(&self) -> Diagnostic {
        let (least, most) = (&self.property["minimum"], &self.property["maximum"]);
        let message = match self.shown() {
            Some(value) => format!("`{}` cannot be {value}: {least} to {most} is allowed", self.key),
            None => format!("`{}` must be {least} to {most}", self.key),
        };
        let value = self.value.as_f64().unwrap_or_default();
        let nearest = if value < least.as_f64().unwrap_or_default() {
            least
        } else {
            most
        };
        self.finding(
            "config/out-of-range",
            message,
            &format!("expected {least} to {most}"),
        )
        .help(format!(
            "write a number from {least} to {most}, such as `{}: {nearest}`",
            self.key
        ))
    }

    fn too_short(&self, limit: u64) -> Diagnostic {
        let message = format!("`{}` is shorter than {limit} characters", self.key);
        self.finding("config/too-short", message, "")
            .help(format!("choose a value of at least {limit} characters"))
    }

    fn other(&self, keyword: &str) -> Diagnostic {
        let message = format!("`{}` does not meet its schema ({keyword})", self.key);
        self.finding("config/bad-value", message, "")
            .help(self.write_such_as())
    }
}

/// Writes a JSON scalar as it stands in `key: value`.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let number_like = !matches!(crate::yaml::scalar::resolve(text), Value::String(_));
            if number_like {
                format!("\"{text}\"")
            } else {
                text.clone()
            }
        }
        other => other.to_string(),
    }
}
