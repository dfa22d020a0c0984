//! The tree as rules see it: Kubernetes objects, Flux Kustomizations with their effective namespaces, and which files
//! kustomize reaches.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use yaml::Node;

use super::ADDED;
use super::helm::Release;
use super::kinds::{self, Report};
use super::placed::Placed;
use crate::render::Documents;
use crate::tree::{KUSTOMIZATIONS, RepoPath};

/// API group of Flux's Kustomization.
const FLUX_GROUP: &str = "kustomize.toolkit.fluxcd.io/";
/// API group of kustomize's own files.
const KUSTOMIZE_GROUP: &str = "kustomize.config.k8s.io/";

/// A Kubernetes object, or a kustomize file.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// The file.
    pub path: &'a RepoPath,
    /// The document.
    pub node: &'a Node,
    /// `apiVersion`.
    pub api_version: &'a str,
    /// `kind`.
    pub kind: &'a str,
    /// `metadata.name`, empty without one.
    pub name: &'a str,
}

impl<'a> Object<'a> {
    /// Reads a document, if it is an object.
    pub fn new(path: &'a RepoPath, node: &'a Node) -> Option<Self> {
        Some(Self {
            path,
            node,
            api_version: node.get("apiVersion")?.as_str()?,
            kind: node.get("kind")?.as_str()?,
            name: node.str_at(&["metadata", "name"]).unwrap_or_default(),
        })
    }

    /// Returns the API group, empty for the core group.
    pub fn group(&self) -> &'a str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    fn is_kustomize_file(&self) -> bool {
        self.api_version.starts_with(KUSTOMIZE_GROUP)
    }
}

/// A Flux Kustomization.
#[derive(Debug)]
pub struct FluxKustomization<'a> {
    /// The object.
    pub object: Object<'a>,
    /// Where the object lives: the `namespace:` of the kustomization.yaml that includes it wins over its own.
    pub namespace: &'a str,
    /// The folder it applies, without `./`; empty when it has none.
    pub path: String,
}

impl<'a> FluxKustomization<'a> {
    /// Returns what tells it from all others: namespace and name.
    pub fn id(&self) -> (&'a str, &'a str) {
        (self.namespace, self.object.name)
    }

    /// Returns the entries of `spec.dependsOn`.
    pub fn edges(&self) -> &'a [Node] {
        let edges = self.object.node.path(&["spec", "dependsOn"]);
        edges.map(Node::items).unwrap_or_default()
    }
}

/// All objects of a tree.
#[derive(Debug)]
pub struct Manifests<'a> {
    /// Objects in path order, kustomize files left out.
    pub objects: Vec<Object<'a>>,
    /// Flux Kustomizations in path order.
    pub kustomizations: Vec<FluxKustomization<'a>>,
    /// Helm releases in path order.
    pub releases: Vec<Release<'a>>,
    /// File → index of the Kustomization that applies it.
    owners: BTreeMap<String, usize>,
    /// File → the `namespace:` of the kustomization.yaml that lists it.
    namespaces: BTreeMap<RepoPath, &'a str>,
    pub(super) placed: OnceCell<Vec<Placed<'a>>>,
    documents: &'a Documents,
    texts: &'a BTreeMap<&'a RepoPath, (&'a str, &'a str)>,
    kinds: OnceCell<Report>,
}

impl<'a> Manifests<'a> {
    /// Reads the objects of parsed files; `texts` gives each file's text and app.
    pub fn new(documents: &'a Documents, texts: &'a BTreeMap<&'a RepoPath, (&'a str, &'a str)>) -> Self {
        let all: Vec<Object<'a>> = documents
            .iter()
            .flat_map(|(path, nodes)| nodes.iter().filter_map(move |node| Object::new(path, node)))
            .collect();
        let namespaces = transformer_namespaces(documents);
        let kustomizations = all
            .iter()
            .filter(|object| object.kind == "Kustomization" && object.api_version.starts_with(FLUX_GROUP))
            .map(|object| FluxKustomization {
                object: *object,
                namespace: namespaces
                    .get(object.path)
                    .copied()
                    .or_else(|| object.node.str_at(&["metadata", "namespace"]))
                    .unwrap_or_default(),
                path: trim_dots(object.node.str_at(&["spec", "path"]).unwrap_or_default()),
            })
            .collect();
        let objects = all
            .into_iter()
            .filter(|object| !object.is_kustomize_file())
            .collect();
        let mut manifests = Self {
            objects,
            kustomizations,
            releases: Vec::new(),
            owners: BTreeMap::new(),
            namespaces,
            placed: OnceCell::new(),
            documents,
            texts,
            kinds: OnceCell::new(),
        };
        manifests.owners = manifests.find_owners();
        manifests.releases = Release::all(&manifests);
        manifests
    }

