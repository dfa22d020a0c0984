//! The leaves of a file in the order in which SOPS walks them, aliases expanded.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use yaml::{Kind, Node, layout, line};

use crate::error::SopsError;
use crate::format::Format;
use crate::rules::selector::Scope;
use crate::text::SOPS_KEY;
use crate::text::document::Documents;
use crate::text::typing::{self, Typed};
use crate::text::value::{Encrypted, ValueType};

/// A scalar with its place.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent properties of a place, each with its name"
)]
pub(crate) struct Leaf<'n> {
    /// Number of the document.
    pub(crate) doc: usize,
    /// The mapping keys above it.
    pub(crate) keys: Vec<String>,
    /// Its path with list positions, for people and for comparison: `a.b[0]`.
    pub(crate) path: String,
    /// The scalar itself; through an alias the anchored one.
    pub(crate) node: &'n Node,
    /// Where it stands; through an alias the alias.
    pub(crate) span: Range<usize>,
    /// End of the token before it.
    pub(crate) gap: usize,
    /// Whether it is written inside brackets.
    pub(crate) in_flow: bool,
    /// Whether it is reached through an alias.
    pub(crate) by_alias: bool,
    /// Whether the selector covers it.
    pub(crate) in_scope: bool,
    /// Column from which a block text must be indented further.
    pub(crate) column: usize,
    /// What it is as written.
    pub(crate) typed: Typed,
    /// An encrypted comment that stands as a list item, as SOPS writes them.
    pub(crate) comment_item: bool,
}

impl Leaf<'_> {
    /// Returns what AES-GCM authenticates beside the value.
    pub(crate) fn aad(&self) -> String {
        aad(&self.keys)
    }

    pub(crate) fn place(&self) -> (usize, &str) {
        (self.doc, &self.path)
    }

    /// Returns whether it is an integer spelled `-0`. In JSON, SOPS before 3.13.2 takes it for a float, and 3.13 writes
    /// a `-0.0` so. All other integers the older releases write in the digits that they hash.
    pub(crate) fn is_negative_zero(&self) -> bool {
        self.text() == "-0" && matches!(&self.typed, Typed::Value(plain) if plain.kind == ValueType::Int)
    }

    /// Returns the text after escapes.
    pub(crate) fn text(&self) -> &str {
        self.node.as_str().unwrap_or_default()
    }
}

/// Returns the keys joined as SOPS joins them.
pub(crate) fn aad(keys: &[String]) -> String {
    format!("{}:", keys.join(":"))
}

/// An alias and the leaves it stands for.
#[derive(Debug)]
pub(crate) struct AliasUse<'n> {
    pub(crate) span: Range<usize>,
    pub(crate) target: &'n Node,
    pub(crate) leaves: Range<usize>,
    pub(crate) in_flow: bool,
}

/// A key with its place, where something is to be said about it.
#[derive(Debug)]
pub(crate) struct KeyUse {
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
    pub(crate) leaves: Range<usize>,
}

/// A mapping or list with its place.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) doc: usize,
    pub(crate) keys: Vec<String>,
    pub(crate) path: String,
    pub(crate) start: usize,
    /// Starts of its keys or items.
    pub(crate) entries: Vec<usize>,
    pub(crate) end: usize,
    pub(crate) column: usize,
    pub(crate) is_map: bool,
    pub(crate) in_flow: bool,
}

/// Everything a walk finds.
#[derive(Debug, Default)]
pub(crate) struct Walk<'n> {
    pub(crate) leaves: Vec<Leaf<'n>>,
    pub(crate) aliases: Vec<AliasUse<'n>>,
    /// Keys that are not text for SOPS, such as `1:`.
    pub(crate) odd_keys: Vec<KeyUse>,
    /// Merge keys, `<<`.
    pub(crate) merges: Vec<KeyUse>,
    /// Keys that are the text `<<`.
    pub(crate) text_merges: Vec<KeyUse>,
    /// Mappings and lists, outer ones first; those behind aliases are left out.
    pub(crate) containers: Vec<Container>,
}

struct Walker<'d, 't, 's> {
    docs: &'d Documents<'t>,
    scope: &'s Scope,
    sealed: bool,
    doc: usize,
    anchors: HashMap<usize, &'d Node>,
    out: Walk<'d>,
    keys: Vec<String>,
    path: String,
    comments: Vec<String>,
    cursor: usize,
    alias: Option<Range<usize>>,
    /// The place of the comments that INI puts before the first key of a section.
    of_section: Range<usize>,
}

