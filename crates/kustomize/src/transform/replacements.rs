//! `replacements`: values of one object that are copied into others.

use std::sync::Arc;

use super::cannot;
use super::field_path::{NodeForm, find, split, visit};
use crate::build_file::decode::WrittenText;
use crate::build_file::replacements::{FieldOptions, Replacement, ReplacementSource, ReplacementTarget};
use crate::build_file::targets::TargetSelector;
use crate::field_spec::OffPath;
use crate::finding::{Halt, RefusalKind, halt};
use crate::id::{Gvk, or_default};
use crate::node::scalar::Twin;
use crate::node::{Content, Datum};
use crate::resource::Resource;
use crate::select::Requirements;
use crate::set::ResourceSet;

/// The field that is meant when none is named.
const DEFAULT_FIELD: &str = "metadata.name";

/// Copies the values of one replacement. Returns whether its source is there.
pub(crate) fn apply(set: &mut ResourceSet, replacement: &Replacement) -> Result<bool, Halt> {
    let bad = |message: &str| halt(RefusalKind::BadBuildFile, replacement.spot, message);
    let Some(targets) = replacement.targets.as_ref() else {
        return Err(bad("a replacement needs a source and targets"));
    };
    let value = match (&replacement.value, &replacement.source) {
        (Some(_), Some(_)) => return Err(bad("`source` and `sourceValue` exclude each other")),
        (None, None) => return Err(bad("a replacement needs a source and targets")),
        (Some(text), None) => Datum::plain(text.value.clone(), text.spot),
        (None, Some(source)) => match source_value(set.list(), source)? {
            Some(value) => value,
            None => return Ok(false),
        },
    };
    for target in targets {
        replace(set, target, &value)?;
    }
    Ok(true)
}

/// An id as selectors of replacements see it: every object is taken to be in a namespace.
fn is_selected(resource: &Resource, selector: &TargetSelector) -> bool {
    let wanted = Gvk {
        group: selector.group.value.clone(),
        version: selector.version.value.clone(),
        kind: selector.kind.value.clone(),
    };
    let fits = |gvk: &Gvk, name: &str, namespace: &str| {
        (selector.name.is_empty() || selector.name.value == name)
            && (selector.namespace.is_empty()
                || or_default(&selector.namespace.value) == or_default(namespace))
            && gvk.is_selected_by(&wanted)
    };
    fits(&resource.gvk(), resource.name(), resource.namespace())
        || resource
            .former_ids()
            .any(|id| fits(&id.gvk, &id.name, &id.namespace))
}

fn source_value(list: &[Resource], source: &ReplacementSource) -> Result<Option<Datum>, Halt> {
    let mut found = list
        .iter()
        .filter(|resource| is_selected(resource, &source.select));
    let Some(resource) = found.next() else {
        return Ok(None);
    };
    if let Some(second) = found.next() {
        let message = format!(
            "the source of a replacement is one object: the {} and the {} fit",
            resource.id(),
            second.id()
        );
        return Err(halt(RefusalKind::SeveralMatches, source.select.spot, message));
    }
    let path = field_or_default(&source.field);
    let node = find(resource.data(), &split(path))
        .map_err(|error| cannot(&error, resource, source.select.spot))?
        .filter(|node| !node.is_null_or_empty());
    let Some(node) = node else {
        let message = format!("the {} has no `{path}`", resource.id());
        return Err(halt(
            RefusalKind::NoMatch,
            source.field.spot.or(source.select.spot),
            message,
        ));
    };
    refined(node, &source.options).map(Some)
}

fn field_or_default(field: &WrittenText) -> &str {
    if field.is_empty() {
        DEFAULT_FIELD
    } else {
        &field.value
    }
}

/// The part of a text that the options ask for.
fn refined(node: &Datum, options: &FieldOptions) -> Result<Datum, Halt> {
    let mut value = node.clone();
    value.leave_twins();
    if options.delimiter.is_empty() {
        return Ok(value);
    }
    let bad = |message: &str| halt(RefusalKind::CannotApply, options.delimiter.spot, message);
    let Some(scalar) = value.scalar_mut() else {
        return Err(bad("only a scalar can be cut by a delimiter"));
    };
    let index = usize::try_from(options.index).ok();
    let part = index.and_then(|index| scalar.text.split(options.delimiter.value.as_str()).nth(index));
    let Some(part) = part.map(str::to_owned) else {
        return Err(bad("the value has no part of this index"));
    };
    scalar.text = part;
    Ok(value)
}

