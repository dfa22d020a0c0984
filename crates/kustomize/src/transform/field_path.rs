//! Paths of replacements, such as `spec.template.spec.containers.[name=app].image`.

use regex::Regex;

use crate::field_spec::{OffPath, Setter, split_path};
use crate::node::{Content, Datum, Field, Scalar};

/// Splits a path at its dots, but not at those in brackets.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut pieces = split_path(path, '.').into_iter();
    while let Some(piece) = pieces.next() {
        if !piece.starts_with('[') || piece.ends_with(']') {
            parts.push(piece);
            continue;
        }
        let mut bracketed = piece;
        for more in pieces.by_ref() {
            bracketed.push('.');
            bracketed.push_str(&more);
            if more.ends_with(']') {
                break;
            }
        }
        if bracketed.contains('=') {
            parts.push(bracketed);
        } else {
            parts.push(bracketed.trim_matches(['[', ']']).to_owned());
        }
    }
    parts
}

/// What is made at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeForm {
    Map,
    List,
    Scalar,
}

impl NodeForm {
    pub(crate) fn of(node: &Datum) -> Self {
        match node.content {
            Content::Map(_) => Self::Map,
            Content::List(_) => Self::List,
            Content::Scalar(_) => Self::Scalar,
        }
    }

    fn made(self) -> Datum {
        match self {
            Self::Map => Datum::empty_map(None),
            Self::List => Datum::new(Content::List(Vec::new()), None),
            Self::Scalar => Datum::plain("", None),
        }
    }

    /// What stands before this part.
    fn before(next: Option<&String>, last: Self) -> Self {
        match next {
            None => last,
            Some(next) if next.is_empty() => last,
            Some(next) if index_of(next).is_some() || condition_of(next).is_some() => Self::List,
            Some(_) => Self::Map,
        }
    }
}

fn index_of(part: &str) -> Option<usize> {
    part.parse::<i64>()
        .ok()
        .and_then(|index| usize::try_from(index).ok())
}

/// `[key=value]`
struct Condition<'p> {
    key: &'p str,
    value: &'p str,
}

fn condition_of(part: &str) -> Option<&str> {
    part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
}

fn condition(part: &str) -> Option<Result<Condition<'_>, OffPath>> {
    let inner = condition_of(part)?;
    Some(inner.split_once('=').map_or_else(
        || Err(off(None, "brackets hold `key=value`")),
        |(key, value)| Ok(Condition { key, value }),
    ))
}

fn off(node: Option<&Datum>, message: &str) -> OffPath {
    OffPath {
        message: message.to_owned(),
        spot: node.and_then(|node| node.spot),
    }
}

/// Finds the one node that a path leads to.
pub(crate) fn find<'d>(node: &'d Datum, path: &[String]) -> Result<Option<&'d Datum>, OffPath> {
    let mut node = node;
    for part in path
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        if node.is_null() {
            return Ok(None);
        }
        let next = if part == "-" {
            list(node)?.last()
        } else if let Ok(index) = part.parse::<i64>() {
            let index = usize::try_from(index).map_err(|_| off(Some(node), "an index is not below 0"))?;
            list(node)?.get(index)
        } else if part == "*" {
            return Err(off(Some(node), "`*` cannot be the source of a value"));
        } else if let Some(condition) = condition(part) {
            let condition = condition?;
            let fits = |item: &&Datum| {
                let value = if condition.key.is_empty() {
                    Some(*item)
                } else {
                    item.get(condition.key)
                };
                value.is_some_and(|value| value.as_text().unwrap_or_default() == condition.value)
            };
            list(node)?.iter().find(fits)
        } else if matches!(node.content, Content::Map(_)) {
            node.get(part)
        } else {
            return Err(off(Some(node), "a mapping is wanted here"));
        };
        match next {
            Some(next) => node = next,
            None => return Ok(None),
        }
    }
    Ok(Some(node))
}

