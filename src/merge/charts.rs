//! Chart versions that the work tree has raised beyond the library.

use std::collections::BTreeMap;

use yaml::Node;

use super::version::is_newer;
use crate::catalog::Catalog;
use crate::sys::root::{Root, limits};
use crate::tree::RepoPath;

/// A chart version in the work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeVersion {
    /// The version.
    pub version: String,
    /// The file that it stands in.
    pub file: RepoPath,
    /// The way to it.
    pub place: &'static str,
}

/// Where a chart's version stands: the file, the kind, the way.
const PLACES: [(&str, &str, &[&str], &str); 2] = [
    (
        "ocirepository.yaml",
        "OCIRepository",
        &["spec", "ref", "tag"],
        "spec.ref.tag",
    ),
    (
        "helmrelease.yaml",
        "HelmRelease",
        &["spec", "chart", "spec", "version"],
        "spec.chart.spec.version",
    ),
];

/// Returns the ways to a chart's version.
pub(super) fn places() -> impl Iterator<Item = &'static str> {
    PLACES.iter().map(|(.., place)| *place)
}

/// Returns the chart versions below `root` that are newer than the library's, by `namespace/app`. They are rendered
/// instead of the library's, so that everything that names the version follows: the bootstrap as well.
pub fn newer_charts(root: &Root, catalog: &Catalog) -> BTreeMap<String, TreeVersion> {
    let mut found = BTreeMap::new();
    for app in &catalog.apps {
        let Some(chart) = &app.manifest.chart else {
            continue;
        };
        let dir = format!("{}/{}", app.output_dir(), app.chart_path());
        for (name, kind, keys, place) in PLACES {
            let Ok(file) = RepoPath::parse(&format!("{dir}/{name}")) else {
                continue;
            };
            let Ok(text) = root.read_text(file.as_str(), limits::MANIFEST) else {
                continue;
            };
            // Most files have the library's version, and need no reading.
            if text.contains(&chart.version) || !text.contains(kind) {
                continue;
            }
            let documents = yaml::parse(&text).unwrap_or_default();
            let own = |node: &&Node| {
                node.str_at(&["kind"]) == Some(kind)
                    && node.str_at(&["metadata", "name"]) == Some(app.release())
            };
            let version = documents.iter().find(own).and_then(|node| node.str_at(keys));
            if let Some(version) = version.filter(|version| is_newer(version, &chart.version)) {
                let version = version.to_owned();
                found.insert(app.id(), TreeVersion { version, file, place });
            }
        }
    }
    found
}
