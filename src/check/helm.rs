//! Helm releases as rules see them: chart, version, namespace and values.

use std::collections::BTreeMap;
use std::ops::Range;

use semver::Version;
use yaml::{Kind, Node, Style, scalar};

use super::manifests::{FluxKustomization, Manifests, Object};
use super::rule::Finding;

/// The chart of the VictoriaMetrics stack.
pub const VICTORIA_METRICS: &str = "victoria-metrics-k8s-stack";
/// The chart of the Prometheus stack.
pub const PROMETHEUS: &str = "kube-prometheus-stack";

/// A Flux HelmRelease.
#[derive(Debug)]
pub struct Release<'a> {
    /// The object.
    pub object: Object<'a>,
    /// The name that Helm gives the release, which most of its objects start with.
    pub name: &'a str,
    /// The last part of the chart's address, such as `loki`; empty when its source is not in the tree.
    pub chart: &'a str,
    /// The chart's version; `None` when it is not an exact one.
    pub version: Option<Version>,
    /// Where it is installed.
    pub namespace: &'a str,
    /// Its values.
    pub values: ChartValues<'a>,
}

/// The values of a HelmRelease, aliases and merge keys followed.
#[derive(Debug)]
pub struct ChartValues<'a> {
    root: Option<&'a Node>,
    /// Whether `valuesFrom` gives others, which do not stand in the file.
    elsewhere: bool,
    /// What to underline when nothing of a path exists.
    place: Range<usize>,
    anchors: BTreeMap<usize, &'a Node>,
}

impl<'a> Release<'a> {
    /// Reads the Helm releases of a tree.
    pub(super) fn all(manifests: &Manifests<'a>) -> Vec<Self> {
        manifests
            .objects
            .iter()
            .filter(|object| object.kind == "HelmRelease" && object.group() == "helm.toolkit.fluxcd.io")
            .map(|object| Self::new(*object, manifests))
            .collect()
    }

    fn new(object: Object<'a>, manifests: &Manifests<'a>) -> Self {
        let node = object.node;
        let (chart, version) = match node.path(&["spec", "chartRef"]) {
            Some(reference) => referenced_chart(reference, &object, manifests),
            None => (
                node.str_at(&["spec", "chart", "spec", "chart"]),
                node.str_at(&["spec", "chart", "spec", "version"]),
            ),
        };
        Self {
            object,
            name: node.str_at(&["spec", "releaseName"]).unwrap_or(object.name),
            chart: chart.unwrap_or_default().rsplit('/').next().unwrap_or_default(),
            version: version.and_then(|v| Version::parse(v.trim_start_matches('v')).ok()),
            namespace: node
                .str_at(&["spec", "targetNamespace"])
                .unwrap_or_else(|| manifests.namespace_of(&object)),
            values: ChartValues::new(node),
        }
    }

    /// Returns whether the chart is at least of this version; one that is not known counts as newer.
    pub fn at_least(&self, major: u64, minor: u64, patch: u64) -> bool {
        self.version
            .as_ref()
            .is_none_or(|version| *version >= Version::new(major, minor, patch))
    }

    /// Returns the path of Grafana's values when the release installs Grafana: empty or `grafana.`.
    pub fn grafana(&self) -> Option<&'static str> {
        match self.chart {
            "grafana" => Some(""),
            VICTORIA_METRICS | PROMETHEUS => {
                (self.values.flag("grafana.enabled") != Some(false)).then_some("grafana.")
            }
            _ => None,
        }
    }

    /// Starts a finding about the value at a path: underlines the value, or the nearest key that exists. Where the tree
    /// does not say what the value is, nobody gets to see it.
    pub fn finding(
        &self,
        path: &str,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Finding {
        let mut finding = Finding::new(self.object.path, message, help).at(self.values.place(path), label);
        finding.is_guess = self.values.hides(path);
        finding
    }
}

impl<'a> ChartValues<'a> {
    fn new(release: &'a Node) -> Self {
        let mut anchors = BTreeMap::new();
        collect_anchors(release, &mut anchors);
        let spec = release.entry("spec");
        let entry = spec.and_then(|(_, spec)| spec.entry("values"));
        let place = entry.or(spec).or_else(|| release.entry("kind"));
        Self {
            root: entry.map(|(_, values)| values),
            elsewhere: spec.is_some_and(|(_, spec)| {
                let from = spec.get("valuesFrom").map(Node::items);
                from.is_some_and(|from| !from.is_empty())
            }),
            place: place.map_or(release.span.clone(), |(key, _)| key.span.clone()),
            anchors,
        }
    }

    /// Returns the node that an alias stands for, other nodes as they are.
    pub fn follow(&self, node: &'a Node) -> &'a Node {
        match node.kind {
            Kind::Alias(anchor) => self.anchors.get(&anchor).copied().unwrap_or(node),
            _ => node,
        }
    }

    /// Returns the key and the value below a mapping.
    pub fn entry_of(&self, node: &'a Node, key: &str) -> Option<(&'a Node, &'a Node)> {
        let node = self.follow(node);
        if let Some((key, value)) = node.entry(key) {
            return Some((key, self.follow(value)));
        }
        // Merge keys do not nest in practice: one level.
        let merged = self.follow(node.merged()?);
        let sources = if merged.entries().is_empty() {
            merged.items()
        } else {
            std::slice::from_ref(merged)
        };
        let (key, value) = sources.iter().find_map(|source| self.follow(source).entry(key))?;
        Some((key, self.follow(value)))
    }

    /// Returns the key and the value at a dotted path.
    pub fn entry(&self, path: &str) -> Option<(&'a Node, &'a Node)> {
        let mut parts = path.split('.');
        let mut found = self.entry_of(self.root?, parts.next()?)?;
        for part in parts {
            found = self.entry_of(found.1, part)?;
        }
        Some(found)
    }

    /// Returns the value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&'a Node> {
        self.entry(path).map(|(_, value)| value)
    }

