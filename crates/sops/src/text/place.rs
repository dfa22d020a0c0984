//! Where in a text a value is put or taken out, by path: edits that leave every other line as it is.

use serde_json::{Map, Value};
use yaml::layout::{self, Child};
use yaml::{Edit, Kind, Node, double_quoted, line};
use zeroize::Zeroizing;

use crate::error::SopsError;
use crate::format::Format;
use crate::text::SOPS_KEY;
use crate::text::document::Documents;
use crate::text::json;
use crate::text::keypath::{At, KeyPath, Step};
use crate::text::value::{Encrypted, ValueType};
use crate::text::write;

/// A value with those beside it.
struct Slot<'n> {
    parent: &'n Node,
    /// The children of the parent.
    children: Vec<Child<'n>>,
    /// Its number among them.
    at: usize,
    /// Whether it stands inside brackets.
    in_flow: bool,
}

impl<'n> Slot<'n> {
    fn child(&self) -> &Child<'n> {
        &self.children[self.at]
    }
}

/// A node on the way to a value: itself, the end of what stands before it, and whether it stands inside brackets.
#[derive(Clone, Copy)]
struct Stop<'n> {
    node: &'n Node,
    floor: usize,
    in_flow: bool,
}

/// How a value can be written at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    /// On lines of its own.
    Lines,
    /// On one line, for something follows on it.
    Line,
    /// Inside brackets.
    Brackets,
}

/// Edits of one document.
pub(crate) struct Place<'d, 't> {
    docs: &'d Documents<'t>,
    root: &'d Node,
    /// The start of the document.
    floor: usize,
    path: &'d KeyPath,
    /// By how many columns the document indents.
    step: usize,
}

impl<'d, 't> Place<'d, 't> {
    /// Looks at a document, counted from 0 among those with content.
    pub(crate) fn new(docs: &'d Documents<'t>, at: At<'d>) -> Result<Self, SopsError> {
        let At { document, path } = at;
        let (number, root) = docs.roots().nth(document).ok_or_else(|| SopsError::NoSuchValue {
            path: path.to_string(),
        })?;
        Ok(Self {
            docs,
            root,
            floor: docs.all[number].span.start,
            path,
            step: layout::step(docs.text, root).unwrap_or(2),
        })
    }

