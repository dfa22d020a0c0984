//! Patches: strategic merges, and lists of JSON operations (RFC 6902).

mod associative;
mod json;
mod schema;
mod strategic;

use std::sync::Arc;

use json::JsonPatch;
use strategic::Clash;
use yaml::line::line_starts;

use crate::build_file::decode::WrittenText;
use crate::build_file::targets::{PatchEntry, TargetSelector};
use crate::finding::{Halt, Refusal, RefusalKind, halt};
use crate::load::{Folder, Loaded, not_yaml};
use crate::manifests::resources;
use crate::node::read::{BlockLines, TextFrame, documents};
use crate::node::{Datum, Spot};
use crate::resource::Resource;
use crate::select::Selection;
use crate::set::{ResourceSet, merged_texts, set_namespace, set_texts};

/// A patch that is ready to be applied.
pub(crate) struct Patch {
    content: PatchContent,
    target: Option<TargetSelector>,
    allows_name: bool,
    allows_kind: bool,
    /// Whether the name before the patch is remembered.
    remembers: bool,
    spot: Option<Spot>,
}

enum PatchContent {
    Strategic(Vec<Resource>),
    Json(JsonPatch),
}

/// What a patch met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// Its objects, or none that it asks for by a selector.
    Done,
    /// No object of its id.
    Nothing,
}

/// Reads `patches`.
pub(crate) fn load(entry: &PatchEntry, folder: &mut Folder<'_, '_>) -> Result<Patch, Halt> {
    let is_blank = entry.patch.value.trim().is_empty();
    let documents = match (is_blank, entry.path.is_empty()) {
        (true, true) => {
            let message = "an entry of `patches` needs `patch` or `path`";
            return Err(halt(RefusalKind::BadPatch, entry.spot, message));
        }
        (false, false) => {
            let message = "`patch` and `path` exclude each other";
            return Err(halt(RefusalKind::BadPatch, entry.spot, message));
        }
        (false, true) => inline(&entry.patch, folder)?,
        (true, false) => from_file(&entry.path, folder)?,
    };
    let spot = entry.patch.spot.or(entry.path.spot).or(entry.spot);
    let content = match resources(&documents) {
        Ok(list) if !list.is_empty() => PatchContent::Strategic(list),
        Ok(_) => PatchContent::Json(JsonPatch::default()),
        Err(refused) => {
            PatchContent::Json(JsonPatch::read(documents.first().map(Arc::as_ref)).ok_or(refused.of_patch())?)
        }
    };
    Ok(Patch {
        content,
        target: entry.target.clone(),
        allows_name: entry.allows_name,
        allows_kind: entry.allows_kind,
        remembers: true,
        spot,
    })
}

impl Refusal {
    /// The same, of a patch.
    fn of_patch(mut self) -> Halt {
        self.kind = RefusalKind::BadPatch;
        self
    }
}

/// Reads `patchesStrategicMerge`: a patch, or the path of one.
pub(crate) fn load_strategic(entry: &WrittenText, folder: &mut Folder<'_, '_>) -> Result<Patch, Halt> {
    let inline = inline(entry, folder).and_then(|documents| resources(&documents));
    let list = match inline {
        Ok(list) => list,
        Err(_) => resources(&from_file(entry, folder)?)?,
    };
    Ok(Patch {
        content: PatchContent::Strategic(list),
        target: None,
        allows_name: false,
        allows_kind: false,
        remembers: false,
        spot: entry.spot,
    })
}

/// Reads `patchesJson6902`.
pub(crate) fn load_json(entry: &PatchEntry, folder: &mut Folder<'_, '_>) -> Result<Patch, Halt> {
    let bad = |message: &str| halt(RefusalKind::BadPatch, entry.spot, message);
    if entry.target.as_ref().is_none_or(|target| target.name.is_empty()) {
        return Err(bad("an entry of `patchesJson6902` needs the name of its target"));
    }
    let documents = match (entry.patch.is_empty(), entry.path.is_empty()) {
        (false, true) => inline(&entry.patch, folder)?,
        (true, false) => from_file(&entry.path, folder)?,
        _ => return Err(bad("an entry of `patchesJson6902` needs `patch` or `path`")),
    };
    let patch = JsonPatch::read(documents.first().map(Arc::as_ref))
        .filter(|patch| !patch.is_empty())
        .ok_or_else(|| bad("this is no list of operations"))?;
    Ok(Patch {
        content: PatchContent::Json(patch),
        target: entry.target.clone(),
        allows_name: false,
        allows_kind: false,
        remembers: false,
        spot: entry.spot,
    })
}

