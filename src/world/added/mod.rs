//! What people have added to the tree by hand: apps in folders of their own, with the files that belong to them.
//!
//! Nothing here is ever written or decrypted; files are read as YAML, so that rules and the graph see them. An app
//! counts as added by hand when its `ks.yaml` is not in the lock.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use yaml::Node;

use crate::diag::{Diagnostic, Diagnostics};
use crate::tree::{APPS_ROOT, KUSTOMIZATIONS, RepoPath};

pub use read::read;

/// API group of Flux's Kustomization.
const FLUX_GROUP: &str = "kustomize.toolkit.fluxcd.io/";
/// The file of an app's Flux Kustomizations.
const KS: &str = "ks.yaml";

/// A file that is not ours.
#[derive(Debug, Clone)]
pub struct AddedFile {
    /// Its text; empty for a file that is no text.
    pub text: String,
    /// Its documents, for a YAML file.
    pub documents: Vec<Node>,
}

/// What people have added: folders with a `ks.yaml` or `kustomization.yaml` that is not ours, and their files.
#[derive(Debug, Default, Clone)]
pub struct Added {
    /// Namespace → apps with a `ks.yaml`.
    pub apps: BTreeMap<String, BTreeSet<String>>,
    /// Namespaces with a `kustomization.yaml` that is not ours.
    pub namespaces: BTreeSet<String>,
    /// Every file of theirs.
    pub files: BTreeMap<RepoPath, AddedFile>,
    findings: Vec<Diagnostic>,
}

/// A Flux Kustomization of an app that was added by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedKustomization {
    /// Where the object lives.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Namespace and name of what it waits for.
    pub depends_on: Vec<(String, String)>,
}

impl Added {
    /// Reports what is wrong with files that could not be read, and with folders that nothing applies.
    pub fn report(&self, diags: &mut Diagnostics) {
        self.findings
            .iter()
            .for_each(|finding| diags.push(finding.clone()));
    }

    /// Returns the Flux Kustomizations of apps added by hand, in the order of their files.
    pub fn kustomizations(&self) -> Vec<AddedKustomization> {
        let mut found = Vec::new();
        for (namespace, apps) in &self.apps {
            let transformer = self.transformer(namespace);
            for app in apps {
                let Some(ks) = path(&format!("{namespace}/{app}/{KS}")) else {
                    continue;
                };
                let documents = self.files.get(&ks).map(|file| file.documents.as_slice());
                for node in documents.unwrap_or_default().iter().filter(|node| is_flux(node)) {
                    let own = node.str_at(&["metadata", "namespace"]).unwrap_or(namespace);
                    found.extend(kustomization(node, transformer.unwrap_or(own)));
                }
            }
        }
        found
    }

    /// The namespace that the namespace's `kustomization.yaml` gives to what it lists; ours gives its own.
    fn transformer<'f>(&'f self, namespace: &'f str) -> Option<&'f str> {
        let mut files = KUSTOMIZATIONS
            .iter()
            .filter_map(|name| path(&format!("{namespace}/{name}")));
        match files.find_map(|file| self.files.get(&file)) {
            Some(file) => file.documents.first()?.str_at(&["namespace"]),
            None => Some(namespace),
        }
    }

    /// Returns the files of a namespace's folder that hold a `Namespace` object.
    pub fn namespace_files<'f>(&'f self, namespace: &str) -> impl Iterator<Item = &'f RepoPath> {
        let folder = format!("{APPS_ROOT}/{namespace}");
        let is_namespace = |node: &Node| node.str_at(&["kind"]) == Some("Namespace");
        self.files
            .iter()
            .filter(move |(path, file)| path.parent() == folder && file.documents.iter().any(is_namespace))
            .map(|(path, _)| path)
    }
}

fn kustomization(node: &Node, namespace: &str) -> Option<AddedKustomization> {
    let edges = node.path(&["spec", "dependsOn"]).map(Node::items);
    let edge = |edge: &Node| {
        let to = edge.str_at(&["namespace"]).unwrap_or(namespace);
        Some((to.to_owned(), edge.str_at(&["name"])?.to_owned()))
    };
    Some(AddedKustomization {
        namespace: namespace.to_owned(),
        name: node.str_at(&["metadata", "name"])?.to_owned(),
        depends_on: edges.unwrap_or_default().iter().filter_map(edge).collect(),
    })
}

fn is_flux(node: &Node) -> bool {
    node.str_at(&["kind"]) == Some("Kustomization")
        && node
            .str_at(&["apiVersion"])
            .is_some_and(|version| version.starts_with(FLUX_GROUP))
}

/// A path below the folder of all apps.
fn path(below: &str) -> Option<RepoPath> {
    RepoPath::parse(&format!("{APPS_ROOT}/{below}")).ok()
}
