//! YAML text to a tree in which every node knows its bytes.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, options};
use serde_json::Value;

use super::scalar;

/// How many nodes the expansion of an alias may have before the text is refused (an "alias bomb"). The largest chart
/// values that people share with anchors have some thousands.
const MAX_ALIAS_NODES: usize = 100_000;

/// How many nodes documents with anchors may have together, with their aliases expanded.
const MAX_EXPANDED: usize = 500_000;

/// How many bytes of a scalar count as a node, for an alias of a long text takes memory as well.
const BYTES_OF_A_NODE: usize = 64;

/// Deepest nesting of collections; what is read is walked by functions that call themselves. Kubernetes refuses more than
/// some 100 levels of a schema; the deepest objects that are known, definitions of custom resources, have about 40.
const MAX_DEPTH: usize = 128;

/// Up to how many keys of a mapping are compared one by one; beyond, hashing is faster.
const SMALL_MAPPING: usize = 16;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `value`
    Plain,
    /// `'value'`
    SingleQuoted,
    /// `"value"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A scalar with its text after escapes and folding.
    Scalar {
        /// The text.
        value: String,
        /// How it is written.
        style: Style,
    },
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping in document order.
    Map(Vec<(Node, Node)>),
    /// `*name`; the number is that of the anchored node's [`Node::anchor`].
    Alias(usize),
}

/// A node of a YAML document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Byte range in the text. A block scalar's range starts at its content, an empty null's is empty.
    pub span: Range<usize>,
    /// The tag as written, such as `!!str`.
    pub tag: Option<String>,
    /// Number of the anchor, 0 without one.
    pub anchor: usize,
}

/// Why a text is not YAML that we read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong, in the words of the parser. Holds no value of the text.
    pub message: String,
    /// Where.
    pub span: Range<usize>,
    /// A second place: the first of two duplicate keys.
    pub first: Option<Range<usize>>,
}

enum Frame {
    Seq(Node),
    Map(Node, Option<Node>),
}

/// What may stand where a key is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Scalars alone.
    Scalars,
    /// Aliases as well: `*name : value`.
    Aliases,
}

/// Reads a stream of documents. Documents without content are left out.
///
/// # Errors
/// For text that is not YAML, for duplicate keys, for keys that are collections or aliases, for an alias bomb.
pub fn parse(text: &str) -> Result<Vec<Node>, ParseError> {
    parse_with(text, Keys::Scalars)
}

/// Reads a stream of documents as [`parse`] does, with other rules for keys.
pub(crate) fn parse_with(text: &str, keys: Keys) -> Result<Vec<Node>, ParseError> {
    let mut options = options();
    options.set_emit_comments(false);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut documents = Vec::new();
    let mut stack: Vec<Frame> = Vec::new();
    let mut root = None;
    let mut aliases = false;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| scan_error(&error, text))?;
        let span = span.byte_range().unwrap_or(0..0);
        let done = match event {
            Event::Scalar(value, style, anchor, tag) => Some(Node {
                kind: Kind::Scalar {
                    value: value.into_owned(),
                    style: style.into(),
                },
                span,
                tag: tag.map(|tag| tag.original()),
                anchor,
            }),
            Event::Alias(id) => {
                aliases = true;
                Some(Node {
                    kind: Kind::Alias(id),
                    span,
                    tag: None,
                    anchor: 0,
                })
            }
            Event::SequenceStart(_, anchor, tag) => {
                let tag = tag.map(|tag| tag.original());
                stack.push(Frame::Seq(Node {
                    kind: Kind::Seq(Vec::new()),
                    span,
                    tag,
                    anchor,
                }));
                None
            }
            Event::MappingStart(_, anchor, tag) => {
                let tag = tag.map(|tag| tag.original());
                stack.push(Frame::Map(
                    Node {
                        kind: Kind::Map(Vec::new()),
                        span,
                        tag,
                        anchor,
                    },
                    None,
                ));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(Frame::Seq(mut node) | Frame::Map(mut node, _)) => {
                    node.span.end = span.end.max(node.span.start);
                    check_keys(&node, keys)?;
                    Some(node)
                }
                None => None,
            },
            Event::DocumentEnd => {
                documents.extend(root.take());
                None
            }
            _ => None,
        };
        let Some(node) = done else { continue };
        match stack.last_mut() {
            None => root = Some(node),
            Some(Frame::Seq(parent)) => {
                if let Kind::Seq(items) = &mut parent.kind {
                    items.push(node);
                }
            }
            Some(Frame::Map(parent, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => {
                    if let Kind::Map(entries) = &mut parent.kind {
                        entries.push((key, node));
                    }
                }
            },
        }
    }
    if !text.ends_with('\n')
        && let Some(last) = documents.last_mut()
    {
        trim_unterminated_block(last, text.len());
    }
    if aliases {
        documents.iter().try_fold(0, check_aliases)?;
    }
    Ok(documents)
}

