//! JSON patches (RFC 6902), as `evanphx/json-patch` v4 applies them.

use super::strategic::Clash;
use crate::manifests::through_json;
use crate::node::{Content, Datum, Field, Misfit, Scalar};

/// How many nodes a patch may copy.
const MAX_COPIED: usize = 200_000;

/// How deep a patch may nest what it changes.
const MAX_DEPTH: usize = 256;

/// Operations in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct JsonPatch(Vec<Operation>);

#[derive(Debug, Clone)]
struct Operation {
    name: String,
    path: Option<String>,
    from: Option<String>,
    value: Option<Datum>,
    node: Datum,
}

impl JsonPatch {
    /// Reads a list of operations; nothing if it is none.
    pub(crate) fn read(document: Option<&Datum>) -> Option<Self> {
        let Some(document) = document.filter(|document| !document.is_null()) else {
            return Some(Self::default());
        };
        let Content::List(items) = &document.content else {
            return None;
        };
        items.iter().map(Operation::read).collect::<Option<_>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Applies the operations to an object.
    pub(crate) fn apply(&self, data: Datum) -> Result<Datum, Clash> {
        let mut data = through_json(data).map_err(|error| misfit(&error))?;
        let mut left = MAX_COPIED;
        for operation in &self.0 {
            operation.apply(&mut data, &mut left)?;
        }
        if !matches!(data.content, Content::Map(_)) {
            return Err(Clash {
                message: "the patch leaves no object".to_owned(),
                spot: data.spot,
            });
        }
        through_json(data).map_err(|error| misfit(&error))
    }
}

fn misfit(misfit: &Misfit) -> Clash {
    Clash {
        message: format!("`{}` cannot be written as JSON", misfit.text),
        spot: misfit.spot,
    }
}

impl Operation {
    fn read(node: &Datum) -> Option<Self> {
        if !matches!(node.content, Content::Map(_)) {
            return None;
        }
        let text = |key: &str| {
            let value = node.get(key)?;
            let is_text = value.scalar()?.is_text_key();
            is_text.then(|| value.as_text().unwrap_or_default().to_owned())
        };
        Some(Self {
            name: text("op").unwrap_or_default(),
            path: text("path"),
            from: text("from"),
            value: node.get("value").cloned(),
            node: node.clone(),
        })
    }

    fn clash(&self, message: impl Into<String>) -> Clash {
        let path = self.node.get("path").and_then(|path| path.spot);
        Clash {
            message: message.into(),
            spot: path.or(self.node.spot),
        }
    }

    fn path(&self) -> Result<&str, Clash> {
        let path = self.path.as_deref();
        path.ok_or_else(|| self.clash("an operation needs `path`"))
    }

    fn value(&self) -> Datum {
        let null = || {
            let mut null = Datum::plain("null", self.node.spot);
            null.content =
                Content::Scalar(Scalar::read("null".to_owned(), crate::node::Quoting::Plain, None));
            null
        };
        self.value.clone().unwrap_or_else(null)
    }

    fn apply(&self, data: &mut Datum, left: &mut usize) -> Result<(), Clash> {
        let path = self.path()?;
        match self.name.as_str() {
            "add" => self.add(data, path, self.value()),
            "remove" => self.remove(data, path).map(drop),
            "replace" if path.is_empty() => {
                let value = self.value();
                if value.scalar().is_some() {
                    return Err(self.clash("an object cannot be replaced by a scalar"));
                }
                *data = value;
                Ok(())
            }
            "replace" => self.replace(data, path),
            "move" => {
                let moved = self.remove(data, self.from()?)?;
                self.add(data, path, moved)
            }
            "copy" => {
                let copied = self
                    .get(data, self.from()?)?
                    .unwrap_or_else(|| Self::value(&self.without_value()));
                *left = left
                    .checked_sub(copied.size())
                    .ok_or_else(|| self.clash("the patch copies too much"))?;
                self.add(data, path, copied)
            }
            "test" => self.test(data, path),
            other => Err(self.clash(format!("there is no operation `{other}`"))),
        }
    }

    fn without_value(&self) -> Self {
        Self {
            value: None,
            ..self.clone()
        }
    }

    fn from(&self) -> Result<&str, Clash> {
        let from = self.from.as_deref();
        from.ok_or_else(|| self.clash("this operation needs `from`"))
    }

