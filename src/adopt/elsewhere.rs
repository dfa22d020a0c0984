//! The same object in a person's file and in one of ours at another path: an app in another folder or namespace.

use std::collections::BTreeMap;

use yaml::Node;

use super::beside::namespace_of;
use crate::diag::Diagnostic;
use crate::seal::Sealed;
use crate::sys::root::{Root, limits};
use crate::tree::{RepoPath, Tree};

/// The kinds that stand for an app, with their API groups.
const KINDS: [(&str, &str); 2] = [
    ("helm.toolkit.fluxcd.io/", "HelmRelease"),
    ("kustomize.toolkit.fluxcd.io/", "Kustomization"),
];

/// An object that lives in another place than ours.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Elsewhere {
    /// `HelmRelease` or `Kustomization`.
    pub kind: &'static str,
    /// `metadata.name`, the same on both sides.
    pub name: String,
    /// The namespace on the person's side, by the object itself or by its folder; empty when nothing says.
    pub namespace: String,
    /// The person's file.
    pub path: RepoPath,
    /// The namespace of ours.
    pub our_namespace: String,
    /// Where ours is rendered to.
    pub our_path: RepoPath,
    /// Whether a file stands there already.
    pub both: bool,
    /// The app that ours belongs to.
    pub app: String,
    /// The config keys that switch ours on; none when it is always on.
    pub reason: Vec<String>,
}

impl Elsewhere {
    /// Returns what it means and what to do.
    pub fn finding(&self) -> Diagnostic {
        let (kind, name, path, our_path) = (self.kind, &self.name, &self.path, &self.our_path);
        let message = format!("your {kind} `{name}` lives at `{path}`; ours renders to `{our_path}`");
        let finding = Diagnostic::warning("adopt/elsewhere", message).in_file(path.as_str());
        let finding = if self.namespace == self.our_namespace {
            finding.note("both in the tree would fight over the same object in the cluster")
        } else {
            finding.note(format!(
                "yours is in the namespace `{}`, ours in `{}`: Flux would install it twice, and volumes do not move",
                self.namespace, self.our_namespace
            ))
        };
        let finding = finding.help(if self.both {
            format!("to take ours: carry over what you need, then delete yours, `rm {path}`, and what belongs to it")
        } else {
            format!(
                "to take ours: move yours, `mv {path} {our_path}`, then `clusterwright adopt {our_path}`; move what \
                 else belongs to it alike"
            )
        });
        match self.reason.first() {
            Some(key) => finding.help(format!(
                "to keep yours: switch ours off with `{key}` in cluster.yaml"
            )),
            None => finding.note(format!("`{}` is always rendered", self.app)),
        }
    }
}

/// An object's identity.
struct Identity {
    kind: &'static str,
    name: String,
    namespace: String,
}

fn identities(path: &RepoPath, text: &str) -> Vec<Identity> {
    if !KINDS.iter().any(|(group, _)| text.contains(group)) {
        return Vec::new();
    }
    let documents = yaml::parse(text).unwrap_or_default();
    // As JSON, for names are often aliases: `name: &app echo`, `name: *app`.
    let objects = documents.iter().map(Node::to_json);
    objects
        .filter_map(|object| {
            let text = |pointer: &str| object.pointer(pointer)?.as_str().map(str::to_owned);
            let (group, kind) = (text("/apiVersion")?, text("/kind")?);
            let (_, kind) = KINDS.iter().find(|(g, k)| group.starts_with(g) && kind == *k)?;
            let namespace = text("/metadata/namespace");
            let namespace = namespace.or_else(|| namespace_of(path).map(str::to_owned));
            Some(Identity {
                kind,
                name: text("/metadata/name")?,
                namespace: namespace.unwrap_or_default(),
            })
        })
        .collect()
}

