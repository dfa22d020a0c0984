//! What the JSON Schema finds, as findings for people.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::error::ValidationErrorKind as ErrorKind;
use jsonschema::{ValidationError, ValidationOptions, Validator};
use serde_json::Value;

use super::wrong_value::wrong_value;
use crate::config::document::{child, inline, quoted};
use crate::config::mask::{CHOICES, similar};
use crate::config::{ConfigDocument, Named, Vocabulary, schema, unsupported};
use crate::diag::Diagnostic;
use crate::model::FORMATS;

/// How many findings of the schema are worded; a file with more is not a configuration.
const MAX_FINDINGS: usize = 100;

/// The schema's findings, and the pointers of everything they are about.
pub(super) struct Findings {
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) invalid: BTreeSet<String>,
    omitted: usize,
}

impl Findings {
    /// Adds a finding, or counts it when there are too many.
    fn report(&mut self, finding: impl FnOnce() -> Diagnostic) {
        if self.diagnostics.len() < MAX_FINDINGS {
            self.diagnostics.push(finding());
        } else {
            self.omitted += 1;
        }
    }
}

/// Checks the document against the schema. Values in `placeholders` are left to their own finding.
pub(super) fn findings(document: &ConfigDocument, placeholders: &BTreeSet<String>) -> Findings {
    let mut found = Findings {
        diagnostics: Vec::new(),
        invalid: BTreeSet::new(),
        omitted: 0,
    };
    let mut values: BTreeMap<String, Vec<ValidationError<'_>>> = BTreeMap::new();
    let validator = validator(document.vocabulary());
    for error in validator.iter_errors(document.json()) {
        let pointer = error.instance_path().as_str().to_owned();
        match error.kind() {
            ErrorKind::AdditionalProperties { unexpected } => {
                // Names of apps have findings of their own.
                for key in unexpected.iter().filter(|_| pointer != "/apps") {
                    found.report(|| unknown_key(document, &pointer, key));
                }
            }
            ErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                // A misspelt key has its own finding.
                if !is_misspelt(document, &pointer, key) {
                    found.report(|| missing_key(document, &pointer, key));
                }
                found.invalid.insert(child(&pointer, key));
            }
            _ if placeholders.contains(&pointer) => {}
            // Ciphertext that cannot be opened here.
            _ if document.is_unknown(pointer.trim_start_matches('/')) => {}
            _ => values.entry(pointer).or_default().push(error),
        }
    }
    for (pointer, errors) in values {
        found.report(|| wrong_value(document, &pointer, &errors));
        found.invalid.insert(pointer);
    }
    for finding in app_names(document) {
        found.report(|| finding);
    }
    if found.omitted > 0 {
        let message = format!("{} more findings are not shown", found.omitted);
        let finding = Diagnostic::error("config/too-many-findings", message).at(document.start(""), "");
        found
            .diagnostics
            .push(finding.help("mend what is shown first, and run again"));
    }
    found
}

/// Returns a finding for each key that the schema does not know; `only_secret` leaves those that are not much like a
/// secret one.
pub fn unknown_keys(document: &ConfigDocument, only_secret: bool) -> Vec<Diagnostic> {
    let keys = document.vocabulary().keys();
    let counts = |key: &&String| !only_secret || similar(key, keys.secrets()).is_some();
    let mut found = Vec::new();
    for error in validator(document.vocabulary()).iter_errors(document.json()) {
        let pointer = error.instance_path().as_str();
        if let ErrorKind::AdditionalProperties { unexpected } = error.kind()
            && pointer != "/apps"
        {
            let keys = unexpected.iter().filter(counts).take(MAX_FINDINGS);
            found.extend(keys.map(|key| unknown_key(document, pointer, key)));
        }
    }
    found
}

/// Returns whether the schema of a key takes a value.
pub(super) fn accepts(property: &Value, value: &Value) -> bool {
    options()
        .build(property)
        .is_ok_and(|validator| validator.is_valid(value))
}

fn validator(vocabulary: &Vocabulary) -> Validator {
    options()
        .build(vocabulary.schema())
        .expect("the schema is valid: a test checks its own part, the catalogue the keys of apps")
}

fn options() -> ValidationOptions<'static> {
    let options = schema::validators().should_validate_formats(true);
    FORMATS.iter().fold(options, |options, format| {
        options.with_format(format.name, |text: &str| (format.check)(text).is_ok())
    })
}

