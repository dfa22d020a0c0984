//! Patches of a build file, what they are for, and fields of kinds.

use super::decode::{Decoded, WrittenText, each, flag, text};
use crate::field_spec::FieldSpec;
use crate::node::{Datum, Spot};

/// Which objects are meant. What is empty means all.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TargetSelector {
    pub(crate) group: WrittenText,
    pub(crate) version: WrittenText,
    pub(crate) kind: WrittenText,
    pub(crate) name: WrittenText,
    pub(crate) namespace: WrittenText,
    pub(crate) labels: WrittenText,
    pub(crate) annotations: WrittenText,
    pub(crate) spot: Option<Spot>,
}

/// The fields of a selector.
pub(crate) const SELECTOR_FIELDS: [&str; 7] = [
    "group",
    "version",
    "kind",
    "name",
    "namespace",
    "labelSelector",
    "annotationSelector",
];

impl TargetSelector {
    pub(crate) fn decode(datum: &Datum) -> Decoded<Option<Self>> {
        if datum.is_null() {
            return Ok(None);
        }
        let mut selector = Self {
            spot: datum.spot,
            ..Self::default()
        };
        each(datum, &SELECTOR_FIELDS, |name, value| selector.set(name, value))?;
        Ok(Some(selector))
    }

    pub(crate) fn set(&mut self, name: &str, value: &Datum) -> Decoded<()> {
        let value = text(value)?;
        match name {
            "group" => self.group = value,
            "version" => self.version = value,
            "kind" => self.kind = value,
            "name" => self.name = value,
            "namespace" => self.namespace = value,
            "labelSelector" => self.labels = value,
            _ => self.annotations = value,
        }
        Ok(())
    }
}

/// A patch of a build file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PatchEntry {
    pub(crate) path: WrittenText,
    /// The patch itself, with its node.
    pub(crate) patch: WrittenText,
    pub(crate) target: Option<TargetSelector>,
    pub(crate) allows_name: bool,
    pub(crate) allows_kind: bool,
    pub(crate) spot: Option<Spot>,
}

impl PatchEntry {
    pub(crate) fn decode(datum: &Datum) -> Decoded<Self> {
        let mut entry = Self {
            spot: datum.spot,
            ..Self::default()
        };
        each(datum, &["path", "patch", "target", "options"], |name, value| {
            match name {
                "path" => entry.path = text(value)?,
                "patch" => entry.patch = text(value)?,
                "target" => entry.target = TargetSelector::decode(value)?,
                _ => {
                    for field in value.fields() {
                        let value = flag(&field.value)?;
                        match field.key.text.as_str() {
                            "allowNameChange" => entry.allows_name = value,
                            "allowKindChange" => entry.allows_kind = value,
                            _ => {}
                        }
                    }
                }
            }
            Ok(())
        })?;
        Ok(entry)
    }
}

/// A field of some kinds of objects.
pub(crate) fn fields_of(datum: &Datum) -> Decoded<FieldSpec> {
    let mut spec = FieldSpec::default();
    each(
        datum,
        &["group", "version", "kind", "path", "create"],
        |name, value| {
            match name {
                "group" => spec.gvk.group = text(value)?.value,
                "version" => spec.gvk.version = text(value)?.value,
                "kind" => spec.gvk.kind = text(value)?.value,
                "path" => spec.path = text(value)?.value,
                _ => spec.create = flag(value)?,
            }
            Ok(())
        },
    )?;
    Ok(spec)
}
