//! What is wrong with an `app.yaml`: everything at once, each with its place.
//!
//! The schema (`schema/app.schema.json`) says what a manifest is; here its findings get words. What it cannot say stands
//! here as well: an expression in `when` that is none, a chart from nowhere, reasons that give none.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind as ErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;
use yaml::{Kind, Node, ParseError};

use super::expr::Expr;
use super::manifest::{DURATION, Manifest, schema};
use crate::config::document::child;
use crate::config::mask::similar;
use crate::config::schema::validators;
use crate::diag::{Diagnostic, Severity};
use crate::source::{SourceId, Span};

/// Fewest words of a reason: two name a thing, and say nothing about it.
const REASON_WORDS: usize = 3;

/// How many keys are listed when none is like the one that was written.
const LISTED_KEYS: usize = 14;

/// Keys of a Flux Kustomization's `spec` that hold a duration, beside those that a manifest has itself.
/// Source: the CRD `kustomizations.kustomize.toolkit.fluxcd.io` v1.
const SPEC_DURATIONS: [&str; 3] = ["interval", "retryInterval", "timeout"];

static SCHEMA: LazyLock<Value> = LazyLock::new(schema);

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    validators()
        .build(&SCHEMA)
        .expect("the schema is valid: a test builds it")
});

/// A manifest that is judged.
pub(super) struct Judge<'a> {
    root: &'a Node,
    source: SourceId,
    found: Vec<Diagnostic>,
}

/// Says why a text is no YAML.
pub(super) fn not_yaml(error: &ParseError, source: SourceId) -> Diagnostic {
    let finding = Diagnostic::error(
        "template/bad-manifest",
        format!("not valid YAML: {}", error.message),
    )
    .at(source.span(error.span.clone()), "");
    match &error.first {
        Some(first) => finding
            .also(source.span(first.clone()), "first given here")
            .help("remove one of the two"),
        None => finding.help("check this line and the one before it"),
    }
}

/// Returns everything that is wrong with a manifest.
pub(super) fn judge(root: &Node, source: SourceId) -> Vec<Diagnostic> {
    let mut judge = Judge {
        root,
        source,
        found: Vec::new(),
    };
    let json = root.to_json();
    judge.shape(&json);
    judge.expression();
    judge.reasons();
    judge.spec_durations(&json);
    if judge
        .found
        .iter()
        .all(|finding| finding.severity != Severity::Error)
        && let Ok(manifest) = serde_json::from_value::<Manifest>(json)
    {
        judge.chart(&manifest);
    }
    judge.found
}

