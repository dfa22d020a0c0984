//! Values of a build file as the types that are wanted, as Go's `encoding/json` reads them: unknown fields are refused, null is
//! nothing, and the case of a field's name does not matter.

use yaml::go::{Plain, resolve};
use yaml::scalar::{Trap, yaml11_trap};

use crate::finding::{Halt, RefusalKind, halt};
use crate::node::{Content, Datum, Field, Quoting, Spot, Tag};

/// A text with its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct WrittenText {
    pub(crate) value: String,
    pub(crate) spot: Option<Spot>,
}

impl WrittenText {
    pub(crate) fn is_empty(&self) -> bool {
        self.value.is_empty()
    }
}

/// A field with a text in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextPair {
    pub(crate) key: String,
    pub(crate) value: WrittenText,
}

pub(crate) type Decoded<T> = Result<T, Halt>;

fn wrong(datum: &Datum, wanted: &str) -> Halt {
    halt(
        RefusalKind::BadBuildFile,
        datum.spot,
        format!("{wanted} is wanted here"),
    )
}

/// Whether YAML 1.1, by which build files are read, takes the scalar for something else than a text.
fn is_typed(datum: &Datum) -> bool {
    datum.scalar().is_some_and(|scalar| match scalar.tag {
        Tag::Text if scalar.quoting == Quoting::Plain => yaml11_trap(&scalar.text) == Some(Trap::Boolean),
        Tag::Text | Tag::Timestamp | Tag::Unset => false,
        Tag::Bool | Tag::Int | Tag::Float | Tag::Null => true,
    })
}

/// A text; nothing for null.
pub(crate) fn text(datum: &Datum) -> Decoded<WrittenText> {
    if datum.is_null() {
        return Ok(WrittenText::default());
    }
    match datum.scalar() {
        Some(scalar) if !is_typed(datum) => Ok(WrittenText {
            value: scalar.text.clone(),
            spot: datum.spot,
        }),
        Some(scalar) => Err(halt(
            RefusalKind::BadBuildFile,
            datum.spot,
            format!("a text is wanted here: put `{}` in quotes", scalar.text),
        )),
        None => Err(wrong(datum, "a text")),
    }
}

/// `true` or `false`.
pub(crate) fn flag(datum: &Datum) -> Decoded<bool> {
    if datum.is_null() {
        return Ok(false);
    }
    let scalar = datum.scalar().filter(|scalar| scalar.quoting == Quoting::Plain);
    match scalar.map(|scalar| scalar.text.to_ascii_lowercase()).as_deref() {
        Some("true" | "yes" | "y" | "on") => Ok(true),
        Some("false" | "no" | "n" | "off") => Ok(false),
        _ => Err(wrong(datum, "`true` or `false`")),
    }
}

/// A whole number.
pub(crate) fn whole(datum: &Datum) -> Decoded<i64> {
    if datum.is_null() {
        return Ok(0);
    }
    let scalar = datum.scalar().filter(|scalar| scalar.quoting == Quoting::Plain);
    let number = match scalar.map(|scalar| resolve(&scalar.text)) {
        Some(Plain::Int(number)) => i64::try_from(number).ok(),
        _ => None,
    };
    number.ok_or_else(|| wrong(datum, "a whole number"))
}

/// A list; nothing for null.
pub(crate) fn list<T>(datum: &Datum, item: impl Fn(&Datum) -> Decoded<T>) -> Decoded<Vec<T>> {
    match &datum.content {
        _ if datum.is_null() => Ok(Vec::new()),
        Content::List(items) => items.iter().map(item).collect(),
        _ => Err(wrong(datum, "a list")),
    }
}

/// A mapping of texts, sorted by its keys.
pub(crate) fn pairs(datum: &Datum) -> Decoded<Vec<TextPair>> {
    let mut found = Vec::new();
    for field in mapping(datum)? {
        found.push(TextPair {
            key: field.key.text.clone(),
            value: text(&field.value)?,
        });
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

fn mapping(datum: &Datum) -> Decoded<&[Field]> {
    match &datum.content {
        _ if datum.is_null() => Ok(&[]),
        Content::Map(fields) => Ok(fields),
        _ => Err(wrong(datum, "a mapping")),
    }
}

/// The fields of a mapping by their known names.
pub(crate) fn each(
    datum: &Datum,
    known: &[&'static str],
    mut set: impl FnMut(&'static str, &Datum) -> Decoded<()>,
) -> Decoded<()> {
    // Go writes the fields as JSON first, sorted: the last of two spellings counts.
    let mut fields: Vec<&Field> = mapping(datum)?.iter().collect();
    fields.sort_by(|a, b| a.key.text.cmp(&b.key.text));
    for field in fields {
        let name = field.key.text.as_str();
        let exact = known.iter().find(|known| **known == name);
        let found = exact.or_else(|| known.iter().find(|known| known.eq_ignore_ascii_case(name)));
        let Some(found) = found else {
            let message = format!("there is no field `{name}` here");
            return Err(halt(RefusalKind::BadBuildFile, field.spot, message));
        };
        set(found, &field.value)?;
    }
    Ok(())
}
