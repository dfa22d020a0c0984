//! The output: artifacts by path, in a tree that carries its stage in its type.

mod path;

use std::collections::BTreeMap;
use std::ops::Range;

pub use path::{KUSTOMIZATIONS, PathError, RepoPath, bare_repository};

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

/// A place that a person and the render changed, each in their own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The way to it, such as `spec.values.env[LOG_LEVEL]`; empty for a whole file.
    pub place: String,
    /// Whether its values are not told, for the file may hold secrets: then they are not here either.
    pub hidden: bool,
    /// What stood there at the last run; `None` where nothing stood.
    pub base: Option<String>,
    /// What a person made of it; `None` for deleted.
    pub yours: Option<String>,
    /// What is rendered now; `None` for no longer rendered.
    pub render: Option<String>,
    /// Where yours stands in the edited file.
    pub span: Option<Range<usize>>,
}

impl Conflict {
    /// Leaves only the place.
    #[must_use]
    pub fn hide(self) -> Self {
        Self {
            place: self.place,
            hidden: true,
            base: None,
            yours: None,
            render: None,
            span: None,
        }
    }
}

/// What became of a person's edits in a file of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Edits {
    /// There are none.
    #[default]
    None,
    /// The artifact's text holds them.
    Merged {
        /// The render without them.
        render: String,
    },
    /// They contradict the render, which is the artifact's text.
    Conflicts(Vec<Conflict>),
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
    /// What a person changed in it.
    pub edits: Edits,
    /// Where it was rendered to before, if its template moved and took a person's edits along.
    pub moved_from: Option<RepoPath>,
}

impl Artifact {
    /// Returns a file that nobody has edited.
    pub fn new(path: RepoPath, text: String, origin: Origin) -> Self {
        Self {
            path,
            text,
            origin,
            edits: Edits::None,
            moved_from: None,
        }
    }

    /// Returns the text without a person's edits.
    pub fn render(&self) -> &str {
        match &self.edits {
            Edits::Merged { render } => render,
            Edits::None | Edits::Conflicts(_) => &self.text,
        }
    }

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
