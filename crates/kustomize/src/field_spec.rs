//! The fields that a transformer changes, by kind of object and path.

use crate::id::Gvk;
use crate::node::{Content, Datum, Spot};

/// A field of some kinds of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    pub(crate) gvk: Gvk,
    /// Keys with `/` between them, `\/` in them; `[]` behind one that holds a list.
    pub(crate) path: String,
    /// Whether what is missing on the way is made.
    pub(crate) create: bool,
}

/// What is made where a path ends at nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    Nothing,
    Scalar,
    Map,
}

/// Splits a path at `/`, but not at `\/`.
pub(crate) fn split_path(path: &str, delimiter: char) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut pieces: Vec<&str> = path.split(delimiter).collect();
    if pieces.len() > 1 && pieces[0].is_empty() {
        pieces.remove(0);
    }
    for piece in pieces {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push(delimiter);
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts
}

/// What goes wrong on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffPath {
    pub(crate) message: String,
    pub(crate) spot: Option<Spot>,
}

/// What a transformer does with a field that it found.
pub(crate) type Setter<'s> = dyn FnMut(&mut Datum) -> Result<(), OffPath> + 's;

impl FieldSpec {
    /// Calls `set` for every field of an object that this means.
    pub(crate) fn apply(
        &self,
        data: &mut Datum,
        gvk: &Gvk,
        make: Make,
        set: &mut Setter<'_>,
    ) -> Result<(), OffPath> {
        if !gvk.is_selected_by(&self.gvk) {
            return Ok(());
        }
        self.visit(data, make, set)
    }

    /// The same for an object of any kind.
    pub(crate) fn visit(&self, data: &mut Datum, make: Make, set: &mut Setter<'_>) -> Result<(), OffPath> {
        self.walk(data, &split_path(&self.path, '/'), make, set)
    }

    fn walk(
        &self,
        node: &mut Datum,
        path: &[String],
        make: Make,
        set: &mut Setter<'_>,
    ) -> Result<(), OffPath> {
        let Some((part, rest)) = path.split_first() else {
            return set(node);
        };
        if node.is_null() {
            return Ok(());
        }
        match &mut node.content {
            Content::List(items) => items
                .iter_mut()
                .try_for_each(|item| self.walk(item, path, make, set)),
            Content::Map(_) => {
                let (key, is_list) = part
                    .strip_suffix("[]")
                    .map_or((part.as_str(), false), |key| (key, true));
                let create = self.create && make != Make::Nothing && !is_list;
                let next = if rest.is_empty() { make } else { Make::Map };
                if create && node.get(key).is_none() {
                    node.put(key, made(next));
                }
                let Some(value) = node.get_mut(key) else {
                    return Ok(());
                };
                if value.is_null() && is_list {
                    value.content = Content::List(Vec::new());
                } else if value.is_null() && create {
                    value.content = made(next).content;
                }
                self.walk(value, rest, make, set)
            }
            Content::Scalar(_) => Err(OffPath {
                message: format!(
                    "`{}` leads to a scalar, where a mapping or a list is wanted",
                    self.path
                ),
                spot: node.spot,
            }),
        }
    }
}

fn made(make: Make) -> Datum {
    match make {
        Make::Map => Datum::empty_map(None),
        Make::Scalar | Make::Nothing => Datum::plain("", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_slashes_that_are_not_escaped() {
        assert_eq!(split_path("a/b/c", '/'), ["a", "b", "c"]);
        assert_eq!(split_path("a/x.io\\/y/c", '/'), ["a", "x.io/y", "c"]);
        assert_eq!(split_path("/a", '/'), ["a"]);
    }
}
