//! The objects of a build in their order, found by their ids.

use std::collections::HashMap;

use crate::finding::{Halt, Refusal, RefusalKind, halt};
use crate::id::ResId;
use crate::node::Datum;
use crate::node::edit::unite_twins;
use crate::resource::{Behavior, Resource};

/// Objects in their order. No two that were added have the same id.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResourceSet {
    list: Vec<Resource>,
    /// The first of each id, as long as nothing but additions happened.
    index: Option<HashMap<ResId, usize>>,
}

impl ResourceSet {
    /// The objects.
    pub(crate) fn list(&self) -> &[Resource] {
        &self.list
    }

    /// The objects, to be changed in any way.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.index = None;
        &mut self.list
    }

    /// Takes the objects out.
    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    /// Adds objects.
    pub(crate) fn append(&mut self, more: Vec<Resource>) -> Result<(), Halt> {
        let mut index = self.index.take().unwrap_or_else(|| {
            let numbered = self.list.iter().enumerate().rev();
            numbered.map(|(at, resource)| (resource.id(), at)).collect()
        });
        for new in more {
            let id = new.id();
            if let Some(first) = index.get(&id) {
                return Err(twice(&id, &new, &self.list[*first]));
            }
            index.insert(id, self.list.len());
            self.list.push(new);
        }
        self.index = Some(index);
        Ok(())
    }

    /// Lets scalars follow those that they are one with.
    pub(crate) fn unite_twins(&mut self) {
        for resource in self.list.iter_mut().filter(|resource| resource.history.has_twins) {
            unite_twins(resource.data_mut());
        }
    }

    /// Checks that no id is there twice.
    pub(crate) fn check_ids(&self) -> Result<(), Halt> {
        let mut index: HashMap<ResId, usize> = HashMap::with_capacity(self.list.len());
        for (at, resource) in self.list.iter().enumerate() {
            if let Some(first) = index.insert(resource.id(), at) {
                return Err(twice(&resource.id(), resource, &self.list[first]));
            }
        }
        Ok(())
    }

    /// The numbers of the objects that have or had an id that fits.
    pub(crate) fn by_any_id(&self, fits: impl Fn(&ResId) -> bool) -> Vec<usize> {
        let has = |resource: &Resource| {
            !resource.is_empty() && (resource.former_ids().any(|id| fits(&id)) || fits(&resource.id()))
        };
        let numbered = self.list.iter().enumerate();
        numbered
            .filter(|(_, resource)| has(resource))
            .map(|(at, _)| at)
            .collect()
    }

    /// Adds what a generator made, or lets it take the place of what is there.
    ///
    /// Returns whether it could: it cannot when the object to be changed is not there.
    pub(crate) fn absorb(&mut self, mut new: Resource) -> Result<bool, Halt> {
        self.index = None;
        let id = new.id();
        let matches = self.by_any_id(|other| *other == id);
        let changes = matches!(new.history.behavior, Behavior::Merge | Behavior::Replace);
        match matches.as_slice() {
            [] if changes => Ok(false),
            [] => {
                self.list.push(new);
                Ok(true)
            }
            [at] if changes => {
                let old = &self.list[*at];
                if new.history.behavior == Behavior::Merge {
                    merge_data(&mut new, old, "data");
                    merge_data(&mut new, old, "binaryData");
                }
                take_over_metadata(&mut new, old);
                self.list[*at] = new;
                Ok(true)
            }
            [at] => {
                let old = self.list[*at].spot();
                let message = format!("the {id} exists already; the behavior must be `merge` or `replace`");
                Err(Refusal::new(RefusalKind::TwiceTheSame, new.spot(), message).with_other(old))
            }
            _ => Err(halt(
                RefusalKind::SeveralMatches,
                new.spot(),
                format!("several objects could be the {id} that this changes"),
            )),
        }
    }
}

fn twice(id: &ResId, new: &Resource, old: &Resource) -> Refusal {
    Refusal::new(
        RefusalKind::TwiceTheSame,
        new.spot(),
        format!("the {id} is there twice"),
    )
    .with_other(old.spot())
}

/// Gives an object the names, labels, annotations and history of another; labels and annotations of its own win.
pub(crate) fn take_over_metadata(new: &mut Resource, old: &Resource) {
    let needs_hash = new.history.needs_hash && old.history.needs_hash;
    for key in ["labels", "annotations"] {
        let merged = merged_texts(
            old.data.path(&["metadata", key]),
            new.data.path(&["metadata", key]),
        );
        set_texts(new, key, merged);
    }
    let spot = new.spot();
    let name = old.data.path(&["metadata", "name"]).and_then(|name| name.spot);
    new.set_name(Datum::plain(old.name(), name.or(spot)));
    set_namespace(new, old.namespace());
    new.history.clone_from(&old.history);
    new.history.needs_hash = needs_hash;
    new.history.is_generated = true;
}

/// Sets `metadata.namespace`, or takes it out.
pub(crate) fn set_namespace(resource: &mut Resource, namespace: &str) {
    if !namespace.is_empty() && resource.namespace() == namespace {
        return;
    }
    if let Some(meta) = resource.data_mut().map_at("metadata", None) {
        if namespace.is_empty() {
            meta.remove("namespace");
        } else {
            meta.set("namespace", Datum::plain(namespace, None));
        }
    }
}

/// A key and the node of its value, as a text.
pub(crate) struct TextField {
    pub(crate) key: String,
    pub(crate) value: Datum,
}

/// The fields of two mappings with their values as texts, sorted; those of the second win.
pub(crate) fn merged_texts(first: Option<&Datum>, second: Option<&Datum>) -> Vec<TextField> {
    let mut merged = std::collections::BTreeMap::new();
    for field in [first, second].into_iter().flatten().flat_map(Datum::fields) {
        let text = field.value.as_text().unwrap_or_default();
        merged.insert(field.key.text.clone(), Datum::text(text, field.value.spot));
    }
    let fields = merged.into_iter();
    fields.map(|(key, value)| TextField { key, value }).collect()
}

/// Replaces `metadata.labels` or `metadata.annotations`.
pub(crate) fn set_texts(resource: &mut Resource, key: &str, texts: Vec<TextField>) {
    let old = resource.data.path(&["metadata", key]).and_then(|map| map.spot);
    let Some(meta) = resource.data_mut().map_at("metadata", None) else {
        return;
    };
    meta.remove(key);
    if texts.is_empty() {
        return;
    }
    if let Some(map) = meta.map_at(key, old) {
        for text in texts {
            map.set(&text.key, text.value);
        }
    }
}

/// Merges the data of an old object into that of a new one, which wins.
fn merge_data(new: &mut Resource, old: &Resource, key: &str) {
    let mut merged = merged_texts(old.data.get(key), new.data.get(key));
    for text in &mut merged {
        let is_null = |data: &Datum| data.path(&[key, &text.key]).is_some_and(Datum::is_null);
        if is_null(&new.data) || (is_null(&old.data) && new.data.path(&[key, &text.key]).is_none()) {
            text.value = Datum::text("", text.value.spot);
        }
    }
    let spot = new.data.get(key).or(old.data.get(key)).and_then(|map| map.spot);
    let data = new.data_mut();
    data.remove(key);
    if merged.is_empty() {
        return;
    }
    if let Some(map) = data.map_at(key, spot) {
        for text in merged {
            map.set(&text.key, text.value);
        }
    }
}
