//! The door: folders to objects.

use crate::build::{Build, Gathered};
use crate::files::Files;
use crate::finding::{Refusal, Unknown, UnknownKind};
use crate::finish::finish;
use crate::load::{Library, Reach};
use crate::node::{Datum, Spot};
use crate::resource::Resource;

/// Builds folders. What several of them include is read and built once.
pub struct Kustomizer<'f> {
    build: Build<'f>,
}

/// What a build of a folder gives.
#[derive(Debug, Clone, Default)]
pub struct BuiltFolder {
    /// The objects in kustomize's order; none when anything is refused.
    pub resources: Vec<Resource>,
    /// Why kustomize gives nothing. Several where several entries of one build file are wrong.
    pub refusals: Vec<Refusal>,
    /// What is left out because it cannot be known. If there is any, more objects may be there than these, and these may
    /// look otherwise.
    pub unknown: Vec<Unknown>,
}

impl<'f> Kustomizer<'f> {
    /// Builds folders of these files.
    pub fn new(files: &'f dyn Files, reach: Reach) -> Self {
        Self {
            build: Build::new(Library::new(files, reach)),
        }
    }

    /// Builds a folder, whose path is relative to the root of the files.
    pub fn build(&mut self, folder: &str) -> BuiltFolder {
        self.build_any(folder, None)
    }

    /// Builds a folder with another build file than its own, as Flux does, which adds to it or makes one. `build_file` may be
    /// put together from nodes of any files; see [`Kustomizer::read`].
    pub fn build_as(&mut self, folder: &str, build_file: &Datum) -> BuiltFolder {
        self.build_any(folder, Some(build_file))
    }

    fn build_any(&mut self, folder: &str, document: Option<&Datum>) -> BuiltFolder {
        let folder = folder.trim_matches('/');
        let gathered = self.build.folder(folder, document);
        let file = self.build.file_of(folder, document).unwrap_or_default();
        let finished = gathered.and_then(|gathered| {
            let Gathered {
                set,
                config,
                mut unknown,
            } = gathered;
            let resources = finish(set, &config, &file.order.unwrap_or_default(), folder)?;
            // Only that of the folder itself counts.
            unknown.extend(file.build_metadata.into_iter().map(|option| Unknown {
                kind: UnknownKind::BuildMetadata,
                name: option.value,
                spot: option.spot,
            }));
            Ok(BuiltFolder {
                resources,
                refusals: Vec::new(),
                unknown,
            })
        });
        finished.unwrap_or_else(|refusals| BuiltFolder {
            refusals,
            ..BuiltFolder::default()
        })
    }

    /// Reads the documents of a file, as nodes with their places; nothing if there is no such file or it is not YAML.
    pub fn read(&mut self, path: &str) -> Option<Vec<Datum>> {
        let file = self.build.library.load(path)?;
        let parsed = self.build.library.documents(&file);
        let documents = parsed.as_ref().as_ref().ok()?;
        Some(documents.iter().map(|document| (**document).clone()).collect())
    }

    /// Returns the path of the file that a place is in.
    pub fn path(&self, spot: Spot) -> &str {
        let names = &self.build.library.names;
        usize::try_from(spot.file)
            .ok()
            .and_then(|number| names.get(number))
            .map_or("", String::as_str)
    }
}
