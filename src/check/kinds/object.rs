//! Walks a document along the schema of its kind.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::Value;
use yaml::{Kind, Node, Style, scalar};

use super::Report;
use super::schema::{Others, Schema, Type};
use crate::check::manifests::Object;
use crate::check::rule::Finding;
use crate::plan::closest;
use crate::world::secrecy::is_ciphertext;

/// How many names a help lists.
const LISTED: usize = 12;

/// Judges an object; a partial one may leave out what its kind must have.
pub(super) fn judge(object: &Object<'_>, schema: &Schema, partial: bool, report: &mut Report) {
    let mut walk = Walk {
        object,
        root: schema,
        report,
        anchors: None,
        partial,
        at: Vec::new(),
    };
    let kind = object.node.entry("kind").map(|(_, value)| value.span.clone());
    walk.value(schema, object.node, kind.unwrap_or_default());
}

/// A step from a node to one below it.
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

struct Walk<'a, 'o> {
    object: &'o Object<'a>,
    root: &'o Schema,
    report: &'o mut Report,
    /// Number of an anchor → its node; collected when the first alias is met.
    anchors: Option<HashMap<usize, &'a Node>>,
    /// Whether this part only patches another object.
    partial: bool,
    at: Vec<Step<'a>>,
}

impl<'a> Walk<'a, '_> {
    /// Judges a value. `name` is where to point at when something is missing in it.
    fn value(&mut self, schema: &Schema, node: &'a Node, name: Range<usize>) {
        let schema = schema.resolve(self.root);
        let Some(node) = self.target(node) else { return };
        let Some(found) = type_of(node) else {
            return;
        };
        let types = schema.types.list();
        self.mark_trap(types, node);
        if !types.is_empty() && !types.iter().any(|ty| found.is(*ty)) {
            self.wrong_type(node, types, found, &name);
            return;
        }
        match &node.kind {
            Kind::Map(_) => self.map(schema, node, name),
            Kind::Seq(items) => {
                if let Some(schema) = &schema.items {
                    for (index, item) in items.iter().enumerate() {
                        let first = item.entries().first().map(|(key, _)| key.span.clone());
                        self.at.push(Step::Item(index));
                        self.value(schema, item, first.unwrap_or_else(|| item.span.clone()));
                        self.at.pop();
                    }
                }
            }
            Kind::Scalar { value, .. } => {
                if !schema.variants.is_empty() && !schema.variants.contains(value) {
                    self.not_one_of(node, value, &schema.variants);
                }
            }
            Kind::Alias(_) => {}
        }
    }

    /// Notes where quotes would be wrong around what YAML 1.1 reads differently.
    fn mark_trap(&mut self, types: &[Type], node: &Node) {
        let is_text = |ty: &Type| !matches!(ty, Type::Boolean | Type::Integer | Type::Number);
        let Kind::Scalar {
            value,
            style: Style::Plain,
        } = &node.kind
        else {
            return;
        };
        if !types.is_empty() && !types.iter().any(is_text) && scalar::yaml11_trap(value).is_some() {
            let places = self.report.no_text.entry(self.object.path.clone());
            places.or_default().insert(node.span.start);
        }
    }

    fn map(&mut self, schema: &Schema, node: &'a Node, name: Range<usize>) {
        let entries = self.entries(node);
        let before = self.partial;
        self.partial |= entries.iter().any(|(key, _)| {
            key.as_str()
                .is_some_and(|key| key.starts_with('$') && !key.starts_with("${"))
        });
        for (key, value) in &entries {
            let Some(text) = key.as_str() else { continue };
            if is_instruction(text) || (self.at.is_empty() && text == "sops") {
                continue;
            }
            let field = schema.properties.get(text);
            let below = match (field, schema.additional_properties.as_deref()) {
                (Some(field), _) => field,
                (None, Some(Others::Schema(others))) => others,
                (None, Some(Others::Allowed(false))) => {
                    let is_there = |name: &str| entries.iter().any(|(key, _)| key.as_str() == Some(name));
                    self.unknown_field(schema, key, text, is_there);
                    continue;
                }
                (None, _) => continue,
            };
            // The server drops a field without a value, unless it must be there.
            let required = schema.required.iter().any(|name| name == text);
            if !required && is_null(value) {
                continue;
            }
            self.at.push(Step::Key(text));
            self.value(below, value, key.span.clone());
            self.at.pop();
        }
        if !self.partial {
            let has = |name: &str| entries.iter().any(|(key, _)| key.as_str() == Some(name));
            let missing: Vec<&str> = schema
                .required
                .iter()
                .map(String::as_str)
                .filter(|name| !has(name))
                .collect();
            if !missing.is_empty() {
                self.missing(&missing, name);
            }
        }
        self.partial = before;
    }

    /// Returns the entries of a mapping with those that `<<` merges into it.
    fn entries(&mut self, node: &'a Node) -> Vec<(&'a Node, &'a Node)> {
        let own = node.entries();
        let mut all: Vec<(&'a Node, &'a Node)> = own.iter().map(|(key, value)| (key, value)).collect();
        let Some(merged) = node.merged() else {
            return all;
        };
        all.retain(|(key, _)| !key.is_merge());
        let Some(source) = self.target(merged) else {
            return all;
        };
        let sources = if source.items().is_empty() {
            vec![source]
        } else {
            source
                .items()
                .iter()
                .filter_map(|item| self.target(item))
                .collect()
        };
        for source in sources {
            for (key, value) in self.entries(source) {
                if !all.iter().any(|(known, _)| known.as_str() == key.as_str()) {
                    all.push((key, value));
                }
            }
        }
        all
    }

    /// Follows an alias.
    fn target(&mut self, node: &'a Node) -> Option<&'a Node> {
        let Kind::Alias(id) = node.kind else {
            return Some(node);
        };
        let root = self.object.node;
        let anchors = self.anchors.get_or_insert_with(|| {
            let mut anchors = HashMap::new();
            collect_anchors(root, &mut anchors);
            anchors
        });
        anchors.get(&id).copied()
    }

    /// Returns the way to the current value: `spec.rules[0].matches`.
    fn path(&self) -> String {
        let mut out = String::new();
        for step in &self.at {
            match step {
                Step::Item(index) => drop(write!(out, "[{index}]")),
                Step::Key(key) if key.contains('.') => drop(write!(out, "[{key:?}]")),
                Step::Key(key) if out.is_empty() => out.push_str(key),
                Step::Key(key) => drop(write!(out, ".{key}")),
            }
        }
        out
    }

    fn unknown_field(&mut self, schema: &Schema, key: &Node, name: &str, is_there: impl Fn(&str) -> bool) {
        let place = self.path();
        let message = match place.as_str() {
            "" => format!("`{}` has no field `{name}`", self.object.kind),
            place => format!("`{place}` of `{}` has no field `{name}`", self.object.kind),
        };
        let known = || schema.properties.keys().map(String::as_str);
        let help = if let Some(near) = closest(name, known()) {
            if is_there(near) {
                format!("remove it: `{near}` is there already")
            } else {
                format!("did you mean `{near}`?")
            }
        } else if let Some(place) = elsewhere(self.root, name) {
            format!("there is a field `{place}`: is it indented right?")
        } else if known().count() <= LISTED {
            let names: Vec<String> = known().map(|name| format!("`{name}`")).collect();
            format!("remove it; there are {}", names.join(", "))
        } else {
            "remove it".to_owned()
        };
        let finding = Finding::new(self.object.path, message, help);
        self.report
            .unknown_fields
            .push(finding.at(key.span.clone(), "unknown field"));
    }

    fn missing(&mut self, names: &[&str], span: Range<usize>) {
        let mut place = self.path();
        if !place.is_empty() && self.at.last().is_some() {
            place.push('.');
        }
        let names: Vec<String> = names.iter().map(|name| format!("`{place}{name}`")).collect();
        let message = format!("`{}` needs {}", self.object.kind, names.join(" and "));
        let help = match names.as_slice() {
            [only] => format!("add {only}"),
            _ => format!("add {}", names.join(" and ")),
        };
        let finding = Finding::new(self.object.path, message, help);
        self.report.missing_fields.push(finding.at(span, "in here"));
    }

    fn wrong_type(&mut self, node: &Node, types: &[Type], found: Found, name: &Range<usize>) {
        let expected: Vec<&str> = types.iter().map(|ty| words(*ty)).collect();
        let message = format!(
            "`{}` of `{}` is {}, not {}",
            self.path(),
            self.object.kind,
            found.words(),
            expected.join(" or ")
        );
        let finding = Finding::new(self.object.path, message, self.remedy(node, types));
        // Where nothing is written, and for what fills many lines, the key says where.
        let short = node.as_str().is_some() && !node.span.is_empty();
        let span = if short { node.span.clone() } else { name.clone() };
        self.report
            .wrong_types
            .push(finding.at(span, format!("expected {}", expected.join(" or "))));
    }

    fn remedy(&self, node: &Node, types: &[Type]) -> String {
        let text = node.as_str().filter(|text| {
            let short = text.len() <= 40 && !text.contains(['"', '\\', '\n']);
            short && !text.is_empty() && !self.object.path.is_sops() && self.object.kind != "Secret"
        });
        let plain = |text: &str| match (scalar::resolve(text), types.first()) {
            (Value::Bool(_), Some(Type::Boolean)) | (Value::Number(_), Some(Type::Number)) => true,
            (Value::Number(number), Some(Type::Integer)) => !number.is_f64(),
            _ => false,
        };
        match (types.first(), text) {
            (Some(Type::String), Some(text)) if !scalar::resolve(text).is_null() => {
                format!("quote it: `\"{text}\"`")
            }
            (Some(Type::String), None) if node.as_str().is_some_and(|text| !text.is_empty()) => {
                "put it in quotes".to_owned()
            }
            (_, Some(text)) if plain(text) => format!("remove the quotes: `{text}`"),
            (Some(Type::Array), Some(text)) => format!("write a list: `- {text}`"),
            (Some(Type::Array), None) if matches!(node.kind, Kind::Map(_)) => {
                "write a list: `- ` before its first key, the others indented".to_owned()
            }
            (Some(ty), _) => format!("write {}", words(*ty)),
            (None, _) => "correct it".to_owned(),
        }
    }

    fn not_one_of(&mut self, node: &Node, value: &str, variants: &[String]) {
        if has_placeholder(value) {
            return;
        }
        let message = format!("`{}` of `{}` cannot be `{value}`", self.path(), self.object.kind);
        let names = || variants.iter().map(String::as_str);
        let help = match closest(value, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if variants.len() > LISTED => {
                "write one of the values that the kind's reference lists".to_owned()
            }
            None => {
                let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
                format!("write one of {}", names.join(", "))
            }
        };
        let finding = Finding::new(self.object.path, message, help);
        self.report
            .wrong_types
            .push(finding.at(node.span.clone(), "no such value"));
    }
}

