//! Where in a text a value is put or taken out, by path: edits that leave every other line as it is.

use serde_json::{Map, Value};
use yaml::{Kind, Node, double_quoted};
use zeroize::Zeroizing;

use super::document::{
    Documents, SOPS_KEY, is_clear_below, is_flow, last_byte, line_end, line_start, next_line,
};
use super::error::SopsError;
use super::format::Format;
use super::json;
use super::keypath::{At, KeyPath, Step};
use super::plan::{Props, is_block};
use super::splice::Edit;
use super::text;
use super::value::{Encrypted, ValueType};

/// A node with what is written around it.
#[derive(Clone, Copy)]
enum Slot<'n> {
    /// A value with its key.
    Entry(&'n Node, &'n Node),
    /// A list item.
    Item(&'n Node),
}

impl<'n> Slot<'n> {
    fn node(self) -> &'n Node {
        match self {
            Self::Entry(_, node) | Self::Item(node) => node,
        }
    }
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
pub(super) struct Place<'d, 't> {
    docs: &'d Documents<'t>,
    root: &'d Node,
    path: &'d KeyPath,
    /// By how many columns the document indents.
    step: usize,
}

impl<'d, 't> Place<'d, 't> {
    /// Looks at a document, counted from 0 among those with content.
    pub(super) fn new(docs: &'d Documents<'t>, at: At<'d>) -> Result<Self, SopsError> {
        let At { document, path } = at;
        let (_, root) = docs.roots().nth(document).ok_or_else(|| SopsError::NoSuchValue {
            path: path.to_string(),
        })?;
        let column = |node: &Node| {
            let (key, _) = node.entries().first()?;
            (!is_flow(docs.text, node)).then(|| docs.column(key.span.start))
        };
        let base = column(root).unwrap_or_default();
        let steps = root.entries().iter().filter_map(|(_, value)| column(value));
        let step = steps
            .map(|column| column.saturating_sub(base))
            .find(|step| (2..=8).contains(step));
        Ok(Self {
            docs,
            root,
            path,
            step: step.unwrap_or(2),
        })
    }

