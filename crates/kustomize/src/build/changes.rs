//! What the build file of a folder changes in the objects that were gathered, in the order of kustomize.

use std::sync::Arc;

use super::{Build, Gathered, Opened, leave_out, no_match, one};
use crate::build_file::decode::WrittenText;
use crate::build_file::replacements::Replacement;
use crate::config::Use;
use crate::configurations;
use crate::files::is_remote;
use crate::finding::{Halt, Refusal, RefusalKind, Unknown, UnknownKind, halt};
use crate::manifests::resources;
use crate::patch::{self, Met, Patch};
use crate::plugins;
use crate::transform::{affix, images, labels, namespace, replacements, replicas};

impl Build<'_> {
    /// Changes the objects.
    pub(super) fn transform(&mut self, opened: &Opened, gathered: &mut Gathered) -> Result<(), Halt> {
        let file = &opened.file;
        let patches = self.patches(opened, gathered)?;
        let config = Arc::clone(&gathered.config);
        let (json, others): (Vec<_>, Vec<_>) = patches.into_iter().partition(|loaded| loaded.is_late);
        for loaded in others {
            apply_patch(&loaded, gathered)?;
            gathered.set.unite_twins();
        }
        let set = &mut gathered.set;
        if !file.namespace.is_empty() {
            namespace::apply(set, &file.namespace, &config)?;
        }
        if !file.name_prefix.is_empty() {
            affix::apply(
                set,
                &file.name_prefix,
                affix::End::Start,
                config.fields(Use::NamePrefix),
            )?;
        }
        if !file.name_suffix.is_empty() {
            affix::apply(
                set,
                &file.name_suffix,
                affix::End::End,
                config.fields(Use::NameSuffix),
            )?;
        }
        labels::apply(set, file, &config)?;
        labels::annotate(set, &file.common_annotations, &config)?;
        for loaded in json {
            apply_patch(&loaded, gathered)?;
        }
        gathered.set.unite_twins();
        for entry in &file.replicas {
            if !replicas::apply(&mut gathered.set, entry, &config)? {
                let message = format!("there is no workload `{}`", entry.name.value);
                no_match(gathered, &entry.name, entry.spot, message)?;
            }
        }
        for entry in &file.images {
            images::apply(&mut gathered.set, entry, &config)?;
        }
        for entry in self.replacements(opened, gathered)? {
            if !replacements::apply(&mut gathered.set, &entry)? {
                let source = entry.source.as_ref().and_then(|source| source.select.spot);
                let name = entry.source.map(|source| source.select.name).unwrap_or_default();
                let message = "there is no object that is the source of this replacement";
                no_match(gathered, &name, source.or(entry.spot), message.to_owned())?;
            }
            gathered.set.unite_twins();
        }
        Ok(())
    }

    /// Runs the transformers that are built in; others are programs.
    pub(super) fn run_plugins(
        &mut self,
        opened: &Opened,
        gathered: &mut Gathered,
    ) -> Result<(), Vec<Refusal>> {
        for entry in &opened.file.transformers {
            if is_remote(&entry.value) {
                leave_out(gathered, UnknownKind::Remote, entry);
                continue;
            }
            let mut folder = self.folder_of(opened);
            let inline = patch::inline(entry, &mut folder).and_then(|documents| resources(&documents));
            let plugins = if let Ok(plugins) = inline {
                plugins
            } else {
                let mut named = Gathered::default();
                self.resource(opened, entry, &mut named)?;
                named.set.into_list()
            };
            for plugin in plugins {
                let is_known = plugins::apply(&plugin, &mut gathered.set).map_err(one)?;
                gathered.set.unite_twins();
                if !is_known {
                    gathered.unknown.push(Unknown {
                        kind: UnknownKind::Plugin,
                        name: format!("{} {}", plugin.kind(), plugin.name()),
                        spot: plugin.spot().or(entry.spot),
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads all patches, before any is applied.
    fn patches(&mut self, opened: &Opened, gathered: &mut Gathered) -> Result<Vec<LoadedPatch>, Halt> {
        let file = &opened.file;
        let mut folder = self.folder_of(opened);
        let mut loaded = Vec::new();
        let mut add = |patch: Patch, name: &WrittenText, is_late: bool| {
            loaded.push(LoadedPatch {
                patch,
                name: name.clone(),
                is_late,
            });
        };
        for entry in &file.strategic_patches {
            if !folder.is_elsewhere(entry) {
                add(patch::load_strategic(entry, &mut folder)?, entry, false);
            }
        }
        for entry in &file.patches {
            if entry.path.is_empty() || !folder.is_elsewhere(&entry.path) {
                let name = if entry.path.is_empty() {
                    &entry.patch
                } else {
                    &entry.path
                };
                add(patch::load(entry, &mut folder)?, name, false);
            }
        }
        for entry in &file.json_patches {
            if entry.path.is_empty() || !folder.is_elsewhere(&entry.path) {
                add(patch::load_json(entry, &mut folder)?, &entry.path, true);
            }
        }
        gathered.unknown.append(&mut folder.unknown);
        Ok(loaded)
    }

    /// The replacements of a build file, with those of the files that it names.
    fn replacements(&mut self, opened: &Opened, gathered: &mut Gathered) -> Result<Vec<Replacement>, Halt> {
        let mut folder = self.folder_of(opened);
        let mut found = Vec::new();
        for entry in &opened.file.replacements {
            if entry.path.is_empty() {
                found.push(entry.clone());
            } else if entry.source.is_some()
                || entry.targets.as_ref().is_some_and(|targets| !targets.is_empty())
            {
                let message = "a replacement has a `path`, or a source and targets";
                return Err(halt(RefusalKind::BadBuildFile, entry.spot, message));
            } else if !folder.is_elsewhere(&entry.path) {
                found.extend(configurations::replacements(&entry.path, &mut folder)?);
            }
        }
        gathered.unknown.append(&mut folder.unknown);
        Ok(found)
    }
}

/// A patch with its name.
struct LoadedPatch {
    patch: Patch,
    name: WrittenText,
    /// Whether it comes after names and labels.
    is_late: bool,
}

fn apply_patch(loaded: &LoadedPatch, gathered: &mut Gathered) -> Result<(), Halt> {
    if loaded.patch.apply(&mut gathered.set)? == Met::Nothing {
        let message = loaded.patch.missing(&gathered.set);
        no_match(gathered, &loaded.name, loaded.name.spot, message)?;
    }
    Ok(())
}
