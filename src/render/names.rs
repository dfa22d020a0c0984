//! Which names templates may read, and the check that they read no others.
//!
//! Tera treats a name that does not exist as false in conditions, so a typo would switch a feature off in silence.
//! Every dotted name of every template is therefore looked up in the [`Shape`] of the context when the library loads.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

/// What the context holds at a place, without the values.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A text, number or boolean.
    Scalar,
    /// A list of things of one shape.
    List(Box<Shape>),
    /// A mapping with these keys.
    Object(BTreeMap<String, Shape>),
    /// Free space: anything below it may exist.
    Any,
}

impl Shape {
    /// Returns the shape that a JSON Schema describes; `root` resolves its `$ref`s.
    pub fn from_schema(schema: &Value, root: &Value) -> Self {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return root
                .pointer(target.trim_start_matches('#'))
                .map_or(Self::Any, |schema| Self::from_schema(schema, root));
        }
        if let Some([only]) = schema.get("allOf").and_then(Value::as_array).map(Vec::as_slice) {
            return Self::from_schema(only, root);
        }
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let shapes = properties
                .iter()
                .map(|(k, v)| (k.clone(), Self::from_schema(v, root)));
            return Self::Object(shapes.collect());
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => Self::List(Box::new(
                schema
                    .get("items")
                    .map_or(Self::Any, |items| Self::from_schema(items, root)),
            )),
            Some("object") => Self::Any,
            _ => Self::Scalar,
        }
    }

    /// Returns the shape of a value. An empty list may hold anything.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Array(items) => {
                let item = items.iter().map(Self::of).reduce(Self::union);
                Self::List(Box::new(item.unwrap_or(Self::Any)))
            }
            Value::Object(map) => Self::Object(map.iter().map(|(k, v)| (k.clone(), Self::of(v))).collect()),
            _ => Self::Scalar,
        }
    }
}

impl Shape {
    /// Returns what either of two things may be.
    fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Object(mut a), Self::Object(b)) => {
                for (key, shape) in b {
                    let both = match a.remove(&key) {
                        Some(own) => own.union(shape),
                        None => shape,
                    };
                    a.insert(key, both);
                }
                Self::Object(a)
            }
            (Self::List(a), Self::List(b)) => Self::List(Box::new(a.union(*b))),
            (a, b) if a == b => a,
            _ => Self::Any,
        }
    }
}

/// A name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownName {
    /// The name as far as it was read, such as `node.adress`.
    pub(super) name: String,
    /// Where it stands in the template.
    pub(super) span: Range<usize>,
    /// The names that would exist at this place.
    pub(super) candidates: Vec<String>,
}

const KEYWORDS: &[&str] = &[
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "in",
    "not",
    "and",
    "or",
    "is",
    "set",
    "set_global",
    "endset",
    "filter",
    "endfilter",
    "include",
    "raw",
    "endraw",
    "block",
    "endblock",
    "extends",
    "break",
    "continue",
    "true",
    "false",
    "True",
    "False",
    "none",
    "None",
    "null",
    "loop",
];

/// Returns whether a dotted name exists.
pub(super) fn exists(name: &str, root: &BTreeMap<String, Shape>) -> bool {
    let defined = BTreeMap::new();
    Scope { root, defined }.resolve(name).is_ok()
}

/// Returns of a name that does not exist the part that leads to nothing, and the names that are there.
pub(super) fn missing<'n>(name: &'n str, root: &BTreeMap<String, Shape>) -> (&'n str, Vec<String>) {
    let defined = BTreeMap::new();
    match (Scope { root, defined }).resolve(name) {
        Err((end, candidates)) => (&name[..end], candidates),
        Ok(_) => (name, Vec::new()),
    }
}

/// Says what to do about a name that does not exist; `near` is what may be meant.
pub(super) fn help(name: &str, near: Option<&str>) -> Option<String> {
    if let Some(near) = near {
        return Some(format!("did you mean `{near}`?"));
    }
    let own = name.strip_prefix("vars.")?;
    Some(format!("set `{own}` below `vars:` in cluster.yaml"))
}

/// Returns the names a template reads that do not exist.
pub(super) fn unknown(text: &str, root: &BTreeMap<String, Shape>) -> Vec<UnknownName> {
    let mut scope = Scope {
        root,
        defined: BTreeMap::new(),
    };
    let mut found = Vec::new();
    for tag in tags(text) {
        let words = words(text, tag);
        bind(&words, &mut scope);
        for (index, word) in words.iter().enumerate() {
            if word.is_name(&words, index) {
                let absent = word.may_be_absent(&words, index) && root.contains_key("vars");
                found.extend(look_up(word, &scope).filter(|_| !absent));
            }
        }
    }
    found
}