impl Judge<'_> {
    fn span(&self, range: &Range<usize>) -> Span {
        self.source.span(range.clone())
    }

    /// Returns the key that a pointer leads to, or the item of a list.
    fn key(&self, pointer: &str) -> Span {
        let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
        let last = last.replace("~1", "/").replace("~0", "~");
        match self.root.pointer(parent).entry(&last) {
            Some((key, _)) => self.span(&key.span),
            None => self.value(pointer),
        }
    }

    /// Returns the value that a pointer leads to. One of several lines is too much to underline: its key is not.
    fn value(&self, pointer: &str) -> Span {
        let node = self.root.pointer(pointer);
        match &node.kind {
            Kind::Scalar { .. } if !node.span.is_empty() => self.span(&node.span),
            _ => {
                let (parent, last) = pointer.rsplit_once('/').unwrap_or_default();
                let key = match node.entries().first() {
                    Some((key, _)) => Some(key),
                    None => self.root.pointer(parent).entry(last).map(|(key, _)| key),
                };
                self.span(&key.unwrap_or(node).span)
            }
        }
    }

    fn wrong(&mut self, message: String, at: Span, label: impl Into<String>, help: impl Into<String>) {
        let finding = Diagnostic::error("template/bad-manifest", message).at(at, label);
        self.found.push(finding.help(help));
    }

    /// Adds to the last finding what the schema says about a place.
    fn meaning(&mut self, pointer: &str) {
        if let (Some(finding), Some(meaning)) = (self.found.last_mut(), description(pointer)) {
            finding.notes.push(format!("`{}`: {meaning}", key_of(pointer)));
        }
    }

    /// What the schema says, one finding for each value.
    fn shape(&mut self, json: &Value) {
        let errors: Vec<ValidationError<'_>> = VALIDATOR.iter_errors(json).collect();
        let mut misses = Vec::new();
        errors.iter().for_each(|error| flatten(error, &mut misses));
        let mut values: BTreeMap<String, Miss<'_>> = BTreeMap::new();
        for miss in misses {
            let pointer = miss.pointer.clone();
            match miss.kind {
                ErrorKind::AdditionalProperties { unexpected } => {
                    unexpected
                        .iter()
                        .for_each(|key| self.unknown_key(&pointer, key, json));
                }
                ErrorKind::Required { property } => {
                    self.missing_key(&pointer, property.as_str().unwrap_or_default(), json);
                }
                // Reasons are told of below, in other words.
                ErrorKind::MinLength { .. } if pointer.ends_with("/reason") => {}
                _ => {
                    values.entry(pointer).or_insert(miss);
                }
            }
        }
        for (pointer, miss) in values {
            self.wrong_value(&pointer, &miss);
        }
    }

    fn unknown_key(&mut self, pointer: &str, key: &str, json: &Value) {
        let place = self.key(&child(pointer, key));
        let known = keys_at(pointer);
        let message = match pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()) {
            Some("") | None => format!("unknown key `{key}`"),
            Some(of) => format!("unknown key `{key}` in `{of}`"),
        };
        let near = similar(key, known.iter().copied());
        match near {
            Some(near) if json.pointer(&child(pointer, near)).is_some() => {
                let label = format!("did you mean `{near}`?");
                self.wrong(
                    message,
                    place,
                    label,
                    format!("remove it: `{near}` is there already"),
                );
            }
            Some(near) => {
                let label = format!("did you mean `{near}`?");
                self.wrong(message, place, label, format!("write `{near}`"));
            }
            None => {
                let listed: Vec<String> = known
                    .iter()
                    .take(LISTED_KEYS)
                    .map(|key| format!("`{key}`"))
                    .collect();
                let help = format!("remove it; there may be {}", listed.join(", "));
                self.wrong(message, place, "not a key of a manifest", help);
            }
        }
    }

    fn missing_key(&mut self, pointer: &str, key: &str, json: &Value) {
        let known = keys_at(pointer);
        let written = json.pointer(pointer).and_then(Value::as_object);
        let mut unknown = written
            .into_iter()
            .flatten()
            .filter(|(name, _)| !known.contains(&name.as_str()));
        // A misspelt key has its own finding, where others are refused.
        let is_closed = schemas_at(pointer)
            .iter()
            .any(|schema| schema["additionalProperties"] == false);
        if is_closed && unknown.any(|(name, _)| similar(name, known.iter().copied()) == Some(key)) {
            return;
        }
        let (message, help) = (
            format!("`{key}` is missing"),
            format!("add a line `{key}: ` with its value"),
        );
        self.wrong(message, self.value(pointer), "in this entry", help);
        self.meaning(&child(pointer, key));
    }

    fn wrong_value(&mut self, pointer: &str, miss: &Miss<'_>) {
        let key = key_of(pointer);
        let (at, value) = (self.value(pointer), &miss.value);
        match miss.kind {
            ErrorKind::Pattern { pattern } if pattern == DURATION => self.bad_duration(pointer),
            ErrorKind::Pattern { .. } if key == "oci" => {
                let message = format!("`{key}` is no address of an OCI registry");
                let help = "write `oci://` before it; a Helm repository goes under `repository`";
                self.wrong(message, at, "does not start with `oci://`", help);
            }
            ErrorKind::Type { .. } | ErrorKind::AnyOf { .. } => {
                let expected = expected(pointer);
                let found = kind(value);
                let message = match key {
                    "" => format!("a manifest must be {expected}, found {found}"),
                    key => format!("`{key}` must be {expected}, found {found}"),
                };
                let help = match (expected, value) {
                    ("text", Value::Number(_) | Value::Bool(_)) => {
                        let node = self.root.pointer(pointer);
                        format!("put it in quotes: `\"{}\"`", node.as_str().unwrap_or_default())
                    }
                    ("`true` or `false`", Value::String(text)) => match text.as_str() {
                        "yes" | "on" | "true" => format!("write `{key}: true`"),
                        "no" | "off" | "false" => format!("write `{key}: false`"),
                        _ => format!("write `{key}: true` or `{key}: false`"),
                    },
                    _ => format!("write {expected}"),
                };
                self.wrong(message, at, format!("{found}, expected {expected}"), help);
                self.meaning(pointer);
            }
            ErrorKind::Enum { .. } | ErrorKind::Constant { .. } => {
                let options = options_at(pointer);
                let listed: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
                let near = value
                    .as_str()
                    .and_then(|text| similar(text, options.iter().copied()));
                let help = match near {
                    Some(near) => format!("write `{key}: {near}`"),
                    None => format!("write one of {}", listed.join(", ")),
                };
                let message = format!("`{key}` has a value that it cannot have");
                self.wrong(
                    message,
                    at,
                    format!("expected one of {}", listed.join(", ")),
                    help,
                );
            }
            other => {
                let message = format!(
                    "`{key}` does not meet the schema of manifests ({})",
                    other.keyword()
                );
                let help = "`clusterwright schema --app` prints the schema";
                self.wrong(message, at, "", help);
            }
        }
    }

    fn bad_duration(&mut self, pointer: &str) {
        let written = self.root.pointer(pointer).as_str().unwrap_or_default();
        // What stands there is known when Flux has substituted it.
        if written.contains("${") {
            return;
        }
        let message = format!(
            "`{}` is no duration that Flux takes: `{written}`",
            key_of(pointer)
        );
        self.found.push(
            Diagnostic::error("template/bad-duration", message)
                .at(self.value(pointer), "not a duration")
                .help("write numbers with `h`, `m`, `s` or `ms`, such as `30m` or `1h30m`"),
        );
    }

    /// Durations in what is copied into the Kustomization.
    fn spec_durations(&mut self, json: &Value) {
        let count = json["kustomizations"].as_array().map_or(0, Vec::len);
        for number in 0..count {
            for key in SPEC_DURATIONS {
                let pointer = format!("/kustomizations/{number}/spec/{key}");
                match json.pointer(&pointer) {
                    Some(Value::String(text)) if is_duration(text) => {}
                    Some(_) => self.bad_duration(&pointer),
                    None => {}
                }
            }
        }
    }

    /// An expression that cannot be read.
    fn expression(&mut self) {
        let Some(node) = self.root.get("when") else { return };
        let Some(error) = node.as_str().and_then(|text| Expr::parse(text).err()) else {
            return;
        };
        let message = format!("`when`, character {}: {}", error.offset + 1, error.message);
        let help = "it consists of keys with `and`, `or`, `not`, `==`, `!=` and parentheses";
        self.wrong(message, self.span(&node.span), "", help);
    }

    /// Reasons that give none.
    fn reasons(&mut self) {
        for (number, allow) in self
            .root
            .get("allow")
            .into_iter()
            .flat_map(Node::items)
            .enumerate()
        {
            let Some(reason) = allow.str_at(&["reason"]) else {
                continue;
            };
            if reason.split_whitespace().count() >= REASON_WORDS {
                continue;
            }
            let at = self.value(&format!("/allow/{number}/reason"));
            self.found.push(
                Diagnostic::warning("template/short-reason", "this reason says too little")
                    .at(at, format!("fewer than {REASON_WORDS} words"))
                    .help("say why the rule is wrong here, for whoever reads it in a year"),
            );
        }
    }

    /// Where the chart comes from, and whether the bootstrap can have it.
    fn chart(&mut self, manifest: &Manifest) {
        if let Some(chart) = &manifest.chart {
            let oci = chart.oci.is_some() && chart.repository.is_none() && chart.name.is_none();
            let in_repository = chart.oci.is_none() && chart.repository.is_some() && chart.name.is_some();
            if !oci && !in_repository {
                let message = "a chart has either `oci`, or `repository` and `name`".to_owned();
                let edit = "write one of the two, and remove the other";
                self.wrong(message, self.key("/chart"), "", edit);
            }
        }
        if manifest.bootstrap && manifest.chart.as_ref().is_none_or(|chart| chart.oci.is_none()) {
            let message = "`bootstrap` needs a chart with `oci`".to_owned();
            let help = "give the chart an `oci://` address, or remove `bootstrap`";
            self.wrong(message, self.key("/bootstrap"), "", help);
        }
    }
}