    /// Returns the text at a dotted path; `None` for an empty one.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        text(self.get(path)?)
    }

    /// Returns the boolean at a dotted path.
    pub fn flag(&self, path: &str) -> Option<bool> {
        flag(self.get(path)?)
    }

    /// Returns the items of the sequence at a dotted path.
    pub fn items(&self, path: &str) -> impl Iterator<Item = &'a Node> {
        let items = self.get(path).map(Node::items).unwrap_or_default();
        items.iter().map(|item| self.follow(item))
    }

    /// Returns whether the tree does not say what stands at a dotted path: a variable of Flux does, or nothing does and
    /// `valuesFrom` may. What `values` says wins over `valuesFrom`.
    pub fn hides(&self, path: &str) -> bool {
        let is_variable = |node: &Node| node.as_str().is_some_and(|text| text.contains("${"));
        let Some(mut node) = self.root else {
            return self.elsewhere;
        };
        for part in path.split('.') {
            match self.entry_of(node, part) {
                Some((_, value)) => node = value,
                None => return is_variable(node) || self.elsewhere,
            }
        }
        is_variable(node)
    }

    /// Returns what to underline for a path: its scalar, else the last key of the path that exists.
    pub fn place(&self, path: &str) -> Range<usize> {
        let mut found = None;
        let mut node = self.root;
        for part in path.split('.') {
            let Some(entry) = node.and_then(|node| self.entry_of(node, part)) else {
                break;
            };
            found = Some(entry);
            node = Some(entry.1);
        }
        match found {
            Some((_, value)) if text(value).is_some() => value.span.clone(),
            Some((key, _)) => key.span.clone(),
            None => self.place.clone(),
        }
    }

    /// Calls a function for every key with its path and its value, depth first.
    pub fn visit(&self, call: &mut dyn FnMut(&[&'a str], &'a Node, &'a Node)) {
        fn walk<'a>(
            node: &'a Node,
            path: &mut Vec<&'a str>,
            call: &mut dyn FnMut(&[&'a str], &'a Node, &'a Node),
        ) {
            for item in node.items() {
                walk(item, path, call);
            }
            for (key, value) in node.entries() {
                path.push(key.as_str().unwrap_or_default());
                call(path, key, value);
                walk(value, path, call);
                path.pop();
            }
        }
        if let Some(root) = self.root {
            walk(root, &mut Vec::new(), call);
        }
    }
}

/// Returns the text of a scalar that is neither empty nor null.
pub fn text(node: &Node) -> Option<&str> {
    let text = node.as_str()?;
    let null = matches!(
        &node.kind,
        Kind::Scalar {
            style: Style::Plain,
            ..
        }
    ) && scalar::resolve(text).is_null();
    (!null && !text.is_empty()).then_some(text)
}

/// Returns the boolean that an unquoted scalar is.
pub fn flag(node: &Node) -> Option<bool> {
    match &node.kind {
        Kind::Scalar {
            value,
            style: Style::Plain,
        } => scalar::resolve(value).as_bool(),
        _ => None,
    }
}

/// Returns the chart's address and version that `chartRef` leads to. Names are looked up in the Kustomization of the
/// release first, then in its namespace.
fn referenced_chart<'a>(
    reference: &'a Node,
    release: &Object<'a>,
    manifests: &Manifests<'a>,
) -> (Option<&'a str>, Option<&'a str>) {
    let kind = reference.get("kind").and_then(Node::as_str).unwrap_or_default();
    let name = reference.get("name").and_then(Node::as_str).unwrap_or_default();
    let namespace = reference
        .get("namespace")
        .and_then(Node::as_str)
        .unwrap_or_else(|| manifests.namespace_of(release));
    let owner = manifests.owner(release).map(FluxKustomization::id);
    let mut candidates: Vec<&Object<'a>> = manifests
        .objects
        .iter()
        .filter(|object| object.kind == kind && object.name == name)
        .filter(|object| manifests.namespace_of(object) == namespace)
        .collect();
    candidates.sort_by_key(|object| manifests.owner(object).map(FluxKustomization::id) != owner);
    let Some(source) = candidates.first().map(|object| object.node) else {
        return (None, None);
    };
    match kind {
        "HelmChart" => (
            source.str_at(&["spec", "chart"]),
            source.str_at(&["spec", "version"]),
        ),
        _ => (
            source.str_at(&["spec", "url"]),
            source.str_at(&["spec", "ref", "tag"]),
        ),
    }
}

fn collect_anchors<'a>(node: &'a Node, anchors: &mut BTreeMap<usize, &'a Node>) {
    if node.anchor != 0 {
        anchors.insert(node.anchor, node);
    }
    for item in node.items() {
        collect_anchors(item, anchors);
    }
    for (key, value) in node.entries() {
        collect_anchors(key, anchors);
        collect_anchors(value, anchors);
    }
}