/// Byte ranges of the insides of block and value tags.
fn tags(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('#').map(|i| at + i) {
        let rest = &text[start..];
        let end = if rest.starts_with("#%") {
            Some(("%#", true))
        } else if rest.starts_with("#{") {
            Some(("}#", true))
        } else if rest.starts_with("#|") {
            Some(("|#", false))
        } else {
            None
        };
        at = match end {
            None => start + 1,
            Some((end, code)) => {
                let Some(close) = rest[2..].find(end).map(|i| start + 2 + i) else {
                    return found;
                };
                if code {
                    found.push(start + 2..close);
                }
                close + 2
            }
        };
    }
    found
}

/// A dotted name or a symbol of a tag.
#[derive(Debug)]
struct Word<'a> {
    text: &'a str,
    start: usize,
    is_ident: bool,
}

impl Word<'_> {
    /// Whether this word asks for one of the user's own values in a way that allows for its absence: `vars.x is defined`,
    /// `vars.x | default(…)`.
    fn may_be_absent(&self, words: &[Word<'_>], index: usize) -> bool {
        let next = words.get(index + 1).map(|w| w.text);
        let after = words.get(index + 2).map(|w| w.text);
        let test = next == Some("is") && matches!(after, Some("defined" | "not"));
        self.text.starts_with("vars.") && (test || next == Some("|") && after == Some("default"))
    }

    /// Whether this word reads a value: not a keyword, filter, test, argument name or called function.
    fn is_name(&self, words: &[Word<'_>], index: usize) -> bool {
        if !self.is_ident || KEYWORDS.contains(&self.text) || self.text.starts_with("loop.") {
            return false;
        }
        let previous = index.checked_sub(1).map(|i| words[i].text);
        let before = index.checked_sub(2).map(|i| words[i].text);
        let next = words.get(index + 1).map(|w| w.text);
        let after = words.get(index + 2).map(|w| w.text);
        let filter = matches!(previous, Some("|" | "filter"));
        let test = previous == Some("is") || (previous == Some("not") && before == Some("is"));
        let argument = next == Some("=") && after != Some("=") && previous != Some("set");
        let target = matches!(previous, Some("set" | "set_global" | "for"));
        let loop_second =
            previous == Some(",") && words.first().is_some_and(|w| w.text == "for") && index < 4;
        let call = next == Some("(");
        !(filter || test || argument || target || loop_second || call)
    }
}

fn words(text: &str, tag: Range<usize>) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let bytes = text.as_bytes();
    let mut at = tag.start;
    while at < tag.end {
        let byte = bytes[at];
        let start = at;
        if byte.is_ascii_alphabetic() || byte == b'_' {
            while at < tag.end && (bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b'.')) {
                at += 1;
            }
            words.push(Word {
                text: text[start..at].trim_end_matches('.'),
                start,
                is_ident: true,
            });
        } else if matches!(byte, b'\'' | b'"' | b'`') {
            at = text[at + 1..tag.end]
                .find(byte as char)
                .map_or(tag.end, |i| start + i + 2);
            words.push(Word {
                text: &text[start..at],
                start,
                is_ident: false,
            });
        } else if byte.is_ascii_digit() {
            while at < tag.end && (bytes[at].is_ascii_digit() || bytes[at] == b'.') {
                at += 1;
            }
        } else if byte.is_ascii_whitespace() || byte == b'-' {
            at += 1;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            words.push(Word {
                text: &text[start..at],
                start,
                is_ident: false,
            });
        }
    }
    words
}

/// Adds what `for`, comprehensions and `set` define. Scopes are not closed again: a name defined anywhere counts from
/// there on.
fn bind(words: &[Word<'_>], scope: &mut Scope<'_>) {
    if words
        .first()
        .is_some_and(|first| matches!(first.text, "set" | "set_global"))
        && let Some(name) = words.get(1)
    {
        scope.defined.insert(name.text.to_owned(), Shape::Any);
    }
    for (at, _) in words.iter().enumerate().filter(|(_, word)| word.text == "for") {
        let Some(length) = words[at..].iter().position(|word| word.text == "in") else {
            return;
        };
        let names: Vec<&str> = words[at + 1..at + length]
            .iter()
            .filter(|word| word.is_ident)
            .map(|word| word.text)
            .collect();
        let whole = |next: Option<&Word<'_>>| next.is_none_or(|next| matches!(next.text, "if" | "]"));
        let source = words
            .get(at + length + 1)
            .filter(|_| whole(words.get(at + length + 2)));
        let item = match source.and_then(|word| scope.resolve(word.text).ok()) {
            Some(Shape::List(item)) if names.len() == 1 => (**item).clone(),
            _ => Shape::Any,
        };
        scope
            .defined
            .extend(names.into_iter().map(|name| (name.to_owned(), item.clone())));
    }
}

/// The names that can be read at a place of a template.
struct Scope<'a> {
    root: &'a BTreeMap<String, Shape>,
    /// What the template defines; it hides names of the root.
    defined: BTreeMap<String, Shape>,
}