    /// Returns the Kustomization that applies an object; of several, the one with the longest path.
    pub fn owner(&self, object: &Object<'_>) -> Option<&FluxKustomization<'a>> {
        self.owners
            .get(object.path.as_str())
            .map(|index| &self.kustomizations[*index])
    }

    /// Returns the namespace that an object lands in: the `targetNamespace` of its Kustomization, else the `namespace:`
    /// of the kustomization.yaml that lists it, else its own, else that of its Kustomization.
    pub fn namespace_of(&self, object: &Object<'a>) -> &'a str {
        let owner = self.owner(object);
        owner
            .and_then(|owner| owner.object.node.str_at(&["spec", "targetNamespace"]))
            .or_else(|| self.namespaces.get(object.path).copied())
            .or_else(|| object.node.str_at(&["metadata", "namespace"]))
            .or_else(|| owner.map(|owner| owner.namespace))
            .unwrap_or_default()
    }

    /// Returns the Helm releases of a chart.
    pub fn releases_of(&self, chart: &str) -> impl Iterator<Item = &Release<'a>> {
        self.releases.iter().filter(move |release| release.chart == chart)
    }

    /// Returns the Kustomization with a name in a namespace.
    pub fn kustomization(&self, namespace: &str, name: &str) -> Option<&FluxKustomization<'a>> {
        self.kustomizations.iter().find(|k| k.id() == (namespace, name))
    }

    /// Returns the Kustomizations that one waits for directly, as far as they exist.
    pub fn dependencies(&self, kustomization: &FluxKustomization<'a>) -> Vec<&FluxKustomization<'a>> {
        let edges = kustomization.edges().iter();
        edges
            .filter_map(|edge| {
                let namespace = edge.get("namespace").and_then(Node::as_str);
                self.kustomization(
                    namespace.unwrap_or(kustomization.namespace),
                    edge.get("name")?.as_str()?,
                )
            })
            .collect()
    }

    /// Returns whether a Kustomization waits for another, directly or through others. An entry with the right name and
    /// a wrong namespace counts: that is for `dangling-depends-on` to find.
    pub fn waits_for(&self, kustomization: &FluxKustomization<'a>, target: &FluxKustomization<'_>) -> bool {
        let name = target.object.name;
        if kustomization
            .edges()
            .iter()
            .any(|edge| edge.str_at(&["name"]) == Some(name))
        {
            return true;
        }
        let mut seen = BTreeSet::new();
        let mut open = self.dependencies(kustomization);
        while let Some(next) = open.pop() {
            if next.id() == target.id() {
                return true;
            }
            if seen.insert(next.id()) {
                open.extend(self.dependencies(next));
            }
        }
        false
    }

    fn find_owners(&self) -> BTreeMap<String, usize> {
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        for (index, kustomization) in self.kustomizations.iter().enumerate() {
            if kustomization.path.is_empty() {
                continue;
            }
            for object in self.applied_by(kustomization) {
                let owner = owners.entry(object.path.as_str().to_owned()).or_insert(index);
                if self.kustomizations[*owner].path.len() < kustomization.path.len() {
                    *owner = index;
                }
            }
        }
        owners
    }

    /// Returns what the schemas of the objects' kinds say; they are read once, when the first rule asks.
    pub fn kinds(&self) -> &Report {
        self.kinds.get_or_init(|| kinds::report(self))
    }

    /// Returns the text of a file.
    pub fn text(&self, path: &RepoPath) -> &'a str {
        self.texts.get(path).map(|(text, _)| *text).unwrap_or_default()
    }

    /// Returns whether a file is one that people have added, which is not written anew.
    pub fn is_added(&self, path: &RepoPath) -> bool {
        self.texts.get(path).is_some_and(|(_, app)| *app == ADDED)
    }