/// Returns findings for names below `apps:` that are no app's, or several apps'.
fn app_names(document: &ConfigDocument) -> Vec<Diagnostic> {
    let vocabulary = document.vocabulary();
    if vocabulary.apps().is_empty() {
        return Vec::new();
    }
    let names = document.json()["apps"].as_object().into_iter().flatten();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut findings = Vec::new();
    for (name, _) in names {
        let place = child("/apps", name);
        let span = document
            .key_span(&place)
            .unwrap_or_else(|| document.nearest("/apps"));
        let meant = vocabulary.app(name);
        // On one line, everything below `apps` is covered; what is an app's name, or much like one, is no secret.
        let is_like_one = !matches!(meant, Named::None(None)) || CHOICES.contains(&name.as_str());
        let shown = document
            .quotable_key(&place)
            .or_else(|| is_like_one.then(|| quoted(name)))
            .map(|name| format!(" {name}"))
            .unwrap_or_default();
        findings.push(match meant {
            Named::One(app) => match seen.insert(app.id(), place) {
                None => continue,
                Some(first) => Diagnostic::error(
                    "config/duplicate-key",
                    format!("the app `{}` has two entries in `apps`", app.id()),
                )
                .at(span, "given again here")
                .also(document.nearest(&first), "first given here")
                .help("put everything below one of the two"),
            },
            Named::Several(apps) => {
                let ids: Vec<String> = apps.iter().map(|app| format!("`{}`", app.id())).collect();
                Diagnostic::error("config/ambiguous-app", format!("several apps are called{shown}"))
                    .at(span, "which one?")
                    .help(format!("write the namespace as well: {}", ids.join(" or ")))
            }
            Named::None(_) if CHOICES.contains(&name.as_str()) => {
                let message =
                    format!("`{name}` is a choice about an app, and stands where the names of apps do");
                Diagnostic::error("config/unknown-app", message)
                    .at(span, "no app of this name")
                    .help("indent it by four spaces, so that it stands below the name of its app")
            }
            Named::None(near) => {
                let finding = Diagnostic::error("config/unknown-app", format!("there is no app{shown}"));
                match near {
                    Some(near) => finding
                        .at(span, format!("did you mean `{near}`?"))
                        .help(format!("write `{near}`")),
                    None => finding
                        .at(span, "no app of this name")
                        .help("`clusterwright apps` lists all apps"),
                }
            }
        });
    }
    findings
}

fn unknown_key(document: &ConfigDocument, pointer: &str, key: &str) -> Diagnostic {
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
    if let Some(meant) = similar(key, known_keys(document, pointer)) {
        let finding = finding.at(span, format!("did you mean `{meant}`?"));
        return if document.json().pointer(&child(pointer, meant)).is_some() {
            finding.help(format!("remove it: `{meant}` is already set"))
        } else {
            finding.help(format!("write `{meant}`"))
        };
    }
    let keys = document.vocabulary().keys();
    let elsewhere = match pointer {
        "" => keys.node_kind(key),
        _ if in_node => keys.top_kind(key),
        _ => None,
    };
    match elsewhere {
        Some(_) if in_node => finding
            .at(span, "this key belongs to the cluster, not to a node")
            .help(format!("move `{key}` to the top level, without indentation")),
        Some(_) => finding
            .at(span, "this key belongs to a node")
            .help(format!("move `{key}` below an entry of `nodes:`")),
        None if pointer.starts_with("/apps/") => finding
            .at(span, "not a choice about an app")
            .help("write `values`, `version` or `enabled`; values of the chart stand below `values:`"),
        None => finding
            .at(span, "not a key of the configuration")
            .help("remove it; `.clusterwright/cluster.schema.json` lists all keys"),
    }
}

/// Returns the keys that the schema knows in the mapping that a pointer leads to.
fn known_keys<'d>(document: &'d ConfigDocument, pointer: &str) -> impl Iterator<Item = &'d str> {
    let known = document.vocabulary().at(pointer);
    let known = known.and_then(|schema| schema["properties"].as_object());
    known.into_iter().flatten().map(|(known, _)| known.as_str())
}

/// Returns whether a mapping that lacks a key has an unknown one that looks like it.
fn is_misspelt(document: &ConfigDocument, pointer: &str, key: &str) -> bool {
    let mapping = document.json().pointer(pointer);
    let written = mapping.and_then(Value::as_object).into_iter().flatten();
    let unknown = written.filter(|(name, _)| known_keys(document, pointer).all(|known| known != *name));
    let mut unknown = unknown.take(MAX_FINDINGS);
    unknown.any(|(name, _)| {
        !unsupported::is_unsupported(name, pointer.starts_with("/nodes/"))
            && similar(name, known_keys(document, pointer)) == Some(key)
    })
}

fn missing_key(document: &ConfigDocument, pointer: &str, key: &str) -> Diagnostic {
    let place = child(pointer, key);
    let property = document.vocabulary().at(&place).unwrap_or(&Value::Null);
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
        _ if property["type"] != "array" => format!("add a line `{key}: ` with its value"),
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