    /// The collection that a path leads into.
    fn container<'d>(&self, data: &'d mut Datum, path: &str) -> Result<Slot<'d>, Clash> {
        let parts: Vec<String> = path
            .split('/')
            .map(|part| part.replace("~1", "/").replace("~0", "~"))
            .collect();
        let missing = || self.clash(format!("the object has no `{path}`"));
        let [_, parts @ .., key] = parts.as_slice() else {
            return Err(missing());
        };
        if parts.len() > MAX_DEPTH {
            return Err(self.clash("the path is too deep"));
        }
        let mut node = data;
        for part in parts {
            node = match &mut node.content {
                Content::Map(fields) => fields
                    .iter_mut()
                    .find(|field| field.key.text == *part)
                    .map(|field| &mut field.value),
                Content::List(items) => index(part, items.len()).and_then(|at| items.get_mut(at)),
                Content::Scalar(_) => None,
            }
            .ok_or_else(missing)?;
        }
        if node.scalar().is_some() {
            return Err(missing());
        }
        Ok(Slot {
            node,
            key: key.clone(),
        })
    }

    fn add(&self, data: &mut Datum, path: &str, value: Datum) -> Result<(), Clash> {
        let wrong = self.clash(format!("the object has no place `{path}`"));
        let Slot { node, key } = self.container(data, path)?;
        match &mut node.content {
            Content::List(items) if key == "-" => items.push(value),
            Content::List(items) => {
                let at = index(&key, items.len() + 1).ok_or(wrong)?;
                items.insert(at, value);
            }
            _ => set(node, &key, value),
        }
        Ok(())
    }

    fn remove(&self, data: &mut Datum, path: &str) -> Result<Datum, Clash> {
        let missing = self.clash(format!("the object has no `{path}`, which is to be removed"));
        let Slot { node, key } = self.container(data, path)?;
        match &mut node.content {
            Content::List(items) => {
                let at = index(&key, items.len()).ok_or(missing)?;
                Ok(items.remove(at))
            }
            _ => node.remove(&key).ok_or(missing),
        }
    }

    fn replace(&self, data: &mut Datum, path: &str) -> Result<(), Clash> {
        let missing = self.clash(format!("the object has no `{path}`, which is to be replaced"));
        let Slot { node, key } = self.container(data, path)?;
        match &mut node.content {
            Content::List(items) => {
                let at = index(&key, items.len()).ok_or(missing)?;
                items[at] = self.value();
            }
            _ => set(node, &key, self.value()),
        }
        Ok(())
    }

    fn get(&self, data: &mut Datum, path: &str) -> Result<Option<Datum>, Clash> {
        let missing = self.clash(format!("the object has no `{path}`"));
        let Slot { node, key } = self.container(data, path)?;
        match &node.content {
            Content::List(items) => {
                let at = index(&key, items.len()).ok_or(missing)?;
                Ok(Some(items[at].clone()))
            }
            _ => Ok(node.get(&key).cloned()),
        }
    }

    fn test(&self, data: &mut Datum, path: &str) -> Result<(), Clash> {
        let found = if path.is_empty() {
            Some(data.clone())
        } else {
            self.get(data, path)?
        };
        let json = |node: Datum| node.to_json().map_err(|error| misfit(&error));
        let found = found.map(json).transpose()?.unwrap_or_default();
        if found == json(self.value())? {
            Ok(())
        } else {
            Err(self.clash(format!("`{path}` has another value than this tests for")))
        }
    }
}

/// A place in a collection.
struct Slot<'d> {
    node: &'d mut Datum,
    key: String,
}

/// The place that a part of a path means in a list, counted from the end when it is below 0.
fn index(part: &str, length: usize) -> Option<usize> {
    let number: i64 = part.strip_prefix('+').unwrap_or(part).parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let at = if number < 0 { number + length } else { number };
    usize::try_from(at)
        .ok()
        .filter(|at| i64::try_from(*at).is_ok_and(|at| at < length))
}

fn set(node: &mut Datum, key: &str, value: Datum) {
    let spot = value.spot;
    if let Some(old) = node.get_mut(key) {
        *old = value;
    } else if let Some(fields) = node.fields_mut() {
        fields.push(Field {
            key: Scalar::text(key),
            spot,
            value,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_count_from_both_ends() {
        assert_eq!(index("0", 2), Some(0));
        assert_eq!(index("-1", 2), Some(1));
        assert_eq!(index("2", 2), None);
        assert_eq!(index("-3", 2), None);
        assert_eq!(index("x", 2), None);
    }
}
