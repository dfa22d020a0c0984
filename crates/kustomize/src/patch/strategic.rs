//! Strategic merge patches, as kyaml merges them.

use super::associative;
use super::schema::ListSchema;
use crate::node::scalar::Twin;
use crate::node::{Content, Datum, Field, Scalar, Spot, Tag};

/// Why a patch does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clash {
    pub(crate) message: String,
    pub(crate) spot: Option<Spot>,
}

/// What a merge gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Merging {
    /// The value, nothing when it is gone.
    pub(crate) value: Option<Datum>,
    /// Whether it is the old value with changes, and not that of the patch.
    pub(crate) is_old: bool,
}

impl Merging {
    fn gone() -> Self {
        Self {
            value: None,
            is_old: false,
        }
    }

    fn old(value: Datum) -> Self {
        Self {
            value: Some(value),
            is_old: true,
        }
    }

    fn new(value: Option<Datum>) -> Self {
        Self { value, is_old: false }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Map,
    List,
    Scalar,
}

fn shape(node: Option<&Datum>) -> Option<Form> {
    let node = node.filter(|node| !node.is_null())?;
    Some(match &node.content {
        Content::Map(_) => Form::Map,
        Content::List(_) => Form::List,
        Content::Scalar(_) => Form::Scalar,
    })
}

/// What a patch asks for by `$patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

const DIRECTIVE: &str = "$patch";

fn directive(text: &str, spot: Option<Spot>) -> Result<Directive, Clash> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Clash {
            message: format!("`$patch` is `merge`, `replace` or `delete`, not `{other}`"),
            spot,
        }),
    }
}

/// Takes the directive out of a patch for a mapping.
fn take_map_directive(patch: &mut Datum) -> Result<Directive, Clash> {
    let Some(value) = patch.get(DIRECTIVE) else {
        return Ok(Directive::Merge);
    };
    let found = directive(value.as_text().unwrap_or_default(), value.spot)?;
    patch.remove(DIRECTIVE);
    Ok(found)
}

/// Takes the directive out of a patch for a list, where it is an item of its own.
fn take_list_directive(patch: &mut Datum) -> Result<Directive, Clash> {
    let item = patch.items().iter().find(|item| item.get(DIRECTIVE).is_some());
    let Some(value) = item
        .filter(|item| item.fields().len() == 1)
        .and_then(|item| item.get(DIRECTIVE))
    else {
        return Ok(Directive::Merge);
    };
    let text = value.as_text().unwrap_or_default().to_owned();
    let found = directive(&text, value.spot)?;
    if let Some(items) = patch.items_mut() {
        items.retain(|item| {
            let is_nothing =
                item.is_null() || matches!(&item.content, Content::Map(fields) if fields.is_empty());
            !is_nothing && item.get(DIRECTIVE).and_then(Datum::as_text) != Some(text.as_str())
        });
    }
    Ok(found)
}

/// Merges a patch into a value.
pub(crate) fn merge(
    old: Option<Datum>,
    patch: Option<Datum>,
    schema: Option<ListSchema>,
) -> Result<Merging, Clash> {
    let schema = schema.or_else(|| known(old.as_ref()).or_else(|| known(patch.as_ref())));
    let first = shape(old.as_ref());
    let second = shape(patch.as_ref());
    if let (Some(a), Some(b)) = (first, second)
        && a != b
    {
        return Err(Clash {
            message: "the patch has another kind of value here than the object".to_owned(),
            spot: patch.and_then(|patch| patch.spot),
        });
    }
    match first.or(second) {
        None | Some(Form::Map) => merge_map(old, patch, schema),
        Some(Form::Scalar) => Ok(match patch {
            Some(patch) => Merging::new(Some(patch)),
            None => old.map_or(Merging::gone(), Merging::old),
        }),
        Some(Form::List) => match schema.and_then(ListSchema::merge_keys) {
            None => Ok(match patch {
                Some(patch) => Merging::new(Some(patch)),
                None => old.map_or(Merging::gone(), Merging::old),
            }),
            Some(keys) => merge_list(old, patch, keys, schema),
        },
    }
}

fn known(node: Option<&Datum>) -> Option<ListSchema> {
    let text = |key| node?.get(key)?.as_text();
    ListSchema::of(text("apiVersion")?, text("kind")?)
}

fn is_missing(node: Option<&Datum>) -> bool {
    node.is_none_or(Datum::is_null)
}

fn merge_map(old: Option<Datum>, patch: Option<Datum>, schema: Option<ListSchema>) -> Result<Merging, Clash> {
    if is_missing(old.as_ref()) {
        let Some(mut patch) = patch else {
            // A null that is written as a word stays.
            let stays = old.filter(|old| old.as_text().is_some_and(|text| !text.is_empty()));
            return Ok(stays.map_or(Merging::gone(), Merging::old));
        };
        if patch.is_null() {
            return Ok(Merging::new(Some(patch)));
        }
        return match take_map_directive(&mut patch) {
            Ok(Directive::Delete) => Ok(Merging::gone()),
            _ => Ok(Merging::new(Some(settle_map(patch, schema)?))),
        };
    }
    let Some(old) = old else {
        return Ok(Merging::gone());
    };
    let Some(mut patch) = patch else {
        return Ok(Merging::old(merge_fields(old, Vec::new(), schema)?));
    };
    if patch.is_null() {
        return Ok(Merging::gone());
    }
    match take_map_directive(&mut patch)? {
        Directive::Delete => Ok(Merging::gone()),
        Directive::Replace => Ok(Merging::new(Some(settle_map(patch, schema)?))),
        Directive::Merge => {
            let fields = match patch.content {
                Content::Map(fields) => fields,
                _ => Vec::new(),
            };
            Ok(Merging::old(merge_fields(old, fields, schema)?))
        }
    }
}

