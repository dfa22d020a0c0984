//! Where objects end up: which Flux Kustomization applies each, and in which namespace.

use std::collections::BTreeMap;

use yaml::Node;

use super::manifests::{Manifests, Object, join};
use crate::tree::APPS_ROOT;

/// How deep kustomize files may include each other before we stop following.
const MAX_DEPTH: usize = 32;

/// An object as it arrives in the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// The object.
    pub object: Object<'a>,
    /// Its namespace; empty when nothing says. The `targetNamespace` of the Kustomization wins over the outermost
    /// `namespace:` of the kustomize files, and that over its own.
    pub namespace: &'a str,
    /// Index of the Flux Kustomization that applies it, nothing when none that is rendered does.
    pub by: Option<usize>,
    /// Whether the root or a Kustomization reaches it.
    pub reached: bool,
}

impl<'a> Manifests<'a> {
    /// Returns every object once for each time it is applied; those that nothing reaches come last, in the namespace
    /// that they name themselves.
    pub fn placed(&self) -> &[Placed<'a>] {
        self.placed.get_or_init(|| place(self))
    }

    /// Returns the reached objects of a kind.
    pub fn reached_of<'s>(&'s self, kinds: &'s [&str]) -> impl Iterator<Item = &'s Placed<'a>> {
        self.placed()
            .iter()
            .filter(|placed| placed.reached && kinds.contains(&placed.object.kind))
    }
}

/// Follows kustomize files from one folder.
struct Build<'m, 'a> {
    manifests: &'m Manifests<'a>,
    by_path: &'m BTreeMap<&'a str, Vec<Object<'a>>>,
    /// Index of the Kustomization and its `targetNamespace`.
    by: Option<usize>,
    target: Option<&'a str>,
}

fn place<'a>(manifests: &Manifests<'a>) -> Vec<Placed<'a>> {
    let mut by_path: BTreeMap<&str, Vec<Object<'a>>> = BTreeMap::new();
    for object in &manifests.objects {
        by_path.entry(object.path.as_str()).or_default().push(*object);
    }
    let mut out = Vec::with_capacity(manifests.objects.len());
    let mut build = Build {
        manifests,
        by_path: &by_path,
        by: None,
        target: None,
    };
    if manifests.kustomizations.iter().all(|k| k.path != APPS_ROOT) {
        build.folder(APPS_ROOT, None, 0, &mut out);
    }
    for (index, kustomization) in manifests.kustomizations.iter().enumerate() {
        if kustomization.path.is_empty() {
            continue;
        }
        build.by = Some(index);
        build.target = kustomization.object.node.str_at(&["spec", "targetNamespace"]);
        if manifests
            .kustomize_documents(&kustomization.path)
            .is_none_or(<[_]>::is_empty)
        {
            let prefix = format!("{}/", kustomization.path);
            for (path, _) in by_path.iter().filter(|(path, _)| path.starts_with(&prefix)) {
                build.file(path, None, &mut out);
            }
        } else {
            build.folder(&kustomization.path, None, 0, &mut out);
        }
    }
    let rest: Vec<Placed<'a>> = manifests
        .objects
        .iter()
        .filter(|object| {
            !out.iter()
                .any(|placed| std::ptr::eq(placed.object.node, object.node))
        })
        .map(|object| Placed {
            object: *object,
            namespace: own_namespace(object),
            by: None,
            reached: false,
        })
        .collect();
    out.extend(rest);
    out
}

impl<'a> Build<'_, 'a> {
    fn folder(&self, folder: &str, outer: Option<&'a str>, depth: usize, out: &mut Vec<Placed<'a>>) {
        if depth > MAX_DEPTH {
            return;
        }
        for node in self.manifests.kustomize_documents(folder).unwrap_or_default() {
            let namespace = outer.or_else(|| node.str_at(&["namespace"]));
            for key in ["resources", "components", "bases"] {
                for item in node.get(key).map(Node::items).unwrap_or_default() {
                    let Some(path) = item.as_str().and_then(|item| join(folder, item)) else {
                        continue;
                    };
                    if self.by_path.contains_key(path.as_str()) {
                        self.file(&path, namespace, out);
                    } else {
                        self.folder(&path, namespace, depth + 1, out);
                    }
                }
            }
        }
    }

    fn file(&self, path: &str, outer: Option<&'a str>, out: &mut Vec<Placed<'a>>) {
        out.extend(self.by_path.get(path).into_iter().flatten().map(|object| Placed {
            object: *object,
            namespace: self.target.or(outer).unwrap_or_else(|| own_namespace(object)),
            by: self.by,
            reached: true,
        }));
    }
}

fn own_namespace<'a>(object: &Object<'a>) -> &'a str {
    object.node.str_at(&["metadata", "namespace"]).unwrap_or_default()
}
