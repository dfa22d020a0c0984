//! An object on its way through a build: its nodes, and what it was called before.

use std::sync::Arc;

use crate::id::{Gvk, ResId};
use crate::node::{Datum, Spot};

/// What a generator wants when the object that it makes is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

/// A name that an object had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormerName {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) kind: String,
}

/// What the build remembers of an object, which kustomize keeps in annotations of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    pub(crate) former: Vec<FormerName>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    pub(crate) behavior: Behavior,
    pub(crate) needs_hash: bool,
    pub(crate) is_generated: bool,
    /// Whether scalars are in it that change together.
    pub(crate) has_twins: bool,
}

impl History {
    /// Whether kustomize keeps any of it in annotations.
    pub(crate) fn is_annotated(&self) -> bool {
        !self.former.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.needs_hash
            || self.behavior != Behavior::Unspecified
            || self.is_generated
    }
}

/// An object of a build.
#[derive(Debug, Clone)]
pub struct Resource {
    pub(crate) data: Arc<Datum>,
    pub(crate) history: Box<History>,
}

impl Resource {
    pub(crate) fn new(data: Arc<Datum>) -> Self {
        Self {
            data,
            history: Box::default(),
        }
    }

    /// Returns the object's nodes.
    pub fn data(&self) -> &Datum {
        &self.data
    }

    pub(crate) fn data_mut(&mut self) -> &mut Datum {
        Arc::make_mut(&mut self.data)
    }

    /// Returns `apiVersion`, empty without one.
    pub fn api_version(&self) -> &str {
        self.data
            .get("apiVersion")
            .and_then(Datum::as_text)
            .unwrap_or_default()
    }

    /// Returns `kind`, empty without one.
    pub fn kind(&self) -> &str {
        self.data.get("kind").and_then(Datum::as_text).unwrap_or_default()
    }

    /// Returns `metadata.name`, empty without one.
    pub fn name(&self) -> &str {
        self.meta_text("name")
    }

    /// Returns `metadata.namespace`, empty without one.
    pub fn namespace(&self) -> &str {
        self.meta_text("namespace")
    }

    /// Returns where the object starts.
    pub fn spot(&self) -> Option<Spot> {
        self.data.spot
    }

    fn meta_text(&self, key: &str) -> &str {
        self.data
            .path(&["metadata", key])
            .filter(|value| !value.is_null())
            .and_then(Datum::as_text)
            .unwrap_or_default()
    }

    /// Returns the fields of `metadata.labels` or `metadata.annotations` as texts.
    pub(crate) fn meta_map(&self, key: &str) -> impl Iterator<Item = (&str, &str)> {
        let fields = self
            .data
            .path(&["metadata", key])
            .map(Datum::fields)
            .unwrap_or_default();
        fields
            .iter()
            .map(|field| (field.key.text.as_str(), field.value.as_text().unwrap_or_default()))
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk::new(self.api_version(), self.kind())
    }

    /// The id as it is now.
    pub(crate) fn id(&self) -> ResId {
        ResId::new(self.gvk(), self.name(), self.namespace())
    }

    /// The ids that it had before, the oldest first.
    pub(crate) fn former_ids(&self) -> impl Iterator<Item = ResId> {
        let gvk = self.gvk();
        self.history.former.iter().map(move |former| ResId {
            gvk: Gvk {
                kind: former.kind.clone(),
                ..gvk.clone()
            },
            name: former.name.clone(),
            namespace: former.namespace.clone(),
        })
    }

    /// The id that it had first.
    pub(crate) fn first_id(&self) -> ResId {
        self.former_ids().next().unwrap_or_else(|| self.id())
    }

    /// Remembers what it is called now.
    pub(crate) fn remember_name(&mut self) {
        let id = self.id();
        self.history.former.push(FormerName {
            name: id.name,
            namespace: id.namespace,
            kind: id.gvk.kind,
        });
    }

    pub(crate) fn set_name(&mut self, name: Datum) {
        if let Some(meta) = self.data_mut().map_at("metadata", None) {
            meta.set("name", name);
        }
    }

    /// Whether the object is gone, or has nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.data.is_null_or_empty()
    }
}