/// Walks all documents. `sealed` says that the text is a SOPS file: its `sops` entries are left out and encrypted
/// comments in lists are known.
pub(crate) fn walk<'d>(docs: &'d Documents<'_>, scope: &Scope, sealed: bool) -> Result<Walk<'d>, SopsError> {
    let mut walker = Walker {
        docs,
        scope,
        sealed,
        doc: 0,
        anchors: HashMap::new(),
        out: Walk::default(),
        keys: Vec::new(),
        path: String::new(),
        comments: Vec::new(),
        cursor: 0,
        alias: None,
        of_section: 0..0,
    };
    for (doc, root) in docs.roots() {
        walker.doc = doc;
        walker.anchors.clear();
        walker.cursor = docs.all[doc].span.start;
        walker.node(root, false, 0)?;
    }
    Ok(walker.out)
}

impl<'d> Walker<'d, '_, '_> {
    fn node(&mut self, node: &'d Node, in_flow: bool, column: usize) -> Result<(), SopsError> {
        if node.anchor != 0 && self.alias.is_none() {
            self.anchors.insert(node.anchor, node);
        }
        let in_flow = in_flow || (self.alias.is_none() && layout::is_flow(self.docs.text, node));
        let end = match self.alias {
            None => layout::end(self.docs.text, node, self.cursor),
            Some(_) => self.cursor,
        };
        match &node.kind {
            Kind::Scalar { .. } => self.leaf(node, in_flow, column),
            Kind::Map(entries) => {
                let starts = entries.iter().map(|(key, _)| key.span.start).collect();
                self.container(node, starts, end, in_flow);
                self.map(entries, in_flow)?;
            }
            Kind::Seq(items) => {
                self.container(
                    node,
                    items.iter().map(|item| item.span.start).collect(),
                    end,
                    in_flow,
                );
                self.seq(node, items, in_flow)?;
            }
            Kind::Alias(id) => {
                let Some(target) = self.anchors.get(id).copied() else {
                    return Err(SopsError::Layout {
                        path: self.path.clone(),
                        span: node.span.clone(),
                    });
                };
                let first = self.out.leaves.len();
                let outermost = self.alias.is_none();
                if outermost {
                    self.alias = Some(node.span.clone());
                }
                self.node(target, in_flow, column)?;
                if outermost {
                    self.alias = None;
                    self.out.aliases.push(AliasUse {
                        span: node.span.clone(),
                        target,
                        leaves: first..self.out.leaves.len(),
                        in_flow,
                    });
                }
            }
        }
        if self.alias.is_none() {
            self.cursor = self.cursor.max(end);
        }
        Ok(())
    }

    fn container(&mut self, node: &Node, entries: Vec<usize>, end: usize, in_flow: bool) {
        if self.alias.is_none() {
            self.out.containers.push(Container {
                doc: self.doc,
                keys: self.keys.clone(),
                path: self.path.clone(),
                column: entries.first().map_or(0, |at| self.docs.column(*at)),
                entries,
                start: node.span.start,
                end,
                is_map: matches!(node.kind, Kind::Map(_)),
                in_flow,
            });
        }
    }

    fn map(&mut self, entries: &'d [(Node, Node)], in_flow: bool) -> Result<(), SopsError> {
        let length = self.path.len();
        let mut before = self.cursor;
        for (key, value) in entries {
            let Kind::Scalar { value: name, style } = &key.kind else {
                continue;
            };
            if self.sealed && self.keys.is_empty() && name == SOPS_KEY {
                self.cursor = self.cursor.max(layout::entry_end(self.docs.text, key, value));
                before = self.cursor;
                continue;
            }
            if self.alias.is_none() {
                self.cursor = self.cursor.max(key.span.end);
            }
            push_key(&mut self.path, name);
            self.keys.push(name.clone());
            let comments = self.comments.len();
            let column = self.docs.column(key.span.start);
            if layout::dash_before(self.docs.text, key.span.start).is_some() {
                // What stands above belongs to the item, or to the one before.
                before = before.max(line::start(self.docs.text, key.span.start));
            }
            let own = before..self.line_of(key, value, key.span.end);
            match (self.docs.format, self.keys.len()) {
                (Format::Ini, 1) => self.of_section = own,
                // SOPS puts the comments of a key behind it, so that they count for the next one.
                (Format::Ini, _) => {
                    let of_previous = std::mem::replace(&mut self.of_section, own);
                    self.push_comments(of_previous, usize::MAX, 0);
                }
                _ => self.push_comments(own, key.span.start, column),
            }
            let first = self.out.leaves.len();
            self.node(value, in_flow, self.docs.column(key.span.start))?;
            self.comments.truncate(comments);
            before = self.cursor;
            let found = KeyUse {
                path: self.path.clone(),
                span: key.span.clone(),
                leaves: first..self.out.leaves.len(),
            };
            let text = match typing::scalar(name, *style, key.tag.as_deref()) {
                Typed::Value(plain) => plain.kind == ValueType::Str,
                _ => false,
            };
            if key.is_merge() && key.tag.is_none() {
                self.out.merges.push(found);
            } else if name == "<<" && !key.is_merge() && self.docs.format == Format::Yaml {
                self.out.text_merges.push(found);
            } else if !text {
                self.out.odd_keys.push(found);
            }
            self.keys.pop();
            self.path.truncate(length);
        }
        Ok(())
    }