impl Scope<'_> {
    /// Returns what a dotted name stands for; `Err` with the length up to the part that does not exist, and the names
    /// that do.
    fn resolve(&self, name: &str) -> Result<&Shape, (usize, Vec<String>)> {
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let mut end = first.len();
        let Some(mut current) = self.defined.get(first).or_else(|| self.root.get(first)) else {
            let names = self.root.keys().chain(self.defined.keys());
            return Err((end, names.cloned().collect()));
        };
        for part in parts {
            end += part.len() + 1;
            current = match current {
                Shape::Object(map) => map
                    .get(part)
                    .ok_or_else(|| (end, map.keys().cloned().collect::<Vec<_>>()))?,
                Shape::Any => &Shape::Any,
                Shape::Scalar | Shape::List(_) => return Err((end, Vec::new())),
            };
        }
        Ok(current)
    }
}

fn look_up(word: &Word<'_>, scope: &Scope<'_>) -> Option<UnknownName> {
    scope
        .resolve(word.text)
        .err()
        .map(|(end, candidates)| UnknownName {
            name: word.text[..end].to_owned(),
            span: word.start..word.start + end,
            candidates,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        let context = json!({
            "nodes": [{"name": "a", "address": "b"}], "loki_enabled": true, "app": {"version": "1"},
        });
        let Shape::Object(root) = Shape::of(&context) else {
            return Vec::new();
        };
        unknown(text, &root).into_iter().map(|u| u.name).collect()
    }

    #[test]
    fn finds_typos_also_in_conditions_and_loops() {
        assert_eq!(names("#% if loki_enbled %#x#% endif %#"), ["loki_enbled"]);
        assert_eq!(
            names("#% for n in nodes %##{ n.adress }##% endfor %#"),
            ["n.adress"]
        );
        assert_eq!(names("#{ app.verion | upper }#"), ["app.verion"]);
        assert_eq!(names("#{ 'x' ~ missing }#"), ["missing"]);
        assert_eq!(names("#{ app.version | default(value=fallback) }#"), ["fallback"]);
        assert_eq!(names("#% set a = b %#"), ["b"]);
    }

    #[test]
    fn only_the_users_own_values_may_be_asked_for_while_they_are_absent() {
        assert_eq!(names("#% if vars.x is defined %##% endif %#"), ["vars"]);
        let root = BTreeMap::from([("vars".to_owned(), Shape::of(&json!({"a": 1})))]);
        for text in [
            "#% if vars.x is defined and vars.a %##% endif %#",
            "#% if vars.x is not defined %##% endif %#",
            "#{ vars.x | default(value=1) }#",
        ] {
            assert_eq!(unknown(text, &root), [], "{text}");
        }
        assert_eq!(unknown("#{ vars.x }#", &root).len(), 1);
        assert_eq!(missing("vars.x.y", &root), ("vars.x", vec!["a".to_owned()]));
        assert_eq!(missing("var.x", &root), ("var", vec!["vars".to_owned()]));
        assert_eq!(help("vars.x", Some("a")).as_deref(), Some("did you mean `a`?"));
        assert!(help("vars.x", None).is_some_and(|help| help.starts_with("set `x` below `vars:`")));
        assert_eq!(help("x", None), None);
        assert_eq!(unknown("#{ vars.x | upper }#", &root).len(), 1);
    }

    #[test]
    fn lists_have_what_any_of_their_items_has() {
        let shape = Shape::of(&json!({"l": [{"a": 1}, {"b": {"c": 2}}, {"b": 1}]}));
        let Shape::Object(root) = shape else { return };
        assert_eq!(
            unknown("#% for i in l %##{ i.a }##{ i.b.c }##% endfor %#", &root),
            []
        );
        assert_eq!(unknown("#% for i in l %##{ i.d }##% endfor %#", &root).len(), 1);
    }

    #[test]
    fn accepts_what_exists_and_what_templates_define() {
        for text in [
            "#% for n in nodes %##{ n.name }##{ loop.index }##% endfor %#",
            "#% set x = loki_enabled %##{ x }#",
            "#% if loki_enabled is defined and app.version != \"a.b\" %##% endif %#",
            "#{ app.version | replace(from='a', to='b') }#",
            "#| anything goes here |# # and here {{ $labels.x }}",
            "#% for k, v in app %##{ k }##{ v }##% endfor %#",
            "#{ [n.name for n in nodes] | length }#",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }
}
