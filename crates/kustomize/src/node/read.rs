//! YAML documents to nodes: aliases are the values that they stand for, merge keys are merged.

use std::collections::HashMap;
use std::ops::Range;

use yaml::line::LineStart;
use yaml::{Kind, Node, Style};

use super::{Content, Datum, Field, Quoting, Scalar, Spot};

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// What is wrong.
    pub(crate) message: String,
    /// Where.
    pub(crate) span: Range<usize>,
}

/// Where a text stands in a file: as a whole file, or as a scalar in one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextFrame<'t> {
    /// The number of the file.
    pub(crate) file: u32,
    /// The lines of the text in the file, when it is a block in it.
    pub(crate) block: Option<&'t BlockLines>,
}

/// A block of text in a file: where each of its lines starts.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlockLines {
    /// The place of the whole.
    pub(crate) whole: Range<usize>,
    /// For each line its start in the text and in the file; none when the lines cannot be told.
    pub(crate) lines: Vec<LineStart>,
}

impl TextFrame<'_> {
    fn offset(&self, at: usize) -> Option<usize> {
        let Some(block) = self.block else {
            return Some(at);
        };
        let line = block.lines.iter().rev().find(|line| line.inner <= at)?;
        Some((line.outer + at - line.inner).min(block.whole.end))
    }

    /// The place of a range of the text.
    pub(crate) fn spot(&self, span: &Range<usize>) -> Spot {
        let whole = self.block.map_or(0..0, |block| block.whole.clone());
        let span = match (self.offset(span.start), self.offset(span.end)) {
            (Some(start), Some(end)) => start..end.max(start),
            _ => whole,
        };
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Spot {
            file: self.file,
            start: short(span.start),
            end: short(span.end),
        }
    }
}

/// Reads the documents of a text.
pub(crate) fn documents(text: &str, frame: TextFrame<'_>) -> Result<Vec<Datum>, Unreadable> {
    let roots = yaml::go::parse(text).map_err(|error| Unreadable {
        message: error.message,
        span: error.span,
    })?;
    roots
        .iter()
        .map(|root| {
            Reading {
                frame,
                anchors: HashMap::new(),
            }
            .datum(root)
        })
        .collect()
}

struct Reading<'t> {
    frame: TextFrame<'t>,
    anchors: HashMap<usize, Datum>,
}

impl Reading<'_> {
    fn datum(&mut self, node: &Node) -> Result<Datum, Unreadable> {
        let spot = Some(self.frame.spot(&node.span));
        let datum = match &node.kind {
            Kind::Scalar { value, style } => {
                let quoting = match style {
                    Style::Plain => Quoting::Plain,
                    Style::Folded => Quoting::Folded,
                    _ => Quoting::Quoted,
                };
                // The parser says `~` where nothing stands.
                let is_nothing = node.span.is_empty() && quoting == Quoting::Plain;
                let text = if is_nothing { String::new() } else { value.clone() };
                let scalar = Scalar::read(text, quoting, node.tag.as_deref());
                Datum::new(Content::Scalar(scalar), spot)
            }
            Kind::Seq(items) => {
                let items: Result<_, _> = items.iter().map(|item| self.datum(item)).collect();
                Datum::new(Content::List(items?), spot)
            }
            Kind::Map(entries) => Datum::new(Content::Map(self.fields(entries)?), spot),
            Kind::Alias(id) => {
                return self
                    .anchors
                    .get(id)
                    .cloned()
                    .ok_or_else(|| unreadable("this alias has no anchor", node));
            }
        };
        if node.anchor != 0 {
            self.anchors.insert(node.anchor, datum.clone());
        }
        Ok(datum)
    }

    fn fields(&mut self, entries: &[(Node, Node)]) -> Result<Vec<Field>, Unreadable> {
        let mut fields: Vec<Field> = Vec::with_capacity(entries.len());
        let has_alias = entries.iter().any(|(key, _)| matches!(key.kind, Kind::Alias(_)));
        let mut merged: Option<Datum> = None;
        for (key, value) in entries {
            if key.is_merge() {
                if merged.is_some() {
                    return Err(unreadable("a second merge key", key));
                }
                merged = Some(self.datum(value)?);
                continue;
            }
            let name = self.datum(key)?;
            let Content::Scalar(scalar) = name.content else {
                return Err(unreadable("a mapping key must be plain text", key));
            };
            if has_alias && fields.iter().any(|field| field.key.text == scalar.text) {
                return Err(unreadable("this key is given twice", key));
            }
            fields.push(Field {
                key: scalar,
                spot: Some(self.frame.spot(&key.span)),
                value: self.datum(value)?,
            });
        }
        let Some(merged) = merged else {
            return Ok(fields);
        };
        let sources = match merged.content {
            Content::Map(_) => vec![merged],
            Content::List(items) => items,
            Content::Scalar(_) => Vec::new(),
        };
        let bad = sources
            .iter()
            .any(|source| !matches!(source.content, Content::Map(_)));
        if bad || sources.is_empty() {
            let key = entries.iter().find(|(key, _)| key.is_merge());
            return Err(key.map_or_else(
                || unreadable("no mapping to merge", &entries[0].0),
                |(_, value)| unreadable("a merge key needs a mapping, or a list of mappings", value),
            ));
        }
        // The first of several sources wins, and what the mapping itself says wins over all of them.
        for source in sources {
            let Content::Map(more) = source.content else {
                continue;
            };
            for field in more {
                if !fields.iter().any(|own| own.key.text == field.key.text) {
                    fields.push(field);
                }
            }
        }
        Ok(fields)
    }
}

fn unreadable(message: &str, node: &Node) -> Unreadable {
    Unreadable {
        message: message.to_owned(),
        span: node.span.clone(),
    }
}
