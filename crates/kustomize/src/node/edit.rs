//! Changes of nodes, as the setters of kyaml make them.

use std::collections::HashMap;

use super::scalar::Twin;
use super::{Content, Datum, Field, Quoting, Scalar, Spot, Tag};

impl Datum {
    /// The fields of a mapping.
    pub(crate) fn fields_mut(&mut self) -> Option<&mut Vec<Field>> {
        match &mut self.content {
            Content::Map(fields) => Some(fields),
            _ => None,
        }
    }

    pub(crate) fn items_mut(&mut self) -> Option<&mut Vec<Datum>> {
        match &mut self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn scalar_mut(&mut self) -> Option<&mut Scalar> {
        match &mut self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Datum> {
        let fields = self.fields_mut()?;
        let field = fields.iter_mut().find(|field| field.key.text == key)?;
        Some(&mut field.value)
    }

    /// A copy that does not change with what it was copied from.
    pub(crate) fn leave_twins(&mut self) {
        match &mut self.content {
            Content::Scalar(scalar) => scalar.twin = None,
            Content::List(items) => items.iter_mut().for_each(Self::leave_twins),
            Content::Map(fields) => fields.iter_mut().for_each(|field| field.value.leave_twins()),
        }
    }

    /// Takes a field out of a mapping.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Datum> {
        let fields = self.fields_mut()?;
        let at = fields.iter().position(|field| field.key.text == key)?;
        Some(fields.remove(at).value)
    }

    /// Sets a field of a mapping. A value that is there gives its quotes to the new one; null takes the field out.
    pub(crate) fn set(&mut self, key: &str, mut value: Datum) {
        quote_what_looks_typed(&mut value);
        if value.is_null() {
            self.remove(key);
            return;
        }
        self.put(key, value);
    }

    /// The same, with null as a value.
    pub(crate) fn put(&mut self, key: &str, mut value: Datum) {
        let spot = value.spot;
        let Some(fields) = self.fields_mut() else {
            return;
        };
        if let Some(field) = fields.iter_mut().find(|field| field.key.text == key) {
            if let Some(scalar) = value.scalar_mut() {
                let old = field.value.scalar();
                scalar.quoting = old.map_or(Quoting::Plain, |old| old.quoting);
                scalar.twin = old.and_then(|old| old.twin).map(Twin::touched);
            }
            field.value = value;
        } else {
            fields.push(Field {
                key: Scalar::text(key),
                spot,
                value,
            });
        }
    }

    /// Replaces a scalar, which keeps its quotes. A node that is null becomes a scalar.
    pub(crate) fn set_scalar(&mut self, mut scalar: Scalar, spot: Option<Spot>) {
        if let Some(old) = self.scalar() {
            scalar.quoting = old.quoting;
            scalar.twin = old.twin.map(Twin::touched);
        }
        self.content = Content::Scalar(scalar);
        self.spot = spot.or(self.spot);
    }

    /// The mapping at a key, which is made when nothing or null is there.
    pub(crate) fn map_at(&mut self, key: &str, spot: Option<Spot>) -> Option<&mut Datum> {
        let fields = self.fields_mut()?;
        let at = if let Some(at) = fields.iter().position(|field| field.key.text == key) {
            at
        } else {
            fields.push(Field {
                key: Scalar::text(key),
                spot,
                value: Datum::empty_map(spot),
            });
            fields.len() - 1
        };
        let value = &mut fields[at].value;
        if value.is_null() {
            value.content = Content::Map(Vec::new());
        }
        Some(value)
    }
}

/// The newest of each group of twins.
type Newest = HashMap<u32, Datum>;

/// Makes twins alike: those that were not changed become as the one that was.
pub(crate) fn unite_twins(data: &mut Datum) {
    let mut newest = Newest::new();
    find_newest(data, &mut newest);
    if !newest.is_empty() {
        take_newest(data, &newest);
    }
}

fn find_newest(node: &Datum, newest: &mut Newest) {
    if let Some(twin) = node.scalar().and_then(|scalar| scalar.twin) {
        let known = newest
            .get(&twin.group)
            .and_then(Datum::scalar)
            .and_then(|scalar| scalar.twin);
        if known.is_none_or(|known| known.changed < twin.changed) {
            newest.insert(twin.group, node.clone());
        }
    }
    node.items().iter().for_each(|item| find_newest(item, newest));
    node.fields()
        .iter()
        .for_each(|field| find_newest(&field.value, newest));
}

fn take_newest(node: &mut Datum, newest: &Newest) {
    let twin = node.scalar().and_then(|scalar| scalar.twin);
    if let Some(other) = twin.and_then(|twin| newest.get(&twin.group)) {
        node.clone_from(other);
    }
    match &mut node.content {
        Content::List(items) => items.iter_mut().for_each(|item| take_newest(item, newest)),
        Content::Map(fields) => fields
            .iter_mut()
            .for_each(|field| take_newest(&mut field.value, newest)),
        Content::Scalar(_) => {}
    }
}

fn quote_what_looks_typed(value: &mut Datum) {
    if let Some(scalar) = value.scalar_mut()
        && matches!(scalar.tag, Tag::Unset | Tag::Text)
        && scalar.quoting == Quoting::Plain
        && scalar.looks_typed()
    {
        scalar.quoting = Quoting::Quoted;
    }
}
