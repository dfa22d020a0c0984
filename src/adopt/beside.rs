//! What is in the repository and not rendered by us.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::sys::root::{Bounds, Refused, Root};
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

/// Returns the files below the folders of a cluster that are not `ours`, sorted, and what is to be said of folders that were
/// not looked through. Links are not followed.
pub(super) fn files(root: &Root, ours: impl Fn(&RepoPath) -> bool) -> (Vec<RepoPath>, Vec<Diagnostic>) {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for dir in ROOTS {
        let walked = match root.walk(dir, BOUNDS, |dir| dir != MACHINES) {
            Ok(walked) => walked,
            // There is nothing of anybody's.
            Err(Refused::Absent) => continue,
            Err(refused) => {
                let finding = refused.finding("read", dir);
                let message = format!("what lies in `{dir}` is not listed: {}", finding.message);
                let all = Diagnostic::warning("adopt/unread", message).in_file(dir);
                unread.push(finding.help.into_iter().fold(all, Diagnostic::help));
                continue;
            }
        };
        if let Some(at) = &walked.cut {
            let message = format!(
                "`{dir}` holds more files, or folders nested deeper, than are looked at: `{at}` and what follows is not listed"
            );
            unread.push(
                Diagnostic::warning("adopt/unread", message)
                    .in_file(at)
                    .help("move what belongs to no cluster elsewhere"),
            );
        }
        let paths = walked.files.iter().filter_map(|path| RepoPath::parse(path).ok());
        found.extend(paths.filter(|path| !ours(path)));
    }
    found.sort();
    (found, unread)
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
        let ours = |path: &RepoPath| path.as_str() == "kubernetes/a/b.yaml";
        let (found, unread) = files(&Root::new(dir.path()), ours);
        assert_eq!(unread, []);
        let found: Vec<&str> = found.iter().map(RepoPath::as_str).collect();
        assert_eq!(found, ["talos/mine.yaml"]);
    }

    #[test]
    fn what_is_not_looked_through_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let deep = dir.path().join("talos").join("x/".repeat(BOUNDS.depth + 1));
        std::fs::create_dir_all(deep).expect("made");
        // Not a folder.
        std::fs::write(dir.path().join("kubernetes"), "x").expect("written");
        std::fs::create_dir(dir.path().join("bootstrap")).expect("made");
        std::fs::write(dir.path().join("bootstrap/x.yaml"), "x").expect("written");
        let (found, unread) = files(&Root::new(dir.path()), |_| false);
        let found: Vec<&str> = found.iter().map(RepoPath::as_str).collect();
        assert_eq!(found, ["bootstrap/x.yaml"]);
        let told: Vec<_> = unread.iter().map(|one| (one.code, one.path.as_deref())).collect();
        let cut = format!("talos/{}", ["x"; 33].join("/"));
        assert_eq!(
            told,
            [
                ("adopt/unread", Some("kubernetes")),
                ("adopt/unread", Some(cut.as_str()))
            ]
        );
    }
}
