//! What the apps ask of the nodes: requests and volumes in the values of the rendered `HelmReleases`.
//!
//! Defaults of the charts are not known here: a component counts when its values say something.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::App;
use crate::plan::Plan;
use crate::tree::{Artifact, Tree};

/// The file that holds the values of an app's chart.
const RELEASE_FILE: &str = "helmrelease.yaml";

/// Keys that structure values and name no component.
const STRUCTURE: [&str; 12] = [
    "alertmanagerSpec",
    "containers",
    "controllers",
    "persistence",
    "prometheusSpec",
    "requests",
    "resources",
    "spec",
    "storage",
    "storageSpec",
    "values",
    "volumeClaimTemplate",
];

/// What the pods of one component ask for together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Component {
    /// The app, as `namespace/name`.
    pub app: String,
    /// Where its values stand in those of the chart; empty for the top.
    pub component: String,
    /// How many pods there are.
    pub pods: u64,
    /// CPU in thousandths of a core.
    pub cpu_millicores: u64,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Volumes in bytes.
    pub volume_bytes: u64,
}

/// Returns the components of all apps that are on, sorted by app and component, and the apps with a chart whose values
/// say nothing.
pub fn resources<S>(plan: &Plan, tree: &Tree<S>, nodes: u64) -> (Vec<Component>, Vec<String>) {
    let (mut components, mut silent) = (Vec::new(), Vec::new());
    for app in plan.enabled().map(|planned| &planned.app) {
        let mut found = BTreeMap::new();
        let releases = tree
            .iter()
            .filter(|artifact| artifact.origin.app == app.id() && artifact.path.file_name() == RELEASE_FILE);
        for text in releases.map(Artifact::text) {
            for document in yaml::parse(text).unwrap_or_default() {
                let json = document.to_json();
                if let Some(values) = json.pointer("/spec/values").and_then(Value::as_object) {
                    let mut walk = Walk {
                        app,
                        nodes,
                        found: &mut found,
                    };
                    walk.mapping(values, &mut Vec::new(), 1);
                }
            }
        }
        if found.is_empty() && app.manifest.chart.is_some() {
            silent.push(app.id());
        }
        components.extend(found.into_values());
    }
    (components, silent)
}

struct Walk<'a> {
    app: &'a App,
    nodes: u64,
    found: &'a mut BTreeMap<String, Component>,
}

impl Walk<'_> {
    /// Walks the values; `replicas` is what the nearest mapping around says.
    fn mapping<'v>(&mut self, map: &'v Map<String, Value>, path: &mut Vec<&'v str>, replicas: u64) {
        let replicas = ["replicas", "replicaCount"]
            .iter()
            .find_map(|key| map.get(*key)?.as_u64())
            .unwrap_or(replicas);
        let requests = map
            .get("resources")
            .and_then(|resources| resources.get("requests"))
            .and_then(Value::as_object);
        if let Some(requests) = requests.filter(|_| replicas > 0) {
            let pods = if self.runs_on_every_node(path) {
                self.nodes
            } else {
                replicas
            };
            let amount = |key: &str| requests.get(key).map_or(0, quantity);
            let component = self.component(path);
            component.pods = component.pods.max(pods);
            component.cpu_millicores += amount("cpu") * pods;
            component.memory_bytes += amount("memory") / MILLI * pods;
            component.volume_bytes += amount("storage") / MILLI * pods;
        }
        let on = map.get("enabled") != Some(&Value::Bool(false));
        if let Some(size) = map
            .get("size")
            .filter(|_| on && path.last() == Some(&"persistence"))
        {
            self.component(path).volume_bytes += quantity(size) / MILLI * replicas;
        }
        for (key, value) in map.iter().filter(|_| on) {
            if let Value::Object(inner) = value {
                path.push(key);
                self.mapping(inner, path, replicas);
                path.pop();
            }
        }
    }

    fn runs_on_every_node(&self, path: &[&str]) -> bool {
        let path = path.join(".");
        self.app.manifest.daemonsets.contains(&path)
    }

    fn component(&mut self, path: &[&str]) -> &mut Component {
        let mut names: Vec<&str> = path
            .iter()
            .copied()
            .filter(|part| !STRUCTURE.contains(part))
            .collect();
        names.dedup();
        let name = names.join(".");
        self.found.entry(name.clone()).or_insert_with(|| Component {
            app: self.app.id(),
            component: name,
            ..Component::default()
        })
    }
}

/// [`quantity`] counts in thousandths.
const MILLI: u64 = 1000;

/// Returns an amount as Kubernetes writes it in thousandths of its unit: `100m` is 100, `1` is 1000, `1Ki` 1024000. What
/// is not an amount counts as nothing.
fn quantity(value: &Value) -> u64 {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return 0,
    };
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit {
        "m" => 1,
        "" => 1000,
        "k" => 1000_u64.pow(2),
        "M" => 1000_u64.pow(3),
        "G" => 1000_u64.pow(4),
        "T" => 1000_u64.pow(5),
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        _ => return 0,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = whole.parse::<u64>().unwrap_or(0).saturating_mul(factor);
    // Three decimals are exact in thousandths of a core, and near enough for bytes.
    let fraction: String = fraction.chars().chain("000".chars()).take(3).collect();
    whole.saturating_add(fraction.parse::<u64>().unwrap_or(0).saturating_mul(factor) / 1000)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::quantity;

    #[test]
    fn amounts_are_read_as_kubernetes_writes_them() {
        for (value, expected) in [
            (json!("100m"), 100),
            (json!(2), 2000),
            (json!(0.5), 500),
            (json!("1.5"), 1500),
            (json!("1Ki"), 1_024_000),
            (json!("1.5Gi"), 1_610_612_736_000),
            (json!("1G"), 1_000_000_000_000),
            (json!("much"), 0),
            (json!(null), 0),
        ] {
            assert_eq!(quantity(&value), expected, "{value}");
        }
    }
}
