//! The marker of a rendered tree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use yaml::Node;

use crate::tree::{Artifact, RepoPath, Tree};

/// The documents of YAML files, by path; copies share them.
pub type Documents = BTreeMap<RepoPath, Arc<Vec<Node>>>;

/// Marks a tree with secrets as tokens, and carries the parsed documents of its YAML files. Only this stage makes one.
#[derive(Debug, Clone)]
pub struct Rendered {
    documents: Documents,
    added: BTreeMap<RepoPath, String>,
    own: BTreeSet<String>,
}

impl Rendered {
    /// Marks what was rendered. The documents of `added`, the files that people have added, are among `documents`.
    pub(super) fn new(documents: Documents, added: BTreeMap<RepoPath, String>) -> Self {
        let own = BTreeSet::new();
        Self {
            documents,
            added,
            own,
        }
    }

    /// Names the templates and manifests that are the repository's own.
    pub(super) fn with_own(mut self, own: BTreeSet<String>) -> Self {
        self.own = own;
        self
    }

    /// Returns the templates that are the repository's own, as [`crate::tree::Origin::template`] names them, and the
    /// manifests of its apps. In a tree of other templates than the catalogue's all are.
    pub fn own(&self) -> &BTreeSet<String> {
        &self.own
    }

    /// Returns the documents of each YAML file, those of files that people have added included.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Returns the texts of files that people have added.
    pub fn added(&self) -> &BTreeMap<RepoPath, String> {
        &self.added
    }

    /// Replaces the documents of a file, whose text has changed.
    pub(crate) fn put(&mut self, path: RepoPath, documents: Vec<Node>) {
        self.documents.insert(path, Arc::new(documents));
    }

    /// Gives the documents on to the next stage.
    pub(crate) fn into_documents(self) -> Documents {
        self.documents
    }
}

/// Makes a tree of files that other templates than the catalogue's gave. YAML that is none goes to `broken`, and has no
/// documents: it may be a template of somebody else.
pub fn of_files(
    files: impl IntoIterator<Item = Artifact>,
    added: BTreeMap<RepoPath, String>,
    mut broken: impl FnMut(&Artifact, yaml::ParseError),
) -> Tree<Rendered> {
    let mut documents = Documents::new();
    let files: Vec<Artifact> = files.into_iter().collect();
    for artifact in files.iter().filter(|artifact| artifact.path.is_yaml()) {
        match yaml::parse(artifact.text()) {
            Ok(parsed) => {
                documents.insert(artifact.path.clone(), Arc::new(parsed));
            }
            Err(error) => broken(artifact, error),
        }
    }
    let own = BTreeSet::new();
    let marker = Rendered {
        documents,
        added,
        own,
    };
    Tree::new(files, marker)
}
