//! The output: artifacts by path, in a tree that carries its stage in its type.

mod path;

use std::collections::BTreeMap;

pub use path::{PathError, RepoPath};

/// Why an artifact exists: which app, which template, which config key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// `namespace/app`, or `repo` for files that belong to no app.
    pub app: String,
    /// The template, relative to the library; `None` for generated files.
    pub template: Option<String>,
    /// The config keys that switched the app on; empty when it is always on.
    pub reason: Vec<String>,
}

/// One file of the output.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Where it goes.
    pub path: RepoPath,
    /// Its text; in a tree that is not sealed yet, secrets stand as tokens.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl Artifact {
    /// Returns whether the file is one that SOPS encrypts, by its name.
    pub fn is_sops(&self) -> bool {
        self.path.is_sops()
    }
}

/// The output set. `S` is the stage that made it; only the owning stage can make its marker, so a tree moves
/// forward only through the stages.
#[derive(Debug)]
pub struct Tree<S> {
    artifacts: BTreeMap<RepoPath, Artifact>,
    stage: S,
}

impl<S> Tree<S> {
    /// Builds a tree for a stage. Needs the stage's marker, which only that stage can make.
    pub fn new(artifacts: BTreeMap<RepoPath, Artifact>, stage: S) -> Self {
        Self { artifacts, stage }
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
        self.artifacts.values()
    }

    /// Returns the artifact at `path`.
    pub fn get(&self, path: &RepoPath) -> Option<&Artifact> {
        self.artifacts.get(path)
    }

    /// Returns how many artifacts there are.
    pub fn len(&self) -> usize {
        self.artifacts.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.artifacts.is_empty()
    }

    /// Takes the tree apart.
    pub(crate) fn into_parts(self) -> (BTreeMap<RepoPath, Artifact>, S) {
        (self.artifacts, self.stage)
    }

    /// Returns what the stage added.
    pub fn stage(&self) -> &S {
        &self.stage
    }
}
