//! Talos in the tree: the versions that nodes are configured for, and the patches of their machine configuration.

use std::ops::Range;

use yaml::Node;

use super::manifests::Manifests;
use crate::tree::RepoPath;

const TALCONFIG: &str = "talos/talconfig.yaml";
/// Files of talhelper that name versions, the one that decides first.
pub(super) const VERSIONS: &[&str] = &["talos/talenv.yaml", TALCONFIG];

/// A version that talhelper reads.
#[derive(Debug)]
pub(super) struct TalosVersion<'a> {
    /// The file.
    pub path: RepoPath,
    /// Where it stands.
    pub node: &'a Node,
    /// The version.
    pub version: semver::Version,
}

/// Reads a version, with or without `v`.
pub(super) fn parse(text: &str) -> Option<semver::Version> {
    semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()
}

/// Returns the version below a key of talhelper's files: `talosVersion` or `kubernetesVersion`.
pub(super) fn version<'a>(manifests: &Manifests<'a>, key: &str) -> Option<TalosVersion<'a>> {
    VERSIONS.iter().find_map(|file| {
        let node = manifests.documents(file).first()?.get(key)?;
        Some(TalosVersion {
            path: RepoPath::parse(file).ok()?,
            node,
            version: parse(node.as_str()?)?,
        })
    })
}

/// A setting in a patch.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    /// The file.
    pub path: &'a RepoPath,
    /// The bytes of its key; of a patch inside `talconfig.yaml`, those of the whole patch.
    pub span: Range<usize>,
    /// Its text; `None` for maps and lists.
    pub value: Option<String>,
}

/// Returns every patch of the machine configuration that sets what these keys lead to.
pub(super) fn settings<'a>(manifests: &Manifests<'a>, keys: &[&str]) -> Vec<Setting<'a>> {
    let mut found = Vec::new();
    let files = manifests.files();
    for (path, documents) in files.filter(|(path, _)| path.as_str().starts_with("talos/")) {
        for document in documents {
            if path.as_str() == TALCONFIG {
                for item in inline(document) {
                    let patches = item.as_str().and_then(|text| yaml::parse(text).ok());
                    let set = patches.into_iter().flatten().find_map(|patch| {
                        let (_, value) = entry(&patch, keys)?;
                        Some(value.as_str().map(str::to_owned))
                    });
                    found.extend(set.map(|value| Setting {
                        path,
                        span: item.span.clone(),
                        value,
                    }));
                }
            } else if let Some((key, value)) = entry(document, keys) {
                found.push(Setting {
                    path,
                    span: key.span.clone(),
                    value: value.as_str().map(str::to_owned),
                });
            }
        }
    }
    found
}

/// Follows the keys to an entry.
fn entry<'n>(document: &'n Node, keys: &[&str]) -> Option<(&'n Node, &'n Node)> {
    let (last, way) = keys.split_last()?;
    let (key, value) = document.path(way)?.entry(last)?;
    Some((key, value))
}

/// Patches that `talconfig.yaml` holds as text, of all nodes, of groups and of single ones.
fn inline(talconfig: &Node) -> Vec<&Node> {
    let groups = ["controlPlane", "worker"].map(|group| talconfig.get(group));
    let nodes = talconfig.get("nodes").map(Node::items).unwrap_or_default();
    std::iter::once(talconfig)
        .chain(groups.into_iter().flatten())
        .chain(nodes)
        .filter_map(|owner| owner.get("patches"))
        .flat_map(Node::items)
        .collect()
}
