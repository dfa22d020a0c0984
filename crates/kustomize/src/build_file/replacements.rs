//! Replacements of a build file: a value of one object that is copied into others.

use super::decode::{Decoded, WrittenText, each, flag, list, text, whole};
use super::targets::{SELECTOR_FIELDS, TargetSelector};
use crate::node::{Datum, Spot};

/// How a value is cut, or put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: WrittenText,
    pub(crate) index: i64,
    pub(crate) create: bool,
}

impl FieldOptions {
    fn decode(datum: &Datum) -> Decoded<Self> {
        let mut options = Self::default();
        each(
            datum,
            &["delimiter", "index", "encoding", "create"],
            |name, value| {
                match name {
                    "delimiter" => options.delimiter = text(value)?,
                    "index" => options.index = whole(value)?,
                    "create" => options.create = flag(value)?,
                    _ => {
                        text(value)?;
                    }
                }
                Ok(())
            },
        )?;
        Ok(options)
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReplacementSource {
    pub(crate) select: TargetSelector,
    pub(crate) field: WrittenText,
    pub(crate) options: FieldOptions,
}

/// Where a value goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReplacementTarget {
    pub(crate) select: Option<TargetSelector>,
    pub(crate) reject: Vec<TargetSelector>,
    pub(crate) fields: Vec<WrittenText>,
    pub(crate) options: FieldOptions,
    pub(crate) spot: Option<Spot>,
}

/// A replacement, or the file that holds some.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Replacement {
    pub(crate) path: WrittenText,
    pub(crate) source: Option<ReplacementSource>,
    pub(crate) value: Option<WrittenText>,
    pub(crate) targets: Option<Vec<ReplacementTarget>>,
    pub(crate) spot: Option<Spot>,
}

impl Replacement {
    /// An entry of a build file.
    pub(crate) fn decode_entry(datum: &Datum) -> Decoded<Self> {
        Self::decode_with(datum, &["source", "targets", "sourceValue", "path"])
    }

    fn decode_with(datum: &Datum, known: &[&'static str]) -> Decoded<Self> {
        let mut replacement = Self {
            spot: datum.spot,
            ..Self::default()
        };
        each(datum, known, |name, value| {
            match name {
                "path" => replacement.path = text(value)?,
                "sourceValue" if !value.is_null() => replacement.value = Some(text(value)?),
                "source" if !value.is_null() => replacement.source = Some(source(value)?),
                "targets" if !value.is_null() => replacement.targets = Some(list(value, target)?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(replacement)
    }
}

fn source(datum: &Datum) -> Decoded<ReplacementSource> {
    let mut source = ReplacementSource {
        select: TargetSelector {
            spot: datum.spot,
            ..TargetSelector::default()
        },
        ..ReplacementSource::default()
    };
    let mut known = SELECTOR_FIELDS[..5].to_vec();
    known.extend(["fieldPath", "options"]);
    each(datum, &known, |name, value| {
        match name {
            "fieldPath" => source.field = text(value)?,
            "options" => source.options = FieldOptions::decode(value)?,
            name => source.select.set(name, value)?,
        }
        Ok(())
    })?;
    Ok(source)
}

fn target(datum: &Datum) -> Decoded<ReplacementTarget> {
    let mut target = ReplacementTarget {
        spot: datum.spot,
        ..ReplacementTarget::default()
    };
    each(
        datum,
        &["select", "reject", "fieldPaths", "options"],
        |name, value| {
            match name {
                "select" => target.select = TargetSelector::decode(value)?,
                "reject" => {
                    target.reject = list(value, TargetSelector::decode)?
                        .into_iter()
                        .flatten()
                        .collect();
                }
                "fieldPaths" => target.fields = list(value, text)?,
                _ => target.options = FieldOptions::decode(value)?,
            }
            Ok(())
        },
    )?;
    Ok(target)
}
