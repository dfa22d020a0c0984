//! Merges values into YAML text. What does not change keeps its bytes: comments, order, quotes and blank lines.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::layout::{Child, children, cut, is_block};
use crate::parse::{Kind, Node, ParseError};
use crate::splice::{Edit, apply, indented};
use crate::{comments, emit, line, parse};

/// Why a text cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditError {
    /// The text is not YAML.
    NotYaml(ParseError),
    /// It has no such document, or something that is no mapping stands where the merge has to go through.
    NoPlace,
}

impl From<ParseError> for EditError {
    fn from(error: ParseError) -> Self {
        Self::NotYaml(error)
    }
}

/// Merges `changes` into `base` as Helm merges values: mappings key by key, everything else is replaced. `null` takes a
/// key out that is there; one that is not there becomes null, which tells Helm to take out the chart's own.
pub fn deep_merge(base: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (key, value) in changes {
        match (base.get_mut(key), value) {
            (Some(Value::Object(base)), Value::Object(changes)) => deep_merge(base, changes),
            (Some(old), Value::Null) if !old.is_null() => {
                base.shift_remove(key);
            }
            (Some(old), value) => *old = value.clone(),
            (None, value) => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Merges `changes` into the mapping below the keys of `path` in one document of the text, as [`deep_merge`] does. A
/// mapping that is not there yet is made.
///
/// A comment stays unless it stands inside a value that is replaced, or belongs to a key that is taken out. Where
/// anchors make an edit in place impossible, aliases are written out, in the worst case the whole mapping is.
///
/// # Errors
/// When the text is not YAML, or has no mapping there.
pub fn merge(
    text: &str,
    document: usize,
    path: &[&str],
    changes: &Map<String, Value>,
) -> Result<String, EditError> {
    let before: Vec<Value> = parse(text)?.iter().map(Node::to_json).collect();
    let mut expected = before;
    let root = expected.get_mut(document).ok_or(EditError::NoPlace)?;
    let target = path
        .iter()
        .try_fold(root, |value, key| {
            let map = value.as_object_mut()?;
            Some(map.entry(*key).or_insert_with(|| Value::Object(Map::new())))
        })
        .ok_or(EditError::NoPlace)?;
    if target.is_null() {
        *target = Value::Object(Map::new());
    }
    let target = target.as_object_mut().ok_or(EditError::NoPlace)?;
    deep_merge(target, changes);
    let whole = Value::Object(target.clone());
    let nested = |leaf: Value| {
        let mut value = leaf;
        for key in path.iter().rev() {
            value = Value::Object([((*key).to_owned(), value)].into_iter().collect());
        }
        value
    };
    let is_right = |text: &str| {
        parse(text).is_ok_and(|documents| {
            let found: Vec<Value> = documents.iter().map(Node::to_json).collect();
            found == expected
        })
    };
    let start = Editor {
        text: text.to_owned(),
        document,
    };
    let Value::Object(changes) = nested(Value::Object(changes.clone())) else {
        return Err(EditError::NoPlace);
    };
    let in_place = || start.clone().merged(&changes);
    let written_out = || start.clone().without_aliases()?.merged(&changes);
    if let Some(text) = in_place().ok().filter(|text| is_right(text)) {
        return Ok(text);
    }
    if let Some(text) = written_out().ok().filter(|text| is_right(text)) {
        return Ok(text);
    }
    let keys: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
    let mut editor = start.clone();
    editor.set(&keys, &whole)?;
    if is_right(&editor.text) {
        return Ok(editor.text);
    }
    Err(EditError::NoPlace)
}

/// A text on its way through single edits; each one parses it again, so that places are always those of the text.
#[derive(Clone)]
struct Editor {
    text: String,
    document: usize,
}

/// What becomes of one key.
enum Step {
    Keep,
    Descend,
    Set(Value),
    Remove,
}

impl Editor {
    fn root(&self) -> Result<Node, EditError> {
        let mut documents = parse(&self.text)?;
        if self.document >= documents.len() {
            return Err(EditError::NoPlace);
        }
        Ok(documents.swap_remove(self.document))
    }

    fn merged(mut self, changes: &Map<String, Value>) -> Result<String, EditError> {
        self.merge_below(&mut Vec::new(), changes)?;
        Ok(self.text)
    }

    fn merge_below(&mut self, path: &mut Vec<String>, changes: &Map<String, Value>) -> Result<(), EditError> {
        // What is taken out goes last: a mapping that is empty in between would lose its place.
        let mut removed = Vec::new();
        for (key, value) in changes {
            path.push(key.clone());
            match (self.step(path, value)?, value) {
                (Step::Descend, Value::Object(changes)) => self.merge_below(path, changes)?,
                (Step::Set(value), _) => self.set(path, &value)?,
                (Step::Remove, _) => removed.push(path.clone()),
                _ => {}
            }
            path.pop();
        }
        removed.iter().try_for_each(|path| self.remove(path))
    }

    fn step(&self, path: &[String], value: &Value) -> Result<Step, EditError> {
        let root = self.root()?;
        let json = root.to_json();
        let old = path.iter().try_fold(&json, |json, key| json.get(key));
        let node = path.iter().try_fold(&root, |node, key| node.get(key));
        Ok(match (old, value) {
            (Some(old), value) if old == value => Step::Keep,
            (Some(_), Value::Null) => Step::Remove,
            (Some(Value::Object(old)), Value::Object(changes)) => match node {
                Some(node) if self.is_block_map(node) => Step::Descend,
                _ => {
                    let mut merged = old.clone();
                    deep_merge(&mut merged, changes);
                    if merged == *old {
                        Step::Keep
                    } else {
                        Step::Set(Value::Object(merged))
                    }
                }
            },
            (_, value) => Step::Set(value.clone()),
        })
    }

    fn is_block_map(&self, node: &Node) -> bool {
        matches!(node.kind, Kind::Map(_)) && is_block(&self.text, node)
    }

    /// Writes a value: in place of the old one, or as the last entry of its mapping.
    fn set(&mut self, path: &[String], value: &Value) -> Result<(), EditError> {
        let root = self.root()?;
        let (key, above) = path.split_last().ok_or(EditError::NoPlace)?;
        let parent = above
            .iter()
            .try_fold(&root, |node, key| node.get(key))
            .filter(|node| self.is_block_map(node))
            .ok_or(EditError::NoPlace)?;
        let children = children(&self.text, parent, parent.span.start);
        let edit = match children.iter().find(|child| child.name() == Some(key)) {
            Some(child) => self.replacement(child, value),
            None => self.insertion(&children, key, value).ok_or(EditError::NoPlace)?,
        };
        self.apply(&edit)
    }

    fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        self.text = apply(&self.text, std::slice::from_ref(edit)).ok_or(EditError::NoPlace)?;
        Ok(())
    }

    fn insertion(&self, children: &[Child<'_>], key: &str, value: &Value) -> Option<Edit> {
        let (first, last) = (children.first()?, children.last()?);
        let at = line::end(&self.text, last.end);
        let block = emit::to_string(&Map::from_iter([(key.to_owned(), value.clone())]));
        let block = indented(block.trim_end_matches('\n'), first.column);
        Some(Edit::new(at..at, format!("\n{block}")))
    }

    fn replacement(&self, child: &Child<'_>, value: &Value) -> Edit {
        let (start, end) = (child.floor, child.end);
        let block = emit::to_string(&Map::from_iter([("k".to_owned(), value.clone())]));
        let block = block
            .trim_end_matches('\n')
            .strip_prefix("k:")
            .unwrap_or_default();
        let (head, tail) = match block.split_once('\n') {
            Some((head, tail)) => (head, format!("\n{}", indented(tail, child.column))),
            None => (block, String::new()),
        };
        let first_line = line::end(&self.text, start);
        let comment = self.comment_of_line(start..first_line);
        if end <= first_line && tail.is_empty() {
            return Edit::new(start..end, head);
        }
        let comment = comment.map_or(String::new(), |comment| format!(" {comment}"));
        Edit::new(
            start..line::end(&self.text, end),
            format!("{head}{comment}{tail}"),
        )
    }

    /// Takes an entry out, with its lines and the comment directly above it.
    fn remove(&mut self, path: &[String]) -> Result<(), EditError> {
        let root = self.root()?;
        let (key, above) = path.split_last().ok_or(EditError::NoPlace)?;
        let parent = above
            .iter()
            .try_fold(&root, |node, key| node.get(key))
            .ok_or(EditError::NoPlace)?;
        let children = children(&self.text, parent, parent.span.start);
        // A key that only a merge (`<<`) brings cannot be taken out here.
        let Some(at) = children.iter().position(|child| child.name() == Some(key)) else {
            return Ok(());
        };
        if children.len() == 1 {
            return self.set(above, &Value::Object(Map::new()));
        }
        let range = cut(&self.text, parent, &children, at).ok_or(EditError::NoPlace)?;
        let start = children[at].heading(&self.text);
        self.apply(&Edit::cut(start.min(range.start)..range.end))
    }

    /// Replaces every alias that is the value of a key by what it stands for.
    fn without_aliases(mut self) -> Result<Self, EditError> {
        while let Some((path, value)) = {
            let root = self.root()?;
            let json = root.to_json();
            first_alias(&root, &mut Vec::new()).and_then(|path| {
                let value = path.iter().try_fold(&json, |json, key| json.get(key))?;
                Some((path.clone(), value.clone()))
            })
        } {
            self.set(&path, &value)?;
        }
        Ok(self)
    }

    fn comment_of_line(&self, line: Range<usize>) -> Option<String> {
        let found = comments(&self.text).ok()?;
        let comment = found
            .into_iter()
            .find(|comment| line.contains(&comment.start) && comment.end <= line.end)?;
        Some(self.text[comment].trim_end().to_owned())
    }
}

/// Returns the keys that lead to the first alias, not looking into lists and flow mappings.
fn first_alias(node: &Node, path: &mut Vec<String>) -> Option<Vec<String>> {
    for (key, value) in node.entries() {
        path.push(key.as_str()?.to_owned());
        if matches!(value.kind, Kind::Alias(_)) && !key.is_merge() {
            return Some(path.clone());
        }
        if let Some(found) = first_alias(value, path) {
            return Some(found);
        }
        path.pop();
    }
    None
}

#[cfg(test)]
mod tests;
