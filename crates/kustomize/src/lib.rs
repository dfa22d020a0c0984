//! Folders of manifests built as kustomize builds them: from files to objects, without a file system, without running anything,
//! and with the place that every value was written at.
//!
//! ```
//! use std::collections::BTreeMap;
//! use kustomize::{Kustomizer, Reach};
//!
//! let mut files = BTreeMap::new();
//! let mut file = |path: &str, text: &str| files.insert(path.to_owned(), text.as_bytes().to_vec());
//! file("apps/kustomization.yaml", "namespace: media\nresources: [./app.yaml]\nimages: [{name: app, newTag: v2}]\n");
//! file("apps/app.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: app, image: app:v1}]}\n");
//!
//! let mut kustomizer = Kustomizer::new(&files, Reach::Folder);
//! let built = kustomizer.build("apps");
//! assert!(built.refusals.is_empty() && built.unknown.is_empty());
//! let pod = &built.resources[0];
//! assert_eq!((pod.kind(), pod.name(), pod.namespace()), ("Pod", "app", "media"));
//!
//! // The tag comes from the build file, the name of the container from the manifest.
//! let container = &pod.data().path(&["spec", "containers"]).expect("there").items()[0];
//! let written = |key: &str| {
//!     let spot = container.get(key).expect("there").spot.expect("written somewhere");
//!     let path = kustomizer.path(spot);
//!     let text = std::str::from_utf8(&files[path]).expect("UTF-8");
//!     (path, &text[spot.start as usize..spot.end as usize])
//! };
//! assert_eq!(container.get("image").and_then(|image| image.as_text()), Some("app:v2"));
//! assert_eq!(written("image"), ("apps/kustomization.yaml", "v2"));
//! assert_eq!(written("name"), ("apps/app.yaml", "app"));
//! ```
//!
//! What kustomize refuses is a [`Refusal`] with its place, and there are no objects then, as kustomize gives none. What nobody can
//! know from the files alone (other repositories, charts, programs) is an [`Unknown`]: the rest is built without it, and nothing is
//! called missing that could be there.
//!
//! # The parts
//!
//! - `files`, `load`: what is read, and what may be; `node`: values with their places; `build_file`: what a build file can say;
//! - `build`: the way of a folder; `generate`, `patch`, `transform`, `plugins`, `references`, `hash`, `order`: its steps;
//! - `config`, `tables`: which fields the steps change; `id`, `resource`, `set`, `select`: objects and how they are found.
//!
//! The judge is kustomize 5.7: `tests/conformance/build.sh` compares generated trees.

mod build;
mod build_file;
mod config;
mod configurations;
mod field_spec;
mod files;
mod finding;
mod finish;
mod generate;
mod hash;
mod id;
mod kustomizer;
mod load;
mod manifests;
mod node;
mod order;
mod patch;
mod plugins;
mod references;
mod resource;
mod select;
mod set;
mod transform;

pub use files::Files;
pub use finding::{Refusal, RefusalKind, Unknown, UnknownKind};
pub use kustomizer::{BuiltFolder, Kustomizer};
pub use load::Reach;
pub use node::{Content, Datum, Field, Misfit, Quoting, Scalar, Spot, Tag};
pub use resource::Resource;