    fn seq(&mut self, node: &Node, items: &'d [Node], in_flow: bool) -> Result<(), SopsError> {
        let length = self.path.len();
        let mut before = self.cursor;
        let mut index = 0;
        if self.alias.is_none() {
            self.cursor = self.cursor.max(node.span.start);
        }
        let comments = self.comments.len();
        let floors: Vec<usize> = match self.alias {
            None if !in_flow => layout::children(self.docs.text, node, before)
                .iter()
                .map(|child| child.floor)
                .collect(),
            _ => Vec::new(),
        };
        for (at, item) in items.iter().enumerate() {
            if let Some(floor) = floors.get(at) {
                self.cursor = self.cursor.max(*floor);
            }
            let own = match item.kind {
                Kind::Scalar { .. } | Kind::Alias(_) => before..self.line_of(item, item, item.span.start),
                _ => before..item.span.start,
            };
            self.push_comments(own, item.span.start, self.docs.item_column(item.span.start));
            let comment_item = self.sealed
                && self.scope.holds(&self.keys, &self.comments)
                && item
                    .as_str()
                    .and_then(Encrypted::parse)
                    .is_some_and(|value| value.kind == ValueType::Comment);
            let _ = write!(self.path, "[{index}]");
            self.node(item, in_flow, self.docs.column(item.span.start).saturating_sub(2))?;
            if !comment_item {
                self.comments.truncate(comments);
            }
            before = self.cursor;
            self.path.truncate(length);
            if comment_item {
                if let Some(leaf) = self.out.leaves.last_mut() {
                    leaf.comment_item = true;
                }
            } else {
                index += 1;
            }
        }
        Ok(())
    }

    fn leaf(&mut self, node: &'d Node, in_flow: bool, column: usize) {
        let Kind::Scalar { value, style } = &node.kind else {
            return;
        };
        self.out.leaves.push(Leaf {
            doc: self.doc,
            keys: self.keys.clone(),
            path: self.path.clone(),
            node,
            span: self.alias.clone().unwrap_or_else(|| node.span.clone()),
            gap: self.cursor.min(node.span.start),
            in_flow,
            by_alias: self.alias.is_some(),
            in_scope: self.scope.holds(&self.keys, &self.comments),
            column,
            typed: typing::scalar(value, *style, node.tag.as_deref()),
            comment_item: false,
        });
    }

    /// Returns the end of the line on which an entry, without the mapping or list it holds, ends.
    fn line_of(&self, key: &Node, value: &Node, floor: usize) -> usize {
        let text = self.docs.text;
        let end = match value.kind {
            Kind::Scalar { .. } | Kind::Alias(_) => line::trimmed(text, layout::end(text, value, floor)),
            _ => key.span.end,
        };
        line::end(text, end.max(key.span.end))
    }

    /// Adds the comments in a range that count for an entry: those on lines of their own before its start, unless they
    /// are indented further than it, and those on its line.
    fn push_comments(&mut self, range: Range<usize>, start: usize, column: usize) {
        if !self.scope.reads_comments() || self.alias.is_some() {
            return;
        }
        let text = self.docs.text;
        for comment in &self.docs.comments {
            let head = line::is_first(text, comment.start)
                && comment.start < start
                && (start == usize::MAX || self.docs.column(comment.start) <= column);
            let inline =
                !line::is_first(text, comment.start) && (comment.start > start || start == usize::MAX);
            if range.contains(&comment.start) && (head || inline) {
                self.comments
                    .push(text[comment.start + 1..comment.end].trim_end().to_owned());
            }
        }
    }
}

/// Appends a key to a path; keys that would be ambiguous are quoted.
pub(crate) fn push_key(path: &mut String, key: &str) {
    let simple = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/'));
    if simple {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    } else {
        let _ = write!(path, "[{key:?}]");
    }
}