/// Finds the objects of `theirs` that the tree renders to another path, in the same namespace if there is such a one.
pub(super) fn find(root: &Root, tree: &Tree<Sealed>, theirs: &[RepoPath]) -> Vec<Elsewhere> {
    let mut ours: BTreeMap<(&str, String), Vec<(String, &crate::tree::Artifact)>> = BTreeMap::new();
    for artifact in tree.iter().filter(|a| a.path.is_yaml() && !a.is_sops()) {
        for identity in identities(&artifact.path, artifact.text()) {
            let list = ours.entry((identity.kind, identity.name)).or_default();
            list.push((identity.namespace, artifact));
        }
    }
    let mut found = Vec::new();
    for path in theirs.iter().filter(|path| path.is_yaml() && !path.is_sops()) {
        let Ok(text) = root.read_text(path.as_str(), limits::MANIFEST) else {
            continue;
        };
        for identity in identities(path, &text) {
            let same_name = ours.get(&(identity.kind, identity.name.clone()));
            let same_name = same_name.map(Vec::as_slice).unwrap_or_default();
            let same = same_name
                .iter()
                .find(|(namespace, _)| *namespace == identity.namespace);
            let Some((our_namespace, artifact)) = same.or_else(|| same_name.first()) else {
                continue;
            };
            found.push(Elsewhere {
                kind: identity.kind,
                name: identity.name,
                namespace: identity.namespace,
                path: path.clone(),
                our_namespace: our_namespace.clone(),
                our_path: artifact.path.clone(),
                both: root.is_taken(artifact.path.as_str()),
                app: artifact.origin.app.clone(),
                reason: artifact.origin.reason.clone(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Artifact, Origin};

    const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: &app echo\n  labels: {app: *app}\n";

    fn find_in(theirs: &[(&str, &str)]) -> Vec<(String, String, bool)> {
        let our_path = RepoPath::parse("kubernetes/apps/default/echo/app/helmrelease.yaml").expect("valid");
        let artifact = Artifact::new(
            our_path,
            RELEASE.to_owned(),
            Origin {
                app: "default/echo".to_owned(),
                template: None,
                reason: Vec::new(),
                fingerprint: Some("new".to_owned()),
            },
        );
        let tree = Tree::new([artifact], Sealed::for_tests());
        let dir = tempfile::tempdir().expect("a directory");
        let mut paths = Vec::new();
        for (path, text) in theirs {
            let path = RepoPath::parse(path).expect("valid");
            let full = path.under(dir.path());
            std::fs::create_dir_all(full.parent().expect("below")).expect("made");
            std::fs::write(full, text).expect("written");
            paths.push(path);
        }
        let found = find(&Root::new(dir.path()), &tree, &paths);
        found
            .into_iter()
            .map(|e| {
                (
                    e.path.to_string(),
                    e.namespace.clone(),
                    e.namespace == e.our_namespace,
                )
            })
            .collect()
    }

    #[test]
    fn by_kind_namespace_and_name_wherever_the_file_is() {
        let row = |path: &str, namespace: &str, same| (path.to_owned(), namespace.to_owned(), same);
        let alias = RELEASE.replace(
            "name: &app echo\n  labels: {app: *app}",
            "labels: {app: &a echo}\n  name: *a",
        );
        assert_eq!(
            find_in(&[("kubernetes/apps/default/echo-server/hr.yaml", &alias)]),
            [row(
                "kubernetes/apps/default/echo-server/hr.yaml",
                "default",
                true
            )]
        );
        assert_eq!(
            find_in(&[("kubernetes/apps/tools/echo/hr.yaml", RELEASE)]),
            [row("kubernetes/apps/tools/echo/hr.yaml", "tools", false)]
        );
        let named = RELEASE.replace("metadata:\n", "metadata:\n  namespace: default\n");
        assert_eq!(
            find_in(&[("kubernetes/flux/hr.yaml", &named)]),
            [row("kubernetes/flux/hr.yaml", "default", true)]
        );
    }

    #[test]
    fn other_names_kinds_and_files_that_are_no_yaml_are_passed_over() {
        for text in [
            RELEASE.replace("echo", "other"),
            RELEASE.replace("kind: HelmRelease", "kind: OCIRepository"),
            RELEASE.replace("helm.toolkit.fluxcd.io/v2", "example.com/v1"),
            format!("{RELEASE}: ["),
            format!("{RELEASE}x: {{{{ .Values.x }}}}\n"),
        ] {
            assert_eq!(find_in(&[("kubernetes/apps/default/x/hr.yaml", &text)]), []);
        }
    }
}