fn from_file(path: &WrittenText, folder: &mut Folder<'_, '_>) -> Result<Vec<Arc<Datum>>, Halt> {
    let file = folder.read(path)?;
    (*folder.library.documents(&file)).clone()
}

/// The documents of a text in a build file.
pub(crate) fn inline(text: &WrittenText, folder: &mut Folder<'_, '_>) -> Result<Vec<Arc<Datum>>, Halt> {
    let number = text.spot.map_or(u32::MAX, |spot| spot.file);
    let name = usize::try_from(number)
        .ok()
        .and_then(|number| folder.library.names.get(number));
    let loaded = name.cloned().and_then(|name| folder.library.load(&name));
    let block = block_lines(loaded.as_ref(), text);
    let frame = TextFrame {
        file: number,
        block: Some(&block),
    };
    let roots = documents(&text.value, frame).map_err(|error| not_yaml(&error, frame))?;
    Ok(roots.into_iter().map(Arc::new).collect())
}

/// Where the lines of a text stand in its file, when it is written there line by line.
fn block_lines(file: Option<&Loaded<'_>>, text: &WrittenText) -> BlockLines {
    let Some(spot) = text.spot else {
        return BlockLines::default();
    };
    let whole = spot.start as usize..spot.end as usize;
    let source = file.and_then(|file| std::str::from_utf8(&file.content).ok());
    let lines = source.and_then(|source| line_starts(source, whole.start, &text.value));
    BlockLines {
        lines: lines.unwrap_or_default(),
        whole,
    }
}

impl Patch {
    /// Applies the patch.
    pub(crate) fn apply(&self, set: &mut ResourceSet) -> Result<Met, Halt> {
        match (&self.content, &self.target) {
            (PatchContent::Json(patch), Some(target)) => self.apply_json(patch, target, set),
            (PatchContent::Json(_), None) => {
                let message = "a list of operations needs a `target`";
                Err(halt(RefusalKind::BadPatch, self.spot, message))
            }
            (PatchContent::Strategic(patches), Some(target)) => {
                let [patch] = patches.as_slice() else {
                    let message = "several patches in one entry cannot have a `target`";
                    return Err(halt(RefusalKind::BadPatch, self.spot, message));
                };
                let selection = Selection::new(target)?;
                let numbered = set.list().iter().enumerate();
                let chosen: Vec<usize> = numbered
                    .filter(|(_, resource)| selection.matches(resource))
                    .map(|(at, _)| at)
                    .collect();
                let patch = with_texts(patch);
                for at in &chosen {
                    self.merge_into(&mut set.list_mut()[*at], &patch, true)?;
                }
                set.list_mut().retain(|resource| !resource.is_empty());
                set.check_ids()?;
                Ok(Met::Done)
            }
            (PatchContent::Strategic(patches), None) => {
                let mut met = Met::Done;
                for patch in patches {
                    if self.apply_by_id(patch, set)? == Met::Nothing {
                        met = Met::Nothing;
                    }
                }
                set.list_mut().retain(|resource| !resource.is_empty());
                Ok(met)
            }
        }
    }

    /// What the patch is for and does not meet.
    pub(crate) fn missing(&self, set: &ResourceSet) -> String {
        let PatchContent::Strategic(patches) = &self.content else {
            return String::new();
        };
        let is_missing = |patch: &&Resource| {
            let id = patch.id();
            set.by_any_id(|other| *other == id).is_empty()
        };
        let id = patches
            .iter()
            .find(is_missing)
            .map(|patch| patch.id().to_string());
        format!(
            "there is no {} that this patch could change",
            id.unwrap_or_default()
        )
    }

    fn apply_by_id(&self, patch: &Resource, set: &mut ResourceSet) -> Result<Met, Halt> {
        let id = patch.id();
        match set.by_any_id(|other| *other == id).as_slice() {
            [] => Ok(Met::Nothing),
            [at] => {
                // The older spelling takes the way of patches with a target.
                if self.remembers {
                    self.merge_into(&mut set.list_mut()[*at], patch, false)?;
                } else {
                    self.merge_into(&mut set.list_mut()[*at], &with_texts(patch), true)?;
                }
                Ok(Met::Done)
            }
            _ => Err(halt(
                RefusalKind::SeveralMatches,
                patch.spot(),
                format!("several objects could be the {id} that this patch is for"),
            )),
        }
    }