/// Keys that tell kustomize or the API server what to do (`$patch`, `$retainKeys`), and placeholders.
fn is_instruction(key: &str) -> bool {
    key.starts_with('$') || has_placeholder(key)
}

/// Flux replaces `${NAME}` before anything else reads the text; SOPS replaces `ENC[…]`.
fn has_placeholder(text: &str) -> bool {
    text.contains("${") || is_ciphertext(text)
}

fn is_null(node: &Node) -> bool {
    matches!(type_of(node), Some(Found::Null))
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Null,
    Boolean,
    Integer,
    Fraction,
    String,
    /// A scalar that becomes something else before Kubernetes reads it.
    Placeholder,
    List,
    Mapping,
}

impl Found {
    fn is(self, ty: Type) -> bool {
        match self {
            Self::Null => false,
            Self::Boolean => ty == Type::Boolean,
            Self::Integer => matches!(ty, Type::Integer | Type::Number),
            Self::Fraction => ty == Type::Number,
            Self::String => ty == Type::String,
            Self::Placeholder => !matches!(ty, Type::Array | Type::Object),
            Self::List => ty == Type::Array,
            Self::Mapping => ty == Type::Object,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Boolean => "a boolean",
            Self::Integer => "a number",
            Self::Fraction => "a fraction",
            Self::String | Self::Placeholder => "text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

fn words(ty: Type) -> &'static str {
    match ty {
        Type::Array => "a list",
        Type::Boolean => "`true` or `false`",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Object => "a mapping",
        Type::String => "text",
    }
}

/// Returns what a node is, nothing for an alias.
fn type_of(node: &Node) -> Option<Found> {
    Some(match &node.kind {
        Kind::Map(_) => Found::Mapping,
        Kind::Seq(_) => Found::List,
        Kind::Alias(_) => return None,
        Kind::Scalar { value, .. } if has_placeholder(value) => Found::Placeholder,
        Kind::Scalar { value, style } => match (style, node.tag.as_deref()) {
            (Style::Plain, None) | (_, Some("!!int" | "!!float" | "!!bool" | "!!null")) => {
                match scalar::resolve(value) {
                    Value::Null => Found::Null,
                    Value::Bool(_) => Found::Boolean,
                    Value::Number(number) if number.is_f64() => Found::Fraction,
                    Value::Number(_) => Found::Integer,
                    _ => Found::String,
                }
            }
            _ => Found::String,
        },
    })
}

fn collect_anchors<'a>(node: &'a Node, anchors: &mut HashMap<usize, &'a Node>) {
    if node.anchor != 0 {
        anchors.insert(node.anchor, node);
    }
    for item in node.items() {
        collect_anchors(item, anchors);
    }
    for (_, value) in node.entries() {
        collect_anchors(value, anchors);
    }
}

/// Returns the shortest way to a field of this name, looking at most four levels deep.
fn elsewhere(root: &Schema, name: &str) -> Option<String> {
    let mut level = vec![(String::new(), root)];
    for _ in 0..4 {
        let mut next = Vec::new();
        for (path, schema) in level {
            let schema = schema.resolve(root);
            let schema = schema
                .items
                .as_deref()
                .map_or(schema, |items| items.resolve(root));
            for (key, below) in &schema.properties {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                if key == name {
                    return Some(path);
                }
                if path != "metadata" {
                    next.push((path, below));
                }
            }
        }
        level = next;
    }
    None
}