/// Whether a result is kept: null only where it stood before, as a word.
fn kept(merging: Merging, stood: bool) -> Option<Datum> {
    merging
        .value
        .filter(|value| !value.is_null() || (stood && merging.is_old))
}

fn merge_fields(mut old: Datum, patch: Vec<Field>, schema: Option<ListSchema>) -> Result<Datum, Clash> {
    let mut patch: Vec<Option<Field>> = patch.into_iter().map(Some).collect();
    let mut take = |key: &str| -> Option<Field> {
        let at = patch
            .iter()
            .position(|field| field.as_ref().is_some_and(|field| field.key.text == key))?;
        patch[at].take()
    };
    let Content::Map(fields) = old.content else {
        return Ok(old);
    };
    let mut merged = Vec::with_capacity(fields.len());
    for field in fields {
        let inner = schema.and_then(|schema| schema.field(&field.key.text));
        let change = take(&field.key.text).map(|field| field.value);
        let style = field.value.scalar().cloned();
        let merging = merge(Some(field.value), change, inner)?;
        if let Some(mut value) = kept(merging, true) {
            keep_quotes(&mut value, style.as_ref());
            merged.push(Field { value, ..field });
        }
    }
    let mut added: Vec<Field> = patch.into_iter().flatten().collect();
    added.sort_by(|a, b| a.key.text.cmp(&b.key.text));
    for field in added {
        let inner = schema.and_then(|schema| schema.field(&field.key.text));
        let merging = merge(None, Some(field.value), inner)?;
        if let Some(mut value) = kept(merging, false) {
            quote_typed(&mut value);
            merged.push(Field {
                key: new_key(&field.key),
                value,
                ..field
            });
        }
    }
    old.content = Content::Map(merged);
    Ok(old)
}

/// A key that a patch adds keeps its quotes, and not its type.
fn new_key(key: &Scalar) -> Scalar {
    Scalar {
        tag: Tag::Unset,
        ..key.clone()
    }
}

/// A scalar in the place of another one has that one's quotes.
fn keep_quotes(value: &mut Datum, old: Option<&Scalar>) {
    if let Some(scalar) = value.scalar_mut() {
        scalar.quoting = old.map_or(crate::node::Quoting::Plain, |old| old.quoting);
        if scalar.twin.is_none() {
            scalar.twin = old.and_then(|old| old.twin).map(Twin::touched);
        }
    }
}

fn quote_typed(value: &mut Datum) {
    if let Some(scalar) = value.scalar_mut()
        && matches!(scalar.tag, Tag::Text | Tag::Unset)
        && scalar.looks_typed()
    {
        scalar.quoting = crate::node::Quoting::Quoted;
    }
}

/// A mapping of a patch in the place of nothing: nulls and directives in it are carried out.
fn settle_map(node: Datum, schema: Option<ListSchema>) -> Result<Datum, Clash> {
    let Content::Map(fields) = node.content else {
        return Ok(node);
    };
    let mut settled = Vec::with_capacity(fields.len());
    for field in fields {
        let inner = schema.and_then(|schema| schema.field(&field.key.text));
        if let Some(value) = settle(field.value, inner)?
            && !value.is_null()
        {
            settled.push(Field { value, ..field });
        }
    }
    Ok(Datum {
        content: Content::Map(settled),
        spot: node.spot,
    })
}

/// Merges a value of a patch with itself.
pub(crate) fn settle(mut node: Datum, schema: Option<ListSchema>) -> Result<Option<Datum>, Clash> {
    let schema = schema.or_else(|| known(Some(&node)));
    match shape(Some(&node)) {
        Some(Form::Map) => match take_map_directive(&mut node)? {
            Directive::Delete => Ok(None),
            _ => settle_map(node, schema).map(Some),
        },
        Some(Form::List) => match schema.and_then(ListSchema::merge_keys) {
            Some(keys) => match take_list_directive(&mut node)? {
                Directive::Delete => Ok(None),
                _ => associative::settle_list(node, keys, schema).map(Some),
            },
            None => Ok(Some(node)),
        },
        _ => Ok(Some(node)),
    }
}

fn merge_list(
    old: Option<Datum>,
    patch: Option<Datum>,
    keys: &[&str],
    schema: Option<ListSchema>,
) -> Result<Merging, Clash> {
    if is_missing(old.as_ref()) {
        return Ok(match patch {
            None => Merging::gone(),
            Some(mut patch) => {
                // The directive is looked for only when the list meets itself.
                let _ = &mut patch;
                Merging::new(Some(associative::settle_list(patch, keys, schema)?))
            }
        });
    }
    let Some(old) = old else {
        return Ok(Merging::gone());
    };
    let Some(mut patch) = patch else {
        return Ok(Merging::old(associative::merge_lists(old, None, keys, schema)?));
    };
    if patch.is_null() {
        return Ok(Merging::gone());
    }
    match take_list_directive(&mut patch)? {
        Directive::Delete => Ok(Merging::gone()),
        Directive::Replace => Ok(Merging::new(Some(associative::settle_list(patch, keys, schema)?))),
        Directive::Merge => Ok(Merging::old(associative::merge_lists(
            old,
            Some(patch),
            keys,
            schema,
        )?)),
    }
}