    /// Returns the documents of a file, nothing for one that is not rendered.
    pub fn documents(&self, path: &str) -> &'a [Node] {
        RepoPath::parse(path)
            .ok()
            .and_then(|path| self.documents.get(&path))
            .map(|nodes| nodes.as_slice())
            .unwrap_or_default()
    }

    /// Returns whether a file is there: rendered, or somebody else's that a rendered one includes.
    pub fn exists(&self, path: &str) -> bool {
        RepoPath::parse(path).is_ok_and(|path| self.texts.contains_key(&path))
    }

    /// Returns the documents of the file that kustomize reads in a folder; `None` for a folder without one.
    pub fn kustomize_documents(&self, folder: &str) -> Option<&'a [Node]> {
        let file = RepoPath::parse(&self.kustomize_file(folder)).ok()?;
        self.documents.get(&file).map(|nodes| nodes.as_slice())
    }

    /// Returns the name of that file: the usual one for a folder without.
    pub fn kustomize_file(&self, folder: &str) -> String {
        let files = || KUSTOMIZATIONS.iter().map(|name| format!("{folder}/{name}"));
        let there = files().find(|file| self.exists(file));
        there.unwrap_or_else(|| format!("{folder}/{}", KUSTOMIZATIONS[0]))
    }

    /// Returns the parsed files.
    pub fn files(&self) -> impl Iterator<Item = (&'a RepoPath, &'a [Node])> {
        self.documents
            .iter()
            .map(|(path, nodes)| (path, nodes.as_slice()))
    }

    /// Returns the objects that a Kustomization applies: what the `kustomization.yaml` of its folder reaches, or
    /// everything below the folder when it has none.
    pub fn applied_by(&self, kustomization: &FluxKustomization<'_>) -> Vec<&Object<'a>> {
        let folder = &kustomization.path;
        let has_file = self.kustomize_documents(folder).is_some();
        let reached = if has_file {
            self.reached_from(folder)
        } else {
            BTreeSet::new()
        };
        let prefix = format!("{folder}/");
        let applied = |path: &str| {
            if has_file {
                reached.contains(path)
            } else {
                path.starts_with(&prefix)
            }
        };
        self.objects
            .iter()
            .filter(|object| applied(object.path.as_str()))
            .collect()
    }

    /// Returns every file that kustomize reads when it builds a folder.
    pub fn reached_from(&self, folder: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![folder.trim_end_matches('/').to_owned()];
        while let Some(next) = open.pop() {
            let file = if is_yaml(&next) {
                next
            } else {
                self.kustomize_file(&next)
            };
            if !reached.insert(file.clone()) {
                continue;
            }
            let Ok(path) = RepoPath::parse(&file) else {
                continue;
            };
            if !path.is_kustomization() {
                continue;
            }
            for node in self
                .documents
                .get(&path)
                .into_iter()
                .flat_map(|nodes| nodes.iter())
            {
                for key in ["resources", "components", "bases"] {
                    let items = node.get(key).map(Node::items).unwrap_or_default();
                    open.extend(
                        items
                            .iter()
                            .filter_map(|item| join(path.parent(), item.as_str()?)),
                    );
                }
            }
        }
        reached
    }
}

/// File → the `namespace:` of the kustomization.yaml that lists it.
fn transformer_namespaces(documents: &Documents) -> BTreeMap<RepoPath, &str> {
    let mut found = BTreeMap::new();
    for (path, nodes) in documents.iter().filter(|(path, _)| path.is_kustomization()) {
        for node in nodes.iter() {
            let Some(namespace) = node.get("namespace").and_then(Node::as_str) else {
                continue;
            };
            for item in node.get("resources").map(Node::items).unwrap_or_default() {
                let target = item.as_str().and_then(|item| join(path.parent(), item));
                if let Some(target) = target.and_then(|target| RepoPath::parse(&target).ok()) {
                    found.insert(target, namespace);
                }
            }
        }
    }
    found
}

/// Returns the path that a kustomize file in a folder means; nothing for a URL.
pub(super) fn join(folder: &str, relative: &str) -> Option<String> {
    if relative.contains("://") {
        return None;
    }
    RepoPath::parse(format!("{folder}/{relative}").trim_start_matches('/'))
        .ok()
        .map(|path| path.as_str().to_owned())
}

fn trim_dots(path: &str) -> String {
    RepoPath::parse(path)
        .map(|path| path.as_str().to_owned())
        .unwrap_or_default()
}

fn is_yaml(path: &str) -> bool {
    RepoPath::parse(path).is_ok_and(|path| path.is_yaml())
}