fn list(node: &Datum) -> Result<&[Datum], OffPath> {
    match &node.content {
        Content::List(items) => Ok(items),
        _ => Err(off(Some(node), "a list is wanted here")),
    }
}

/// Calls `set` for every node that a path leads to, and returns how many there are. With `create`, what is missing is made.
pub(crate) fn visit(
    node: &mut Datum,
    path: &[String],
    create: Option<NodeForm>,
    set: &mut Setter<'_>,
) -> Result<usize, OffPath> {
    let Some((part, rest)) = path.split_first() else {
        set(node)?;
        return Ok(1);
    };
    if let Some(index) = index_of(part) {
        return visit_index(node, index, rest, create, set);
    }
    if let Some(condition) = condition(part) {
        return visit_items(node, &condition?, rest, create, set);
    }
    if part == "*" {
        if node.is_null() {
            return Ok(0);
        }
        list(node)?;
        let mut found = 0;
        for item in node.items_mut().into_iter().flatten() {
            found += visit(item, rest, create, set)?;
        }
        return Ok(found);
    }
    if node.is_null() {
        return Ok(0);
    }
    if !matches!(node.content, Content::Map(_)) {
        return Err(off(Some(node), "a mapping is wanted here"));
    }
    if let (None, Some(last)) = (node.get(part), create) {
        node.put(part, NodeForm::before(rest.first(), last).made());
    }
    match node.get_mut(part) {
        Some(value) => visit(value, rest, create, set),
        None => Ok(0),
    }
}

fn visit_index(
    node: &mut Datum,
    index: usize,
    rest: &[String],
    create: Option<NodeForm>,
    set: &mut Setter<'_>,
) -> Result<usize, OffPath> {
    if !node.is_null() {
        list(node)?;
    }
    let count = node.items().len();
    if let (Some(last), true) = (create, index == count)
        && let Some(items) = node.items_mut()
    {
        items.push(NodeForm::before(rest.first(), last).made());
    }
    match node.items_mut().and_then(|items| items.get_mut(index)) {
        Some(item) => visit(item, rest, create, set),
        None => Err(off(Some(node), &format!("there is no item {index}"))),
    }
}

fn visit_items(
    node: &mut Datum,
    condition: &Condition<'_>,
    rest: &[String],
    create: Option<NodeForm>,
    set: &mut Setter<'_>,
) -> Result<usize, OffPath> {
    if node.is_null() {
        return Ok(0);
    }
    list(node)?;
    let pattern =
        Regex::new(condition.value).map_err(|_| off(Some(node), "this is no regular expression"))?;
    let mut found = 0;
    for item in node.items_mut().into_iter().flatten() {
        let value = if condition.key.is_empty() {
            Some(&*item)
        } else {
            item.get(condition.key)
        };
        if !value.is_some_and(|value| pattern.is_match(value.as_text().unwrap_or_default())) {
            continue;
        }
        found += if condition.key.is_empty() {
            set(item)?;
            1
        } else {
            visit(item, rest, create, set)?
        };
    }
    if found > 0 || create.is_none() {
        return Ok(found);
    }
    let mut made = Datum::plain(condition.value, None);
    if condition.key.is_empty() {
        set(&mut made)?;
        found = 1;
    } else {
        let field = Field {
            key: Scalar::text(condition.key),
            spot: None,
            value: made,
        };
        made = Datum::new(Content::Map(vec![field]), None);
        found = visit(&mut made, rest, create, set)?;
    }
    if let Some(items) = node.items_mut() {
        items.push(made);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_in_brackets_do_not_split() {
        assert_eq!(split("a.[name=x.y].b"), ["a", "[name=x.y]", "b"]);
        assert_eq!(split("a.[x.io/y].b"), ["a", "x.io/y", "b"]);
        assert_eq!(split("a.b\\.c"), ["a", "b.c"]);
    }
}
