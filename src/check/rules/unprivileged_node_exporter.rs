//! node-exporter runs in a namespace that admits privileged pods.

use crate::check::helm::{PROMETHEUS, Release, VICTORIA_METRICS};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unprivileged-node-exporter",
    level: Severity::Error,
    summary: "node-exporter is installed in a namespace that does not admit its pods",
    docs: include_str!("unprivileged_node_exporter.md"),
    run,
};

const MODES: &[&str] = &["enforce", "audit", "warn"];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests
        .releases
        .iter()
        .filter(|release| installs_node_exporter(release))
    {
        let namespace = manifests
            .objects
            .iter()
            .find(|object| object.kind == "Namespace" && object.name == release.namespace);
        let Some(namespace) = namespace else {
            continue;
        };
        let metadata = namespace.node.get("metadata");
        let labels = metadata.and_then(|metadata| metadata.entry("labels"));
        for mode in MODES {
            let label = format!("pod-security.kubernetes.io/{mode}");
            let value = labels.and_then(|(_, labels)| labels.get(&label));
            if value.and_then(|value| value.as_str()) == Some("privileged") {
                continue;
            }
            let place = value
                .or_else(|| labels.map(|(key, _)| key))
                .or_else(|| metadata?.get("name"))
                .unwrap_or(namespace.node);
            let message = format!(
                "node-exporter of `{}` is not admitted in namespace `{}`: `{label}` is not `privileged`",
                release.object.name, release.namespace
            );
            let help = format!("set `{label}: privileged`");
            findings.push(Finding::new(namespace.path, message, help).at(
                place.span.clone(),
                "it needs the host's network, processes and files",
            ));
        }
    }
}

fn installs_node_exporter(release: &Release<'_>) -> bool {
    let switch = match release.chart {
        VICTORIA_METRICS => "prometheus-node-exporter.enabled",
        PROMETHEUS => "nodeExporter.enabled",
        chart => return chart == "prometheus-node-exporter",
    };
    release.values.flag(switch) != Some(false)
}
