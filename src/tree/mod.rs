//! The output: artifacts by path, in a tree that carries its stage in its type.

mod path;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use path::{KUSTOMIZATIONS, PathError, RepoPath, bare_repository, is_sops_name};
pub use text::{Conflict, Text};

/// The folder of all apps in the output.
pub const APPS_ROOT: &str = "kubernetes/apps";
/// The origin of files that belong to no app.
pub const REPO_ORIGIN: &str = "repo";
/// The origin of every file of raw mode.
pub const RAW_ORIGIN: &str = "raw";

/// Why an artifact exists: which app, which template, which config key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// `namespace/app`, [`REPO_ORIGIN`] or [`RAW_ORIGIN`].
    pub app: String,
    /// The template, relative to the library; `None` for generated files.
    pub template: Option<String>,
    /// The config keys that switched the app on; empty when it is always on.
    pub reason: Vec<String>,
    /// What tells this version of the template from another, in hex; for generated files that of the app's manifest.
    #[serde(skip)]
    pub fingerprint: Option<String>,
}

/// One file of the output.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Where it goes.
    pub path: RepoPath,
    /// What stands in it, and what of that a person wrote.
    pub content: Text,
    /// Where it comes from.
    pub origin: Origin,
}

impl Artifact {
    /// Returns a file that nobody has edited.
    pub fn new(path: RepoPath, text: String, origin: Origin) -> Self {
        Self {
            path,
            content: Text::Rendered(text),
            origin,
        }
    }

    /// Returns the text that stands in the tree: with a person's edits where they are merged, else the render.
    pub fn text(&self) -> &str {
        self.content.as_str()
    }

    /// Returns the text without a person's edits.
    pub fn render(&self) -> &str {
        self.content.render()
    }

    /// Returns whether the text holds a person's edits.
    pub fn is_edited(&self) -> bool {
        matches!(self.content, Text::Edited { .. })
    }

    /// Returns whether the file is one that SOPS encrypts, by its name.
    pub fn is_sops(&self) -> bool {
        self.path.is_sops()
    }
}

/// The output set. `S` is the stage that made it: only that stage can make its marker, so a tree moves forward only
/// through the stages. A copy shares what neither changes.
#[derive(Debug, Clone)]
pub struct Tree<S> {
    artifacts: BTreeMap<RepoPath, Arc<Artifact>>,
    stage: S,
}

impl<S> Tree<S> {
    /// Builds a tree for a stage. Needs the stage's marker, which only that stage can make.
    pub fn new(artifacts: impl IntoIterator<Item = Artifact>, stage: S) -> Self {
        let artifacts = artifacts.into_iter();
        Self {
            artifacts: artifacts
                .map(|artifact| (artifact.path.clone(), Arc::new(artifact)))
                .collect(),
            stage,
        }
    }

    /// Moves the tree to the next stage.
    pub(crate) fn map_stage<T>(self, next: impl FnOnce(S) -> T) -> Tree<T> {
        Tree {
            artifacts: self.artifacts,
            stage: next(self.stage),
        }
    }

    /// Returns the artifacts, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &Artifact> {
        self.artifacts.values().map(AsRef::as_ref)
    }

    /// Returns the artifact at `path`.
    pub fn get(&self, path: &RepoPath) -> Option<&Artifact> {
        self.artifacts.get(path).map(AsRef::as_ref)
    }

    /// Replaces what stands in the artifact at `path`, if there is one.
    pub(crate) fn put(&mut self, path: &RepoPath, content: Text) {
        if let Some(artifact) = self.artifacts.get_mut(path) {
            Arc::make_mut(artifact).content = content;
        }
    }

    /// Returns how many artifacts there are.
    pub fn len(&self) -> usize {
        self.artifacts.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.artifacts.is_empty()
    }

    /// Returns what the stage added.
    pub fn stage(&self) -> &S {
        &self.stage
    }

    /// Returns what the stage added, to change it.
    pub(crate) fn stage_mut(&mut self) -> &mut S {
        &mut self.stage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_a_tree_is_not_changed_with_it() {
        let path = RepoPath::parse("a.yaml").expect("a path");
        let origin = Origin {
            app: "media/x".to_owned(),
            template: None,
            reason: Vec::new(),
            fingerprint: None,
        };
        let mut tree = Tree::new([Artifact::new(path.clone(), "before".to_owned(), origin)], ());
        let copy = tree.clone();
        tree.put(&path, Text::Rendered("after".to_owned()));
        let text = |tree: &Tree<()>| tree.get(&path).map(|artifact| artifact.text().to_owned());
        assert_eq!(text(&tree).as_deref(), Some("after"));
        assert_eq!(text(&copy).as_deref(), Some("before"));
    }
}