    /// Returns the node at the path.
    pub(super) fn find(&self) -> Option<&'d Node> {
        let mut node = self.root;
        for step in self.path.steps() {
            node = slot(node, step)?.node();
        }
        Some(node)
    }

    /// Returns the edits that put a value at the path; mappings on the way that are missing are made.
    pub(super) fn set(&self, value: &Value) -> Result<Vec<Edit>, SopsError> {
        let steps = self.path.steps();
        let mut node = self.root;
        let mut at = None;
        for (i, step) in steps.iter().enumerate() {
            if let Some(found) = slot(node, step) {
                (node, at) = (found.node(), Some((found, node)));
                continue;
            }
            let rest = &steps[i + 1..];
            return match (&node.kind, step, at) {
                (Kind::Map(_), Step::Key(key), _) => {
                    self.insert_key(node, key, &nested(rest, value).ok_or_else(|| self.nowhere())?)
                }
                (Kind::Seq(items), Step::Index(index), _) if *index == real(items).count() => {
                    self.push(node, &nested(rest, value).ok_or_else(|| self.nowhere())?)
                }
                (Kind::Scalar { value: text, .. }, _, Some((slot, parent))) if is_null(text, node) => {
                    let value = nested(&steps[i..], value).ok_or_else(|| self.nowhere())?;
                    self.replace(slot, parent, &value)
                }
                _ => Err(self.nowhere()),
            };
        }
        let (slot, parent) = at.ok_or_else(|| self.nowhere())?;
        self.replace(slot, parent, value)
    }

    /// Returns the edits that take the value at the path out.
    pub(super) fn unset(&self) -> Result<Vec<Edit>, SopsError> {
        let (last, above) = self.path.steps().split_last().ok_or_else(|| self.nowhere())?;
        let (mut parent, mut holder) = (self.root, None);
        for step in above {
            let found = slot(parent, step).ok_or_else(|| self.nowhere())?;
            holder = Some((found, parent));
            parent = found.node();
        }
        self.is_alone(slot(parent, last).ok_or_else(|| self.nowhere())?.node())?;
        let (starts, ends, at): (Vec<usize>, Vec<usize>, usize) = match (&parent.kind, last) {
            (Kind::Map(entries), Step::Key(key)) => (
                entries.iter().map(|(key, _)| key.span.start).collect(),
                entries
                    .iter()
                    .map(|(key, value)| self.end(value, self.colon(key).unwrap_or(key.span.end)))
                    .collect(),
                entries
                    .iter()
                    .position(|(found, _)| found.as_str() == Some(key))
                    .ok_or_else(|| self.nowhere())?,
            ),
            (Kind::Seq(items), Step::Index(index)) => (
                items.iter().map(|item| item.span.start).collect(),
                items
                    .iter()
                    .map(|item| self.end(item, self.item_floor(item)))
                    .collect(),
                real(items)
                    .nth(*index)
                    .map(|(at, _)| at)
                    .ok_or_else(|| self.nowhere())?,
            ),
            _ => return Err(self.nowhere()),
        };
        if let (1, Some((slot, holder))) = (starts.len(), holder) {
            let empty = match parent.kind {
                Kind::Seq(_) => Value::Array(Vec::new()),
                _ => Value::Object(Map::new()),
            };
            return self.replace(slot, holder, &empty);
        }
        let text = self.docs.text;
        if is_flow(text, parent) {
            let range = match (at, starts.get(at + 1)) {
                (0, Some(next)) => starts[0]..*next,
                (0, None) => starts[0]..ends[0],
                _ => ends[at - 1]..ends[at],
            };
            return Ok(vec![Edit::new(range, "")]);
        }
        let start = match parent.kind {
            Kind::Seq(_) => self.dash(starts[at])?,
            _ => starts[at],
        };
        let line = line_start(text, start);
        if text[line..start].trim().is_empty() {
            let mut to = next_line(text, ends[at].max(start));
            // Blank lines, and comments that belong to the value, would become part of a block text before them.
            let before = at.checked_sub(1).map(|before| match &parent.kind {
                Kind::Map(entries) => &entries[before].1,
                _ => &parent.items()[before],
            });
            if before.is_some_and(ends_in_block) {
                let column = start - line;
                let joins = |line: &str| {
                    let inner = line.trim_start_matches(' ');
                    inner.trim().is_empty() || inner.starts_with('#') && line.len() - inner.len() > column
                };
                while to < text.len() && joins(&text[to..line_end(text, to)]) {
                    to = next_line(text, to);
                }
            }
            return Ok(vec![Edit::new(line..to, "")]);
        }
        // The first entry of an item stands behind the dash of its list: the next one moves up.
        let next = match (starts.get(at + 1), &parent.kind) {
            (Some(next), Kind::Seq(_)) => self.dash(*next)?,
            (Some(next), _) => *next,
            (None, _) => return Err(self.layout(parent)),
        };
        Ok(vec![Edit::new(start..next, "")])
    }

    fn replace(&self, slot: Slot<'_>, parent: &Node, value: &Value) -> Result<Vec<Edit>, SopsError> {
        self.is_alone(slot.node())?;
        let text = self.docs.text;
        let flow = is_flow(text, parent) || self.in_flow(parent);
        let (from, column) = match slot {
            Slot::Entry(key, _) => (
                self.colon(key).ok_or_else(|| self.layout(key))?,
                self.docs.column(key.span.start),
            ),
            Slot::Item(item) if flow => (item.span.start, 0),
            Slot::Item(item) => {
                let dash = self.dash(item.span.start)?;
                (dash + 1, self.docs.column(dash))
            }
        };
        let mut to = self.end(slot.node(), from).max(from);
        if !flow && text[to..line_end(text, to)].trim().is_empty() {
            // Blanks behind the value would become part of a block text.
            to = line_end(text, to);
        }
        // A comment behind the value stays on its line.
        let room = match (flow, text[to..line_end(text, to)].trim().is_empty()) {
            (true, _) => Room::Brackets,
            (_, false) => Room::Line,
            (_, true) => self.room(to, column),
        };
        let mut out = self.render(value, room, column);
        if flow && matches!(slot, Slot::Item(_)) {
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

    fn insert_key(&self, map: &Node, key: &str, value: &Value) -> Result<Vec<Edit>, SopsError> {
        let text = self.docs.text;
        let is_root = std::ptr::eq(map, self.root);
        let own = |key: &Node| !(is_root && key.as_str() == Some(SOPS_KEY));
        if is_flow(text, map) || self.in_flow(map) {
            let value = self.render(value, Room::Brackets, 0);
            let out = format!("{}:{}", self.quoted(key).as_str(), value.as_str());
            let last = map.entries().iter().rfind(|(key, _)| own(key));
            let last = last.map(|(key, value)| last_byte(text, value).max(key.span.end));
            return Ok(vec![self.append(map, last, &out)]);
        }
        let column = self.docs.column(
            map.entries()
                .first()
                .ok_or_else(|| self.layout(map))?
                .0
                .span
                .start,
        );
        let key = text::string(key, false);
        let line = |room: Room| format!("{}:{}", key.as_str(), self.render(value, room, column).as_str());
        let Some((before, last)) = map.entries().iter().rfind(|(key, _)| own(key)) else {
            let at = line_start(text, map.entries()[0].0.span.start);
            let line = line(Room::Lines);
            return Ok(vec![self.edit(at..at, &format!("{:column$}{line}\n", ""))]);
        };
        let end = self.end(last, self.colon(before).ok_or_else(|| self.layout(before))?);
        let at = line_end(text, end);
        let line = line(self.room(at, column));
        Ok(vec![self.edit(at..at, &format!("\n{:column$}{line}", ""))])
    }

    fn push(&self, seq: &Node, value: &Value) -> Result<Vec<Edit>, SopsError> {
        let text = self.docs.text;
        if is_flow(text, seq) || self.in_flow(seq) {
            let last = seq.items().last().map(|item| last_byte(text, item));
            let out = self.render(value, Room::Brackets, 0);
            return Ok(vec![self.append(seq, last, out.trim_start())]);
        }
        let last = seq.items().last().ok_or_else(|| self.layout(seq))?;
        let column = self.docs.column(self.dash(last.span.start)?);
        let at = line_end(text, self.end(last, self.item_floor(last)));
        let out = format!(
            "\n{:column$}-{}",
            "",
            self.render(value, self.room(at, column), column).as_str()
        );
        Ok(vec![self.edit(at..at, &out)])
    }

    /// Adds to a collection in brackets behind `last`, the end of an element, else to its start; on a line of its own
    /// where the first element has one.
    fn append(&self, node: &Node, last: Option<usize>, out: &str) -> Edit {
        let text = self.docs.text;
        let open = node.span.start + 1;
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

    /// Returns where a node ends, before its line break; `floor` is the end of what stands before it.
    fn end(&self, node: &Node, floor: usize) -> usize {
        let text = self.docs.text;
        match &node.kind {
            _ if is_flow(text, node) => node.span.end,
            Kind::Map(entries) => entries.last().map_or(floor, |(key, value)| {
                self.end(value, self.colon(key).unwrap_or(key.span.end))
            }),
            Kind::Seq(items) => items
                .last()
                .map_or(floor, |item| self.end(item, self.item_floor(item))),
            Kind::Scalar { .. } if is_block(node) => {
                let header = Props::scan(text, floor.min(node.span.start)..node.span.start).header;
                let from = header.map_or(floor, |header| header.end);
                text[..node.span.end.max(from)].trim_end().len().max(from)
            }
            Kind::Scalar { .. } if node.span.is_empty() && (node.anchor != 0 || node.tag.is_some()) => {
                let line = &text[floor..line_end(text, floor)];
                let comment = line.find(" #").unwrap_or(line.len());
                floor + line[..comment].trim_end().len()
            }
            Kind::Scalar { .. } | Kind::Alias(_) if node.span.is_empty() => floor,
            Kind::Scalar { .. } | Kind::Alias(_) => node.span.end.max(floor),
        }
    }

    /// Returns the place behind the colon of a key.
    fn colon(&self, key: &Node) -> Option<usize> {
        let rest = &self.docs.text[key.span.end..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest[blank..].starts_with(':').then_some(key.span.end + blank + 1)
    }

    /// Returns the dash before a list item; anchor, tag and the header of a block text may stand between.
    fn dash(&self, item: usize) -> Result<usize, SopsError> {
        let text = self.docs.text;
        let near = text[..item].trim_end_matches([' ', '\t']).len();
        if near > 0 && text[..near].ends_with('-') {
            return Ok(near - 1);
        }
        let before = text[..item].trim_end().len();
        let line = line_start(text, before);
        let (mut at, mut dash) = (line, None);
        while at < item {
            at += text[at..].len() - text[at..].trim_start_matches(' ').len();
            if !text[at..].starts_with("- ") {
                break;
            }
            dash = Some(at);
            at += 1;
        }
        dash.ok_or(SopsError::Layout {
            path: self.path.to_string(),
            span: item..item,
        })
    }

    /// Returns where a list item starts behind its dash.
    fn item_floor(&self, item: &Node) -> usize {
        self.dash(item.span.start)
            .map_or(item.span.start, |dash| dash + 1)
    }

    /// Returns whether a node lies inside brackets.
    fn in_flow(&self, node: &Node) -> bool {
        fn below(text: &str, at: &Node, node: &Node) -> bool {
            let inside = at.span.start <= node.span.start && node.span.end <= at.span.end;
            (inside && is_flow(text, at)) || at.children().any(|child| below(text, child, node))
        }
        below(self.docs.text, self.root, node)
    }

    /// Returns whether a block text can end at that line.
    fn room(&self, at: usize, column: usize) -> Room {
        if is_clear_below(self.docs.text, at, column) {
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
                    out.push_str(&format!("\n{:inner$}{}:", "", text::string(key, false).as_str()));
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
                match text::literal(text, inner).filter(|_| room == Room::Lines) {
                    Some((header, lines)) => out.extend([" ", header, lines.as_str()]),
                    None => out.extend([" ", text::string(text, false).as_str()]),
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

/// Returns whether the last value in a node is a block text.
fn ends_in_block(node: &Node) -> bool {
    match &node.kind {
        Kind::Map(entries) => entries.last().is_some_and(|(_, value)| ends_in_block(value)),
        Kind::Seq(items) => items.last().is_some_and(ends_in_block),
        Kind::Scalar { .. } | Kind::Alias(_) => is_block(node),
    }
}

fn slot<'n>(node: &'n Node, step: &Step) -> Option<Slot<'n>> {
    match step {
        Step::Key(key) => node.entry(key).map(|(key, value)| Slot::Entry(key, value)),
        Step::Index(index) => real(node.items()).nth(*index).map(|(_, item)| Slot::Item(item)),
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
