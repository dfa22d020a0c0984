//! What is in the repository and not rendered by us.

use std::collections::BTreeMap;

use crate::sys::root::{Bounds, Root};
use crate::tree::APPS_ROOT;
use crate::tree::RepoPath;

/// The folders that a cluster's files live in.
const ROOTS: [&str; 3] = ["kubernetes", "talos", "bootstrap"];

/// Where talhelper writes machine configurations, which hold secrets: not looked at.
const MACHINES: &str = "talos/clusterconfig";

/// How far folders are followed.
const BOUNDS: Bounds = Bounds {
    depth: 32,
    names: 1_000_000,
};

/// A folder with files that are a person's own.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Folder {
    /// The folder: an app's, or the one that the files are in.
    pub path: String,
    /// How many files it has that are not ours.
    pub files: usize,
    /// Whether it is an app with a `ks.yaml`, which the rendered `kustomization.yaml` of its namespace lists.
    pub wired_in: bool,
}

/// Returns the files below the folders of a cluster that are not `ours`, sorted. Links are not followed.
pub(super) fn files(root: &Root, ours: impl Fn(&RepoPath) -> bool) -> Vec<RepoPath> {
    let mut found = Vec::new();
    for dir in ROOTS {
        let walked = root.walk(dir, BOUNDS, |dir| dir != MACHINES).unwrap_or_default();
        let paths = walked.files.iter().filter_map(|path| RepoPath::parse(path).ok());
        found.extend(paths.filter(|path| !ours(path)));
    }
    found.sort();
    found
}

/// Groups files by app, or by folder where there is no app.
pub(super) fn folders(files: &[RepoPath]) -> Vec<Folder> {
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for file in files {
        let path = app_folder(file).unwrap_or_else(|| file.parent().to_owned());
        let wired_in = file.as_str() == format!("{path}/ks.yaml") && path.starts_with(APPS_ROOT);
        let folder = folders.entry(path.clone()).or_insert(Folder {
            path,
            files: 0,
            wired_in: false,
        });
        folder.files += 1;
        folder.wired_in |= wired_in;
    }
    folders.into_values().collect()
}

/// `kubernetes/apps/<namespace>/<app>` of a file below it.
fn app_folder(file: &RepoPath) -> Option<String> {
    let rest = file.as_str().strip_prefix(APPS_ROOT)?.strip_prefix('/')?;
    let mut parts = rest.splitn(3, '/');
    let (namespace, app) = (parts.next()?, parts.next()?);
    parts.next()?;
    Some(format!("{APPS_ROOT}/{namespace}/{app}"))
}

/// Returns the namespace that a file's place says.
pub(super) fn namespace_of(file: &RepoPath) -> Option<&str> {
    let rest = file.as_str().strip_prefix(APPS_ROOT)?.strip_prefix('/')?;
    Some(rest.split_once('/')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_app() {
        let files = [
            "kubernetes/apps/media/jellyfin/app/helmrelease.yaml",
            "kubernetes/apps/media/jellyfin/ks.yaml",
            "kubernetes/apps/media/namespace.yaml",
            "kubernetes/flux/x.yaml",
        ]
        .map(|path| RepoPath::parse(path).expect("valid"));
        let told: Vec<_> = folders(&files)
            .into_iter()
            .map(|folder| (folder.path, folder.files, folder.wired_in))
            .collect();
        let row = |path: &str, files, wired_in| (path.to_owned(), files, wired_in);
        assert_eq!(
            told,
            [
                row("kubernetes/apps/media", 1, false),
                row("kubernetes/apps/media/jellyfin", 2, true),
                row("kubernetes/flux", 1, false)
            ]
        );
        assert_eq!(namespace_of(&files[0]), Some("media"));
        assert_eq!(namespace_of(&files[3]), None);
    }

    #[test]
    fn machine_configurations_and_links_are_not_looked_at() {
        let dir = tempfile::tempdir().expect("a directory");
        for path in [
            "talos/clusterconfig/node.yaml",
            "talos/mine.yaml",
            "kubernetes/a/b.yaml",
        ] {
            let full = dir.path().join(path);
            std::fs::create_dir_all(full.parent().expect("below")).expect("made");
            std::fs::write(full, "x").expect("written");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("../talos", dir.path().join("kubernetes/link")).expect("linked");
        let found = files(&Root::new(dir.path()), |path| {
            path.as_str() == "kubernetes/a/b.yaml"
        });
        let found: Vec<&str> = found.iter().map(RepoPath::as_str).collect();
        assert_eq!(found, ["talos/mine.yaml"]);
    }
}
