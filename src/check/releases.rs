//! `HelmRelease`s with the chart and the version that they install.

use yaml::Node;

use super::manifests::{Manifests, Object};
use crate::tree::RepoPath;

/// A HelmRelease.
#[derive(Debug)]
pub struct InstalledChart<'a> {
    /// The object.
    pub object: Object<'a>,
    /// Its namespace; empty when nothing says.
    pub namespace: &'a str,
    /// Name of the chart, without registry; empty when its source is not rendered.
    pub chart: &'a str,
    /// Where the version stands: the tag of the `OCIRepository`, or `chart.spec.version`.
    pub version: Option<(&'a RepoPath, &'a Node)>,
}

impl<'a> InstalledChart<'a> {
    /// Returns the value below these keys of `spec.values`.
    pub fn value(&self, keys: &[&str]) -> Option<&'a Node> {
        self.values()?.path(keys)
    }

    /// Returns `spec.values`.
    pub fn values(&self) -> Option<&'a Node> {
        self.object.node.path(&["spec", "values"])
    }
}

impl<'a> Manifests<'a> {
    /// Returns all `HelmRelease` objects.
    pub fn releases(&self) -> Vec<InstalledChart<'a>> {
        self.placed()
            .iter()
            .filter(|placed| placed.object.kind == "HelmRelease")
            .map(|placed| {
                let node = placed.object.node;
                let mut release = InstalledChart {
                    object: placed.object,
                    namespace: placed.namespace,
                    chart: node
                        .str_at(&["spec", "chart", "spec", "chart"])
                        .unwrap_or_default(),
                    version: node
                        .path(&["spec", "chart", "spec", "version"])
                        .map(|version| (placed.object.path, version)),
                };
                if let Some(source) = self.chart_source(node, placed.namespace) {
                    let url = source.node.str_at(&["spec", "url"]).unwrap_or_default();
                    release.chart = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                    release.version = source
                        .node
                        .path(&["spec", "ref", "tag"])
                        .map(|tag| (source.path, tag));
                }
                release
            })
            .collect()
    }

    /// The `OCIRepository` that the `chartRef` of a HelmRelease names.
    fn chart_source(&self, release: &'a Node, namespace: &str) -> Option<Object<'a>> {
        let name = release.str_at(&["spec", "chartRef", "name"])?;
        let namespace = release
            .str_at(&["spec", "chartRef", "namespace"])
            .unwrap_or(namespace);
        self.placed()
            .iter()
            .find(|source| {
                source.object.kind == "OCIRepository"
                    && source.object.name == name
                    && source.namespace == namespace
            })
            .map(|source| source.object)
    }
}
