//! What is wrong with one value, in words.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as ErrorKind;
use serde_json::Value;

use super::schema::accepts;
use crate::config::ConfigDocument;
use crate::config::document::{inline, quoted};
use crate::config::mask::similar;
use crate::diag::Diagnostic;
use crate::model::ValueFormat;

/// Makes one finding of all that is wrong with one value: its type comes first, then what its format says.
pub(super) fn wrong_value(
    document: &ConfigDocument,
    pointer: &str,
    errors: &[ValidationError<'_>],
) -> Diagnostic {
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
        property: document.vocabulary().at(pointer).unwrap_or(&Value::Null),
        value: error.instance(),
        key: key_of(pointer),
    };
    if value.value.is_null() || value.value.as_str() == Some("") {
        return value.empty();
    }
    match error.kind() {
        ErrorKind::Type { .. } => value.wrong_type(),
        ErrorKind::Enum { options } => value.not_one_of(options),
        ErrorKind::Format { format } => value.bad_format(ValueFormat::named(format)),
        ErrorKind::Minimum { .. } | ErrorKind::Maximum { .. } => value.out_of_range(),
        ErrorKind::MinLength { limit } => value.too_short(*limit),
        ErrorKind::MinItems { .. } => value.empty(),
        ErrorKind::MaxItems { limit } => value.too_many(*limit),
        ErrorKind::UniqueItems => value.repeated_item(),
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
    document: &'a ConfigDocument,
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
        let open = scalar && !self.document.is_secret(self.pointer);
        open.then(|| self.document.quotable(self.pointer)).flatten()
    }

    /// Says how to write the value, with an example unless it is a secret.
    fn write_such_as(&self) -> String {
        let item = self.is_item();
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
        if self
            .pointer
            .strip_prefix("/apps/")
            .is_some_and(|name| !name.contains('/'))
        {
            let key = self.key;
            return finding.help(format!(
                "indent `values`, `version` or `enabled` by four spaces, so that it stands below `{key}`, or remove `{key}`"
            ));
        }
        let top_level = self.pointer.matches('/').count() == 1;
        let required = self.document.vocabulary().schema()["required"].as_array();
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

    /// Finds the edit that keeps what the user meant; none that the schema would refuse in its turn.
    fn type_help(&self, expected: &str) -> String {
        let Self { key, .. } = self;
        let written = self.shown();
        let plain = written.as_deref().map(|text| text.trim_matches('`'));
        let kept = match (expected, self.value, plain) {
            ("text", Value::Number(_) | Value::Bool(_), None) => Some("put the value in quotes".to_owned()),
            ("text", Value::Number(_) | Value::Bool(_), Some(plain)) => self
                .line(&format!("\"{plain}\""))
                .map(|line| format!("put it in quotes: `{line}`"))
                .or_else(|| self.meant(plain)),
            ("a whole number", Value::String(text), Some(_)) => {
                self.line(text).map(|line| format!("remove the quotes: `{line}`"))
            }
            ("`true` or `false`", Value::String(text), Some(_)) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Some(format!("write `{key}: true`")),
                "no" | "off" | "n" | "false" => Some(format!("write `{key}: false`")),
                _ => None,
            },
            ("a list", Value::String(_), Some(plain)) => self
                .line(&format!("[{plain}]"))
                .map(|line| format!("make it a list: `{line}`")),
            _ => None,
        };
        kept.unwrap_or_else(|| match expected {
            "`true` or `false`" => format!("write `{key}: true` or `{key}: false`"),
            _ => self.write_such_as(),
        })
    }

    /// Returns the line that gives the key a value, or the item, if the schema takes that.
    fn line(&self, value: &str) -> Option<String> {
        let line = if self.is_item() {
            format!("- {value}")
        } else {
            format!("{}: {value}", self.key)
        };
        let parsed = yaml::parse(&line).ok()?;
        let root = parsed.first()?;
        let node = root.get(self.key).or_else(|| root.items().first())?;
        accepts(self.property, &node.to_json()).then_some(line)
    }

    /// Proposes what a text was probably meant to be, if the format knows that.
    fn meant(&self, plain: &str) -> Option<String> {
        let format = ValueFormat::named(self.property["format"].as_str()?)?;
        let suggestion = (format.check)(plain).err()?.suggestion?;
        let line = self.line(&inline(&Value::String(suggestion)))?;
        Some(format!("write `{line}`"))
    }

    /// Returns whether the value is an item of a list.
    fn is_item(&self) -> bool {
        let last = self.pointer.rsplit('/').next();
        last.is_some_and(|part| part.parse::<usize>().is_ok())
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

    fn repeated_item(&self) -> Diagnostic {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let index = (0..items.len()).find(|index| items[..*index].contains(&items[*index]));
        let pointer = format!("{}/{}", self.pointer, index.unwrap_or_default());
        let message = match self.document.quotable(&pointer) {
            Some(item) => format!("`{}` lists {item} twice", self.key),
            None => format!("`{}` lists an item twice", self.key),
        };
        Diagnostic::error("config/repeated-item", message)
            .at_opt(self.document.span(&pointer), "listed before")
            .help("remove one of the two")
    }

    fn bad_format(&self, format: Option<&ValueFormat>) -> Diagnostic {
        let Some(format) = format else {
            return self.other("format");
        };
        let invalid = self.value.as_str().and_then(|text| (format.check)(text).err());
        let label = format!("expected {}", format.expected);
        let (Some(shown), Some(invalid)) = (self.shown(), &invalid) else {
            let help = invalid.as_ref().and_then(|invalid| invalid.help);
            let message = match invalid.and_then(|invalid| invalid.fixed_reason()) {
                Some(reason) => format!("the value of `{}` {reason}", self.key),
                None => format!("the value of `{}` is not {}", self.key, format.expected),
            };
            let finding = self.finding(format.code, message, "");
            return finding.help(help.map_or_else(|| self.write_such_as(), str::to_owned));
        };
        let message = format!("{shown} {}", invalid.reason);
        match &invalid.suggestion {
            Some(suggestion) => {
                let suggestion = quoted(suggestion);
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
        let item = self.is_item();
        let value = inline(&Value::String(value.to_owned()));
        if item {
            format!("write `- {value}`")
        } else {
            format!("write `{}: {value}`", self.key)
        }
    }

    fn out_of_range(&self) -> Diagnostic {
        let (least, most) = (&self.property["minimum"], &self.property["maximum"]);
        if least.is_null() || most.is_null() {
            let (word, limit) = if most.is_null() {
                ("least", least)
            } else {
                ("most", most)
            };
            let message = format!("`{}` must be at {word} {limit}", self.key);
            return self
                .finding("config/out-of-range", message, "")
                .help(format!("write for example `{}: {limit}`", self.key));
        }
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

    fn too_many(&self, limit: u64) -> Diagnostic {
        let message = format!("`{}` has more than {limit} entries", self.key);
        self.finding("config/too-many", message, "")
            .help("check that this is the right file")
    }

    fn other(&self, keyword: &str) -> Diagnostic {
        let message = format!("`{}` does not meet its schema ({keyword})", self.key);
        self.finding("config/bad-value", message, "")
            .help(self.write_such_as())
    }
}