/// Returns the byte ranges of all comments, from their `#` to the end of their line.
///
/// # Errors
/// For text that is not YAML.
pub fn comments(text: &str) -> Result<Vec<Range<usize>>, ParseError> {
    if !text.contains('#') {
        return Ok(Vec::new());
    }
    let mut options = options();
    options.set_emit_comments(true);
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut comments = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| scan_error(&error, text))?;
        if let (Event::Comment(..), Some(span)) = (event, span.byte_range()) {
            comments.push(span);
        }
    }
    comments.sort_by_key(|span| span.start);
    Ok(comments)
}

fn options() -> Options {
    options! { flow_nesting_limit: MAX_DEPTH, block_nesting_limit: MAX_DEPTH }
}

fn scan_error(error: &ScanError, text: &str) -> ParseError {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    ParseError {
        message: error.info(),
        span: at..at,
        first: None,
    }
}

/// Go, libyaml and `PyYAML` read `a: |\n  x` at the end of a file without newline as `"x"`, the parser as `"x\n"`.
fn trim_unterminated_block(node: &mut Node, end: usize) {
    match &mut node.kind {
        Kind::Scalar {
            value,
            style: Style::Literal | Style::Folded,
        } if node.span.end >= end && value.ends_with('\n') => {
            value.pop();
        }
        Kind::Seq(items) => {
            if let Some(last) = items.last_mut() {
                trim_unterminated_block(last, end);
            }
        }
        Kind::Map(entries) => {
            if let Some((_, last)) = entries.last_mut() {
                trim_unterminated_block(last, end);
            }
        }
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
}

fn check_keys(node: &Node, keys: Keys) -> Result<(), ParseError> {
    let Kind::Map(entries) = &node.kind else {
        return Ok(());
    };
    let large = entries.len() > SMALL_MAPPING;
    let mut seen: HashMap<&str, &Range<usize>> =
        HashMap::with_capacity(if large { entries.len() } else { 0 });
    for (at, (key, _)) in entries.iter().enumerate() {
        if keys == Keys::Aliases && matches!(key.kind, Kind::Alias(_)) {
            continue;
        }
        let Kind::Scalar { value, .. } = &key.kind else {
            return Err(ParseError {
                message: "a mapping key must be plain text (is a template expression left over?)".to_owned(),
                span: key.span.clone(),
                first: None,
            });
        };
        let first = if large {
            seen.insert(value, &key.span)
        } else {
            let before = entries[..at]
                .iter()
                .find(|(other, _)| other.as_str() == Some(value));
            before.map(|(other, _)| &other.span)
        };
        if let Some(first) = first {
            return Err(ParseError {
                message: "this key is given twice".to_owned(),
                span: key.span.clone(),
                first: Some(first.clone()),
            });
        }
    }
    Ok(())
}

/// Refuses documents whose aliases would expand to too many nodes, and aliases of a node inside itself. `before` is the
/// size of the documents of the text before it; returns the size with this one.
fn check_aliases(before: usize, root: &Node) -> Result<usize, ParseError> {
    fn walk(node: &Node, sizes: &mut HashMap<usize, usize>) -> Result<usize, ParseError> {
        let mut size = 1_usize;
        match &node.kind {
            Kind::Scalar { value, .. } => size += value.len() / BYTES_OF_A_NODE,
            Kind::Seq(items) => {
                for item in items {
                    size = size.saturating_add(walk(item, sizes)?);
                }
            }
            Kind::Map(entries) => {
                for (key, value) in entries {
                    size = size
                        .saturating_add(walk(key, sizes)?)
                        .saturating_add(walk(value, sizes)?);
                }
            }
            Kind::Alias(id) => {
                size = sizes.get(id).copied().unwrap_or(usize::MAX);
                if size > MAX_ALIAS_NODES {
                    return Err(ParseError {
                        message: format!(
                            "this alias expands to more than {MAX_ALIAS_NODES} values, or to itself"
                        ),
                        span: node.span.clone(),
                        first: None,
                    });
                }
            }
        }
        if node.anchor != 0 {
            sizes.insert(node.anchor, size);
        }
        Ok(size)
    }
    let mut sizes = HashMap::new();
    let size = walk(root, &mut sizes)?;
    if sizes.is_empty() {
        return Ok(before);
    }
    let size = before.saturating_add(size);
    if size > MAX_EXPANDED {
        return Err(ParseError {
            message: format!("aliases expand to more than {MAX_EXPANDED} values"),
            span: root.span.start..root.span.start,
            first: None,
        });
    }
    Ok(size)
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted => Self::SingleQuoted,
            ScalarStyle::DoubleQuoted => Self::DoubleQuoted,
            ScalarStyle::Literal => Self::Literal,
            ScalarStyle::Folded => Self::Folded,
        }
    }
}