fn replace(set: &mut ResourceSet, target: &ReplacementTarget, value: &Datum) -> Result<(), Halt> {
    let Some(select) = &target.select else {
        let message = "a target of a replacement needs `select`";
        return Err(halt(RefusalKind::BadBuildFile, target.spot, message));
    };
    let wanted = MetaSelection::new(select)?;
    let rejected: Vec<MetaSelection> = target
        .reject
        .iter()
        .map(MetaSelection::new)
        .collect::<Result<_, _>>()?;
    for resource in set.list_mut() {
        if !wanted.matches(resource) || !is_selected(resource, select) {
            continue;
        }
        let by_meta = target.reject.iter().zip(&rejected);
        let is_rejected = by_meta.into_iter().any(|(selector, meta)| {
            (!meta.is_open && meta.matches(resource))
                || (names_an_id(selector) && is_selected(resource, selector))
        });
        if !is_rejected {
            replace_in(resource, target, value)?;
        }
    }
    Ok(())
}

fn names_an_id(selector: &TargetSelector) -> bool {
    [
        &selector.group,
        &selector.version,
        &selector.kind,
        &selector.name,
        &selector.namespace,
    ]
    .iter()
    .any(|text| !text.is_empty())
}

/// A selector's labels and annotations.
struct MetaSelection {
    labels: Requirements,
    annotations: Requirements,
    is_open: bool,
}

impl MetaSelection {
    fn new(selector: &TargetSelector) -> Result<Self, Halt> {
        Ok(Self {
            labels: Requirements::parse(&selector.labels)?,
            annotations: Requirements::parse(&selector.annotations)?,
            is_open: selector.labels.is_empty() && selector.annotations.is_empty(),
        })
    }

    fn matches(&self, resource: &Resource) -> bool {
        self.labels.match_map(resource, "labels") && self.annotations.match_map(resource, "annotations")
    }
}

fn replace_in(resource: &mut Resource, target: &ReplacementTarget, value: &Datum) -> Result<(), Halt> {
    let default = [WrittenText::default()];
    let fields: &[WrittenText] = if target.fields.is_empty() {
        &default
    } else {
        &target.fields
    };
    for field in fields {
        let path = if target.fields.is_empty() {
            DEFAULT_FIELD
        } else {
            field.value.as_str()
        };
        let create = target.options.create.then(|| NodeForm::of(value));
        let mut set = |node: &mut Datum| set_value(node, value, &target.options);
        let data = Arc::make_mut(&mut resource.data);
        let found = visit(data, &split(path), create, &mut set)
            .map_err(|error| cannot(&error, resource, field.spot.or(target.spot)))?;
        if found == 0 {
            let message = format!("the {} has no `{path}`", resource.id());
            return Err(halt(RefusalKind::NoMatch, field.spot.or(target.spot), message));
        }
    }
    Ok(())
}

fn set_value(node: &mut Datum, value: &Datum, options: &FieldOptions) -> Result<(), OffPath> {
    let mut text = value
        .as_text()
        .filter(|_| !value.is_null())
        .unwrap_or_default()
        .to_owned();
    if !options.delimiter.is_empty() {
        let delimiter = options.delimiter.value.as_str();
        let Some(old) = node.as_text() else {
            return Err(OffPath {
                message: "only a scalar can be cut by a delimiter".to_owned(),
                spot: node.spot,
            });
        };
        let mut parts: Vec<&str> = old.split(delimiter).collect();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, &text),
            Ok(index) if index >= parts.len() => parts.push(&text),
            Ok(index) => parts[index] = &text,
        }
        text = parts.join(delimiter);
    } else if value.is_null() {
        value.as_text().unwrap_or_default().clone_into(&mut text);
    }
    if let Content::Scalar(scalar) = &mut node.content {
        scalar.text = text;
        scalar.twin = scalar.twin.map(Twin::touched);
        node.spot = value.spot.or(node.spot);
        return Ok(());
    }
    *node = value.clone();
    if let (Some(scalar), false) = (node.scalar_mut(), options.delimiter.is_empty()) {
        scalar.text = text;
    }
    Ok(())
}