    fn merge_into(&self, resource: &mut Resource, patch: &Resource, takes_version: bool) -> Result<(), Halt> {
        let (name, namespace) = (resource.name().to_owned(), resource.namespace().to_owned());
        let kind = resource.kind().to_owned();
        if self.allows_name || self.allows_kind {
            resource.remember_name();
        }
        let mut patch = patch.clone();
        if self.allows_name || self.allows_kind {
            let texts = merged_texts(None, patch.data().path(&["metadata", "annotations"]));
            set_texts(&mut patch, "annotations", texts);
        }
        let mut change = patch.data().clone();
        if takes_version {
            let version = resource.api_version();
            if !version.is_empty() || change.get("apiVersion").is_some() {
                change.set("apiVersion", Datum::plain(version, None));
            }
        }
        let old = Arc::unwrap_or_clone(std::mem::replace(
            &mut resource.data,
            Arc::new(Datum::empty_map(None)),
        ));
        let spot = old.spot;
        let places = NamePlaces::of(&old);
        let merging =
            strategic::merge(Some(old), Some(change), None).map_err(|clash| clashes(&clash, &patch))?;
        let Some(merged) = merging.value.filter(|value| !value.is_null_or_empty()) else {
            return Ok(());
        };
        resource.data = Arc::new(Datum { spot, ..merged });
        if !self.allows_kind {
            resource.data_mut().set("kind", Datum::plain(kind, places.kind));
        }
        if !self.allows_name {
            resource.set_name(Datum::plain(name, places.name));
        }
        set_namespace(resource, &namespace);
        Ok(())
    }

    fn apply_json(
        &self,
        patch: &JsonPatch,
        target: &TargetSelector,
        set: &mut ResourceSet,
    ) -> Result<Met, Halt> {
        let selection = Selection::new(target)?;
        for resource in set
            .list_mut()
            .iter_mut()
            .filter(|resource| selection.matches(resource))
        {
            if self.remembers {
                resource.remember_name();
            }
            let spot = resource.spot();
            let data = Arc::unwrap_or_clone(std::mem::replace(
                &mut resource.data,
                Arc::new(Datum::empty_map(spot)),
            ));
            let mut data = data;
            // What kustomize remembers stands in annotations while the patch is applied.
            if (self.remembers || resource.history.is_annotated())
                && let Some(meta) = data.map_at("metadata", spot)
            {
                meta.map_at("annotations", spot);
            }
            let data = patch.apply(data).map_err(|error| {
                let mut refusal =
                    Refusal::new(RefusalKind::CannotApply, error.spot.or(self.spot), error.message);
                refusal.other = spot;
                refusal
            })?;
            resource.data = Arc::new(Datum { spot, ..data });
            let texts = merged_texts(None, resource.data().path(&["metadata", "annotations"]));
            set_texts(resource, "annotations", texts);
        }
        Ok(Met::Done)
    }
}

/// Where the kind and the name of an object were written.
struct NamePlaces {
    kind: Option<Spot>,
    name: Option<Spot>,
}

impl NamePlaces {
    fn of(data: &Datum) -> Self {
        Self {
            kind: data.get("kind").and_then(|node| node.spot),
            name: data.path(&["metadata", "name"]).and_then(|node| node.spot),
        }
    }
}

/// A patch whose labels and annotations are texts, as kustomize copies it.
fn with_texts(patch: &Resource) -> Resource {
    let mut patch = patch.clone();
    for key in ["labels", "annotations"] {
        let texts = merged_texts(None, patch.data().path(&["metadata", key]));
        set_texts(&mut patch, key, texts);
    }
    let namespace = patch.namespace().to_owned();
    set_namespace(&mut patch, &namespace);
    patch
}

fn clashes(clash: &Clash, patch: &Resource) -> Halt {
    let message = format!("the patch for the {} does not fit: {}", patch.id(), clash.message);
    halt(RefusalKind::CannotApply, clash.spot.or(patch.spot()), message)
}
