//! Changes of nodes, as the setters of kyaml make them.

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

    pub(crate) fn path_mut(&mut self, keys: &[&str]) -> Option<&mut Datum> {
        keys.iter().try_fold(self, |node, key| node.get_mut(key))
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
                scalar.quoting = field.value.scalar().map_or(Quoting::Plain, |old| old.quoting);
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

fn quote_what_looks_typed(value: &mut Datum) {
    if let Some(scalar) = value.scalar_mut()
        && matches!(scalar.tag, Tag::Unset | Tag::Text)
        && scalar.quoting == Quoting::Plain
        && scalar.looks_typed()
    {
        scalar.quoting = Quoting::Quoted;
    }
}