    /// Returns the node at the path.
    pub(crate) fn find(&self) -> Option<&'d Node> {
        let mut steps = self.path.steps().iter();
        steps.try_fold(self.root, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => real(node.items()).nth(*index).map(|(_, item)| item),
        })
    }

    fn start(&self) -> Stop<'d> {
        Stop {
            node: self.root,
            floor: self.floor,
            in_flow: false,
        }
    }

    /// Takes a step from a node; `None` where there is nothing.
    fn slot(&self, from: Stop<'d>, step: &Step) -> Option<Slot<'d>> {
        let parent = from.node;
        let children = layout::children(self.docs.text, parent, from.floor);
        let at = match step {
            Step::Key(key) => children.iter().position(|child| child.name() == Some(key))?,
            Step::Index(index) => real(parent.items()).nth(*index)?.0,
        };
        (at < children.len()).then(|| Slot {
            in_flow: from.in_flow || layout::is_flow(self.docs.text, parent),
            parent,
            children,
            at,
        })
    }

    /// Returns the edits that put a value at the path; mappings on the way that are missing are made.
    pub(crate) fn set(&self, value: &Value) -> Result<Vec<Edit>, SopsError> {
        let steps = self.path.steps();
        let (mut here, mut last) = (self.start(), None);
        for (i, step) in steps.iter().enumerate() {
            if let Some(found) = self.slot(here, step) {
                here = stop(&found);
                last = Some(found);
                continue;
            }
            let wrapped = |steps| nested(steps, value).ok_or_else(|| self.nowhere());
            return match (&here.node.kind, step, &last) {
                (Kind::Map(_), Step::Key(key), _) => self.insert_key(here, key, &wrapped(&steps[i + 1..])?),
                (Kind::Seq(items), Step::Index(index), _) if *index == real(items).count() => {
                    self.push(here, &wrapped(&steps[i + 1..])?)
                }
                (Kind::Scalar { value: text, .. }, _, Some(slot)) if is_null(text, here.node) => {
                    self.replace(slot, &wrapped(&steps[i..])?)
                }
                _ => Err(self.nowhere()),
            };
        }
        self.replace(&last.ok_or_else(|| self.nowhere())?, value)
    }

    /// Returns the edits that take the value at the path out.
    pub(crate) fn unset(&self) -> Result<Vec<Edit>, SopsError> {
        let (mut here, mut last, mut holder) = (self.start(), None, None);
        for step in self.path.steps() {
            let found = self.slot(here, step).ok_or_else(|| self.nowhere())?;
            here = stop(&found);
            holder = last.replace(found);
        }
        let slot = last.ok_or_else(|| self.nowhere())?;
        self.is_alone(here.node)?;
        if let (1, Some(holder)) = (slot.children.len(), holder) {
            let empty = match slot.parent.kind {
                Kind::Seq(_) => Value::Array(Vec::new()),
                _ => Value::Object(Map::new()),
            };
            return self.replace(&holder, &empty);
        }
        let range = layout::cut(self.docs.text, slot.parent, &slot.children, slot.at);
        Ok(vec![Edit::cut(range.ok_or_else(|| self.layout(slot.parent))?)])
    }

    fn replace(&self, slot: &Slot<'_>, value: &Value) -> Result<Vec<Edit>, SopsError> {
        let (text, child, flow) = (self.docs.text, slot.child(), slot.in_flow);
        self.is_alone(child.node)?;
        if let Some(key) = child.key.filter(|key| layout::colon(text, key).is_none()) {
            return Err(self.layout(key));
        }
        let from = child.floor;
        let mut to = child.end.max(from);
        if !flow && line::is_last(text, to) {
            // Blanks behind the value would become part of a block text.
            to = line::end(text, to);
        }
        // A comment behind the value stays on its line.
        let room = match (flow, line::is_last(text, to)) {
            (true, _) => Room::Brackets,
            (_, false) => Room::Line,
            (_, true) => self.room(to, child.column),
        };
        let mut out = self.render(value, room, child.column);
        if flow && child.key.is_none() {
            out = Zeroizing::new(out.trim_start().to_owned());
        }
        Ok(vec![self.edit(from..to, &out)])
    }

    /// Refuses a node that others repeat with an alias: with it, their value would go.
    fn is_alone(&self, node: &Node) -> Result<(), SopsError> {
        fn anchors(node: &Node, out: &mut Vec<usize>) {
            out.extend((node.anchor != 0).then_some(node.anchor));
            node.children().for_each(|child| anchors(child, out));
        }
        fn alias<'n>(at: &'n Node, without: &Node, of: &[usize]) -> Option<&'n Node> {
            match at.kind {
                _ if std::ptr::eq(at, without) => None,
                Kind::Alias(id) if of.contains(&id) => Some(at),
                _ => at.children().find_map(|child| alias(child, without, of)),
            }
        }
        let mut names = Vec::new();
        anchors(node, &mut names);
        match alias(self.root, node, &names) {
            Some(alias) => Err(SopsError::Repeated {
                path: self.path.to_string(),
                span: alias.span.clone(),
            }),
            None => Ok(()),
        }
    }

    fn insert_key(&self, map: Stop<'_>, key: &str, value: &Value) -> Result<Vec<Edit>, SopsError> {
        let text = self.docs.text;
        let is_root = std::ptr::eq(map.node, self.root);
        let own = |child: &&Child<'_>| !(is_root && child.name() == Some(SOPS_KEY));
        let children = layout::children(text, map.node, map.floor);
        let last = children.iter().rfind(own);
        if map.in_flow || layout::is_flow(text, map.node) {
            let value = self.render(value, Room::Brackets, 0);
            let out = format!("{}:{}", self.quoted(key).as_str(), value.as_str());
            return Ok(vec![self.append(map.node, last.map(|last| last.end), &out)]);
        }
        let first = children.first().ok_or_else(|| self.layout(map.node))?;
        let column = first.column;
        let key = write::string(key, false);
        let line = |room: Room| format!("{}:{}", key.as_str(), self.render(value, room, column).as_str());
        let Some(last) = last else {
            let at = line::start(text, first.at);
            let line = line(Room::Lines);
            return Ok(vec![self.edit(at..at, &format!("{:column$}{line}\n", ""))]);
        };
        if let Some(key) = last.key.filter(|key| layout::colon(text, key).is_none()) {
            return Err(self.layout(key));
        }
        let at = line::end(text, last.end);
        let line = line(self.room(at, column));
        Ok(vec![self.edit(at..at, &format!("\n{:column$}{line}", ""))])
    }

    fn push(&self, seq: Stop<'_>, value: &Value) -> Result<Vec<Edit>, SopsError> {
        let text = self.docs.text;
        let children = layout::children(text, seq.node, seq.floor);
        if seq.in_flow || layout::is_flow(text, seq.node) {
            let out = self.render(value, Room::Brackets, 0);
            let last = children.last().map(|last| last.end);
            return Ok(vec![self.append(seq.node, last, out.trim_start())]);
        }
        let last = children.last().ok_or_else(|| self.layout(seq.node))?;
        let (at, column) = (line::end(text, last.end), last.column);
        let value = self.render(value, self.room(at, column), column);
        let out = format!("\n{:column$}-{}", "", value.as_str());
        Ok(vec![self.edit(at..at, &out)])
    }

    /// Adds to a collection in brackets behind `last`, the end of an element, else to its start; on a line of its own
    /// where the first element has one.
    fn append(&self, node: &Node, last: Option<usize>, out: &str) -> Edit {
        let text = self.docs.text;
        let open = node.inside().start;
        let first = match &node.kind {
            Kind::Map(entries) => entries.first().map(|(key, _)| key.span.start),
            _ => node.items().first().map(|item| item.span.start),
        };
        let gap = first.and_then(|first| text[open..first].rsplit_once('\n'));
        let line = gap.map_or_else(|| " ".to_owned(), |(_, indent)| format!("\n{indent}"));
        match (last, first) {
            (Some(last), _) => self.edit(last..last, &format!(",{line}{out}")),
            (None, Some(first)) => self.edit(first..first, &format!("{out},{line}")),
            (None, None) => self.edit(open..open, out),
        }
    }

    /// Writes a text in the quotes of the format.
    fn quoted(&self, text: &str) -> Zeroizing<String> {
        match self.docs.format {
            Format::Yaml => double_quoted(text),
            _ => json::quoted(text),
        }
    }

    /// Makes an edit with the line ends of the text.
    fn edit(&self, range: std::ops::Range<usize>, out: &str) -> Edit {
        if self.docs.text.contains("\r\n") {
            Edit::new(range, out.replace('\n', "\r\n"))
        } else {
            Edit::new(range, out)
        }
    }

    /// Returns whether a block text can end at that line.
    fn room(&self, at: usize, column: usize) -> Room {
        if layout::block_text::can_end_at(self.docs.text, at, column) {
            Room::Lines
        } else {
            Room::Line
        }
    }

    /// Writes a value behind a colon or dash in that column.
    fn render(&self, value: &Value, room: Room, column: usize) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::new());
        self.write(value, room, column, &mut out);
        out
    }

    fn write(&self, value: &Value, room: Room, column: usize, out: &mut Zeroizing<String>) {
        let inner = column + self.step;
        match value {
            Value::Object(map) if room == Room::Lines && !map.is_empty() => {
                for (key, value) in map {
                    out.push_str(&format!("\n{:inner$}{}:", "", write::string(key, false).as_str()));
                    self.write(value, Room::Lines, inner, out);
                }
            }
            Value::Array(items) if room == Room::Lines && !items.is_empty() => {
                for item in items {
                    out.push_str(&format!("\n{:inner$}-", ""));
                    let room = if item.is_array() || item.is_object() {
                        Room::Brackets
                    } else {
                        Room::Lines
                    };
                    self.write(item, room, inner, out);
                }
            }
            Value::String(text) if room != Room::Brackets => {
                match write::literal(text, inner).filter(|_| room == Room::Lines) {
                    Some((header, lines)) => out.extend([" ", header, lines.as_str()]),
                    None => out.extend([" ", write::string(text, false).as_str()]),
                }
            }
            value => {
                out.push(' ');
                self.in_brackets(value, out);
            }
        }
    }

    fn in_brackets(&self, value: &Value, out: &mut Zeroizing<String>) {
        match value {
            Value::String(text) => out.push_str(&self.quoted(text)),
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    self.in_brackets(item, out);
                }
                out.push(']');
            }
            Value::Object(map) => {
                out.push('{');
                for (i, (key, value)) in map.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { ", " });
                    out.extend([self.quoted(key).as_str(), ": "]);
                    self.in_brackets(value, out);
                }
                out.push('}');
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        }
    }

    fn nowhere(&self) -> SopsError {
        SopsError::NoSuchValue {
            path: self.path.to_string(),
        }
    }

    fn layout(&self, node: &Node) -> SopsError {
        SopsError::Layout {
            path: self.path.to_string(),
            span: node.span.clone(),
        }
    }
}

/// Returns where the way goes on behind a value.
fn stop<'n>(slot: &Slot<'n>) -> Stop<'n> {
    let child = slot.child();
    Stop {
        node: child.node,
        floor: child.floor,
        in_flow: slot.in_flow,
    }
}

/// Returns the items that are no encrypted comments, with their places.
fn real(items: &[Node]) -> impl Iterator<Item = (usize, &Node)> {
    items.iter().enumerate().filter(|(_, item)| {
        let sealed = item.as_str().and_then(Encrypted::parse);
        sealed.is_none_or(|value| value.kind != ValueType::Comment)
    })
}

fn is_null(text: &str, node: &Node) -> bool {
    node.span.is_empty() || matches!(text, "null" | "~") && node.tag.is_none()
}

/// Wraps a value in the mappings and lists of a path; `None` for a list that would not start at 0.
fn nested(steps: &[Step], value: &Value) -> Option<Value> {
    let Some((first, rest)) = steps.split_first() else {
        return Some(value.clone());
    };
    let inner = nested(rest, value)?;
    match first {
        Step::Key(key) => Some(Value::Object(Map::from_iter([(key.clone(), inner)]))),
        Step::Index(0) => Some(Value::Array(vec![inner])),
        Step::Index(_) => None,
    }
}