/// Returns whether Flux takes a text for a duration.
fn is_duration(text: &str) -> bool {
    static PATTERN: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(DURATION).expect("a pattern: a test uses it"));
    PATTERN.is_match(text)
}

/// What the schema misses at a place.
struct Miss<'e> {
    pointer: String,
    kind: &'e ErrorKind,
    value: Value,
}

/// Takes an error apart that says only "none of these": what the likeliest of them misses says more.
fn flatten<'e>(error: &'e ValidationError<'_>, found: &mut Vec<Miss<'e>>) {
    let own = error.instance_path().as_str();
    if let ErrorKind::AnyOf { context } | ErrorKind::OneOfNotValid { context } = error.kind() {
        // One whose type does not fit was not meant.
        let is_other = |error: &ValidationError<'_>| {
            error.instance_path().as_str() == own && matches!(error.kind(), ErrorKind::Type { .. })
        };
        let fits = context.iter().filter(|branch| !branch.iter().any(is_other));
        if let Some(branch) = fits.min_by_key(|branch| branch.len()) {
            branch.iter().for_each(|error| flatten(error, found));
            return;
        }
    }
    found.push(Miss {
        pointer: own.to_owned(),
        kind: error.kind(),
        value: error.instance().clone().into_owned(),
    });
}

/// Returns the last key of a pointer: of `/allow/1`, `allow`.
fn key_of(pointer: &str) -> &str {
    let named = |part: &&str| part.parse::<usize>().is_err();
    pointer.rsplit('/').find(named).unwrap_or_default()
}