impl Node {
    /// Returns the text of a scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Returns whether the node is a merge key: `<<` without quotes. In quotes it is a key like any other, for go-yaml as
    /// for `PyYAML`.
    pub fn is_merge(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { value, style: Style::Plain } if value == "<<")
            && self.tag.as_deref().is_none_or(|tag| tag == "!!merge")
    }

    /// Returns the value of the merge key.
    pub fn merged(&self) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(key, _)| key.is_merge())
            .map(|(_, value)| value)
    }

    /// Returns the items of a sequence, nothing for other nodes.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::Seq(items) => items,
            _ => &[],
        }
    }

    /// Returns the entries of a mapping, nothing for other nodes.
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the nodes directly below: list items, keys and values.
    pub fn children(&self) -> impl Iterator<Item = &Node> {
        let entries = self.entries().iter().flat_map(|(key, value)| [key, value]);
        self.items().iter().chain(entries)
    }

    /// Returns the entry with this key.
    pub fn entry(&self, key: &str) -> Option<&(Node, Node)> {
        self.entries().iter().find(|(k, _)| k.as_str() == Some(key))
    }

    /// Returns the value of this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Returns the value below these keys.
    pub fn path(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Returns the text of the scalar below these keys.
    pub fn str_at(&self, keys: &[&str]) -> Option<&str> {
        self.path(keys)?.as_str()
    }

    /// Returns the node that a JSON pointer (RFC 6901) leads to, as far as it exists.
    pub fn pointer(&self, pointer: &str) -> &Node {
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            let next = match &node.kind {
                Kind::Map(_) => node.get(&part),
                Kind::Seq(items) => part.parse().ok().and_then(|i: usize| items.get(i)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// Returns the document as JSON: plain scalars typed by the YAML 1.2 core schema, aliases expanded, merge keys
    /// (`<<`) applied as YAML 1.1 defines them. Call it on a document's root.
    pub fn to_json(&self) -> Value {
        let mut anchors = HashMap::new();
        collect_anchors(self, &mut anchors);
        json(self, &anchors)
    }
}

fn collect_anchors<'a>(node: &'a Node, anchors: &mut HashMap<usize, &'a Node>) {
    if node.anchor != 0 {
        anchors.insert(node.anchor, node);
    }
    node.children().for_each(|child| collect_anchors(child, anchors));
}

fn json(node: &Node, anchors: &HashMap<usize, &Node>) -> Value {
    match &node.kind {
        Kind::Scalar { value, style } => match (style, node.tag.as_deref()) {
            (Style::Plain, None) | (_, Some("!!int" | "!!float" | "!!bool" | "!!null")) => {
                scalar::resolve(value)
            }
            _ => Value::String(value.clone()),
        },
        Kind::Seq(items) => Value::Array(items.iter().map(|item| json(item, anchors)).collect()),
        Kind::Map(entries) => {
            let mut map = serde_json::Map::new();
            for (key, value) in entries {
                if key.is_merge() {
                    let merged = json(value, anchors);
                    let sources = match merged {
                        Value::Array(items) => items,
                        other => vec![other],
                    };
                    for source in sources {
                        if let Value::Object(source) = source {
                            for (key, value) in source {
                                map.entry(key).or_insert(value);
                            }
                        }
                    }
                }
            }
            for (key, value) in entries {
                match key.as_str() {
                    _ if key.is_merge() => {}
                    None => {}
                    Some(key) => {
                        map.insert(key.to_owned(), json(value, anchors));
                    }
                }
            }
            Value::Object(map)
        }
        Kind::Alias(id) => anchors.get(id).map_or(Value::Null, |node| json(node, anchors)),
    }
}

#[cfg(test)]
mod tests;
