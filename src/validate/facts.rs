//! What the rules see: typed values of the fields that are valid so far, each with its place.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{ConfigDocument, schema};
use crate::diag::Diagnostic;
use crate::source::Span;
use crate::world::side::Reported;

/// A valid value.
#[derive(Debug, Clone)]
pub(super) struct Fact<T> {
    /// The value, as written or by default.
    pub value: T,
    /// The key: `node_cidr`, or `address` for `/nodes/0/address`.
    pub key: String,
    /// Where it stands; `None` for a default.
    pub span: Option<Span>,
}

impl<T: std::fmt::Display> Fact<T> {
    /// Returns `key` with its value, and whether that is the default, for a message.
    pub(super) fn named(&self) -> String {
        let Self { value, key, span } = self;
        match span {
            Some(_) => format!("`{key}` ({value})"),
            None => format!("`{key}` ({value} by default)"),
        }
    }
}

/// The valid part of a configuration.
pub(super) struct Facts<'d> {
    document: &'d ConfigDocument,
    invalid: BTreeSet<String>,
    /// What lies beside `cluster.yaml`.
    pub(super) side: &'d Reported,
}

impl<'d> Facts<'d> {
    pub(super) fn new(document: &'d ConfigDocument, invalid: BTreeSet<String>, side: &'d Reported) -> Self {
        Self {
            document,
            invalid,
            side,
        }
    }

    /// Returns the value that a pointer leads to, or its key's default; nothing when it is invalid, or absent without
    /// a default.
    pub(super) fn get<T: DeserializeOwned>(&self, pointer: &str) -> Option<Fact<T>> {
        let schema = schema::at(pointer).expect("rules ask for keys of the schema");
        if self.is_invalid(pointer) {
            return None;
        }
        let written = self.document.json().pointer(pointer);
        let value = written.or_else(|| schema.get("default"))?;
        Some(Fact {
            value: serde_json::from_value(value.clone()).ok()?,
            key: pointer.rsplit('/').next().unwrap_or_default().to_owned(),
            span: written.and_then(|_| self.document.span(pointer)),
        })
    }

    /// Returns the value when it is written.
    pub(super) fn written<T: DeserializeOwned>(&self, pointer: &str) -> Option<Fact<T>> {
        self.get(pointer).filter(|fact| fact.span.is_some())
    }

    /// Returns the secret keys whose value may go on after a ` #`, with its place.
    pub(super) fn cut_secrets(&self) -> impl Iterator<Item = (&str, Option<Span>)> {
        let keys = self.document.cut_secrets();
        keys.map(|key| (key, self.document.span(&format!("/{key}"))))
    }

    /// Returns whether a flag is on; an invalid one counts as off.
    pub(super) fn is_on(&self, key: &str) -> bool {
        self.get::<bool>(&format!("/{key}"))
            .is_some_and(|fact| fact.value)
    }

    /// Returns whether the key is written, valid or not.
    pub(super) fn has(&self, key: &str) -> bool {
        let known = schema::keys().top_kind(key).is_some();
        debug_assert!(known, "rules ask for keys of the schema");
        self.document.is_written(&format!("/{key}"))
    }

    /// Returns the place of a written key.
    pub(super) fn key_span(&self, key: &str) -> Option<Span> {
        self.document.key_span(&format!("/{key}"))
    }

    /// Returns the value of this key in each node where it is valid and written, with the node's index.
    pub(super) fn nodes<T: DeserializeOwned>(&self, key: &str) -> Vec<(usize, Fact<T>)> {
        let count = self.node_count();
        (0..count)
            .filter_map(|index| Some((index, self.get(&format!("/nodes/{index}/{key}"))?)))
            .collect()
    }

    /// Returns how many node entries there are.
    pub(super) fn node_count(&self) -> usize {
        self.document.json()["nodes"].as_array().map_or(0, Vec::len)
    }

    /// Returns whether a key of a node is written, valid or not.
    pub(super) fn node_has(&self, index: usize, key: &str) -> bool {
        self.document.is_written(&format!("/nodes/{index}/{key}"))
    }

    /// Returns what a node is called in messages: its name, or its place in the list.
    pub(super) fn node_name(&self, index: usize) -> String {
        match self.get::<String>(&format!("/nodes/{index}/name")) {
            Some(name) => format!("node `{}`", name.value),
            None => format!("node {}", index + 1),
        }
    }

    /// Returns whether the value, something in it or something around it is invalid.
    fn is_invalid(&self, pointer: &str) -> bool {
        let around = pointer.match_indices('/').skip(1).map(|(end, _)| &pointer[..end]);
        let inside = self.invalid.range(format!("{pointer}/")..).next();
        self.invalid.contains(pointer)
            || around.into_iter().any(|around| self.invalid.contains(around))
            || inside.is_some_and(|inside| inside.starts_with(&format!("{pointer}/")))
            || self.document.json().pointer(pointer).is_some_and(Value::is_null)
    }
}

/// Starts a finding about two values: the one that is written later is underlined first, because that is the one to
/// change. The message tells what to do when both are defaults.
pub(super) fn about_two<A, B>(
    finding: Diagnostic,
    first: &Fact<A>,
    second: &Fact<B>,
    labels: [&str; 2],
) -> Diagnostic {
    match (first.span, second.span) {
        (Some(a), Some(b)) => finding.at(b, labels[1]).also(a, labels[0]),
        (Some(a), None) => finding.at(a, labels[0]),
        (None, Some(b)) => finding.at(b, labels[1]),
        (None, None) => finding,
    }
}