/// Returns what a value is.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Returns what the schema wants at a pointer.
fn expected(pointer: &str) -> &'static str {
    let kinds = schemas_at(pointer)
        .into_iter()
        .flat_map(|schema| match &schema["type"] {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            kind => kind.as_str().into_iter().collect::<Vec<_>>(),
        });
    match kinds.into_iter().find(|kind| *kind != "null") {
        Some("string") => "text",
        Some("boolean") => "`true` or `false`",
        Some("integer" | "number") => "a number",
        Some("array") => "a list",
        _ => "a mapping",
    }
}

/// Returns the first sentence of what the schema says about a pointer.
fn description(pointer: &str) -> Option<&'static str> {
    let schemas = schemas_at(pointer);
    let text = schemas.iter().find_map(|schema| schema["description"].as_str())?;
    let text = text.split_once(". ").map_or(text, |(first, _)| first);
    let text = text.split('\n').next().unwrap_or_default();
    Some(text.trim_end_matches('.'))
}

/// Returns the keys that a mapping may have.
fn keys_at(pointer: &str) -> Vec<&'static str> {
    let schemas = schemas_at(pointer).into_iter();
    let properties = schemas
        .filter_map(|schema| schema["properties"].as_object())
        .flatten();
    properties.map(|(key, _)| key.as_str()).collect()
}

/// Returns the texts that a value may be.
fn options_at(pointer: &str) -> Vec<&'static str> {
    let schemas = schemas_at(pointer).into_iter();
    let listed = |schema: &'static Value| schema["enum"].as_array().into_iter().flatten();
    let options = schemas.flat_map(|schema| listed(schema).chain(schema.get("const")));
    options.filter_map(Value::as_str).collect()
}

/// Returns the schemas that speak about a pointer, references followed.
fn schemas_at(pointer: &str) -> Vec<&'static Value> {
    let mut found = parts(&SCHEMA);
    for part in pointer.split('/').skip(1) {
        let below = found.into_iter().filter_map(|schema| {
            let property = schema["properties"].get(part);
            let item = schema.get("items").filter(|_| part.parse::<usize>().is_ok());
            let other = schema
                .get("additionalProperties")
                .filter(|other| other.is_object());
            property.or(item).or(other)
        });
        found = below.flat_map(parts).collect();
    }
    found
}

/// Returns a schema with those that it refers to or chooses from.
fn parts(schema: &'static Value) -> Vec<&'static Value> {
    let mut found = vec![schema];
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
        found.extend(SCHEMA["definitions"].get(name).map(parts).unwrap_or_default());
    }
    for word in ["anyOf", "allOf", "oneOf"] {
        found.extend(schema[word].as_array().into_iter().flatten().flat_map(parts));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::BUILT_IN;
    use crate::diag::{Diagnostics, concise};

    fn said(text: &str) -> String {
        let mut diags = Diagnostics::default();
        let source = diags.sources.add("app.yaml", text);
        let documents = yaml::parse(text).expect("YAML");
        for finding in judge(&documents[0], source) {
            diags.push(finding);
        }
        concise::render(&diags)
    }

    #[test]
    fn the_manifests_of_the_library_are_right() {
        for (path, text) in BUILT_IN.iter().filter(|(path, _)| path.ends_with("/app.yaml")) {
            assert_eq!(said(text), "", "{path}");
        }
    }

    #[test]
    fn everything_is_said_at_once_and_where() {
        insta::assert_snapshot!(said(include_str!("wrong_app.yaml")));
    }

    #[test]
    fn durations_are_those_of_flux() {
        for right in ["1h", "30m", "1h30m", "1.5h", "90s", "500ms"] {
            assert!(is_duration(right), "{right}");
        }
        for wrong in ["5parsecs", "1d", "10", "", "-1h", " 1h", "1 h", "1h\n"] {
            assert!(!is_duration(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_list_is_no_manifest() {
        assert!(
            said("- a\n")
                .contains("1:1: error[template/bad-manifest]: a manifest must be a mapping, found a list")
        );
    }
}
