//! The nodes of built objects: values that know the place they were written at.

pub(crate) mod edit;
pub(crate) mod read;
pub(crate) mod scalar;

pub use scalar::{Quoting, Scalar, Tag};

use serde_json::{Map, Value};
use yaml::go::Plain;

/// A place in a file that was read. The number of the file is told by [`Kustomizer::path`](crate::Kustomizer::path).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// The number of the file.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last one.
    pub end: u32,
}

/// A node of a built object.
#[derive(Debug, Clone, PartialEq)]
pub struct Datum {
    /// What it is.
    pub content: Content,
    /// Where it was written. What the build itself made, such as a hash, has the place of what asked for it.
    pub spot: Option<Spot>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    List(Vec<Datum>),
    /// A mapping in its order.
    Map(Vec<Field>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The key.
    pub key: Scalar,
    /// Where the key was written.
    pub spot: Option<Spot>,
    /// The value.
    pub value: Datum,
}

impl Field {
    /// Makes a field.
    pub fn new(key: impl Into<String>, value: Datum) -> Self {
        Self {
            key: Scalar::text(key),
            spot: value.spot,
            value,
        }
    }
}

impl Datum {
    /// Makes a node, for build files that are put together of nodes from other places.
    pub fn new(content: Content, spot: Option<Spot>) -> Self {
        Self { content, spot }
    }

    /// Makes a text, whatever it looks like.
    pub fn text(text: impl Into<String>, spot: Option<Spot>) -> Self {
        Self::new(Content::Scalar(Scalar::text(text)), spot)
    }

    /// A scalar that is typed by what it looks like when it is written out.
    pub(crate) fn plain(text: impl Into<String>, spot: Option<Spot>) -> Self {
        Self::new(Content::Scalar(Scalar::untyped(text)), spot)
    }

    pub(crate) fn empty_map(spot: Option<Spot>) -> Self {
        Self::new(Content::Map(Vec::new()), spot)
    }

    /// Returns the fields of a mapping, nothing for other nodes.
    pub fn fields(&self) -> &[Field] {
        match &self.content {
            Content::Map(fields) => fields,
            _ => &[],
        }
    }

    /// Returns the items of a list, nothing for other nodes.
    pub fn items(&self) -> &[Datum] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the field with this key.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields().iter().find(|field| field.key.text == key)
    }

    /// Returns the value of this key.
    pub fn get(&self, key: &str) -> Option<&Datum> {
        self.field(key).map(|field| &field.value)
    }

    /// Returns the value below these keys.
    pub fn path(&self, keys: &[&str]) -> Option<&Datum> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Returns the scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Returns the text of a scalar as it is written, numbers and `null` included.
    pub fn as_text(&self) -> Option<&str> {
        self.scalar().map(|scalar| scalar.text.as_str())
    }

    /// Returns whether this is null.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.tag == Tag::Null)
    }

    /// Returns whether this is null, or a collection without anything in it.
    pub fn is_null_or_empty(&self) -> bool {
        match &self.content {
            Content::Scalar(_) => self.is_null(),
            Content::List(items) => items.is_empty(),
            Content::Map(fields) => fields.is_empty(),
        }
    }

    /// Returns the value as it is written out.
    ///
    /// # Errors
    /// With the place of the node that cannot be written: a scalar whose tag does not fit it, an endless number, a key that is
    /// no text.
    pub fn to_json(&self) -> Result<Value, Misfit> {
        match &self.content {
            Content::Scalar(scalar) => scalar.to_json().ok_or(Misfit {
                spot: self.spot,
                text: scalar.text.clone(),
            }),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(fields) => {
                let mut map = Map::new();
                for field in fields {
                    if !field.key.is_text_key() {
                        return Err(Misfit {
                            spot: field.spot,
                            text: field.key.text.clone(),
                        });
                    }
                    map.insert(field.key.text.clone(), field.value.to_json()?);
                }
                Ok(Value::Object(map))
            }
        }
    }

    /// Checks that this can be written out.
    pub(crate) fn check(&self) -> Result<(), Misfit> {
        let misfit = |scalar: &Scalar, spot| {
            Err(Misfit {
                spot,
                text: scalar.text.clone(),
            })
        };
        match &self.content {
            Content::Scalar(scalar) => match scalar.meaning() {
                Some(Plain::Float(number)) if !number.is_finite() => misfit(scalar, self.spot),
                Some(_) => Ok(()),
                None => misfit(scalar, self.spot),
            },
            Content::List(items) => items.iter().try_for_each(Self::check),
            Content::Map(fields) => fields.iter().try_for_each(|field| {
                if field.key.is_text_key() {
                    field.value.check()
                } else {
                    misfit(&field.key, field.spot)
                }
            }),
        }
    }

    /// How many nodes there are, with this one.
    pub(crate) fn size(&self) -> usize {
        let items: usize = self.items().iter().map(Self::size).sum();
        let fields: usize = self.fields().iter().map(|field| field.value.size()).sum();
        1 + items + fields
    }
}

/// A node that cannot be written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where it was written.
    pub spot: Option<Spot>,
    /// Its text.
    pub text: String,
}
