//! Envoy Gateway has two sources of metrics, its proxies and its controller; both are scraped.

use yaml::Node;

use crate::check::helm::{PROMETHEUS, Release, VICTORIA_METRICS, flag};
use crate::check::manifests::{FluxKustomization, Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "incomplete-envoy-metrics",
    level: Severity::Error,
    summary: "the proxies or the controller of Envoy Gateway are not scraped",
    docs: include_str!("incomplete_envoy_metrics.md"),
    run,
};

struct Source {
    what: &'static str,
    name: &'static str,
    path: &'static str,
    labels: [(&'static str, &'static str); 2],
}

/// Source: the labels that the chart gives its pods; the controller's carry the name of the chart.
const SOURCES: &[Source] = &[
    Source {
        what: "proxies",
        name: "envoy-proxy",
        path: "/stats/prometheus",
        labels: [
            ("app.kubernetes.io/component", "proxy"),
            ("app.kubernetes.io/name", "envoy"),
        ],
    },
    Source {
        what: "controller",
        name: "envoy-gateway",
        path: "/metrics",
        labels: [
            ("app.kubernetes.io/name", "gateway-helm"),
            ("control-plane", "envoy-gateway"),
        ],
    },
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests.releases_of("gateway-helm") {
        let owner = manifests.owner(&release.object).map(FluxKustomization::id);
        let monitors: Vec<&Object<'_>> = manifests
            .objects
            .iter()
            .filter(|object| object.kind == "PodMonitor" && object.group() == "monitoring.coreos.com")
            .filter(|object| manifests.owner(object).map(FluxKustomization::id) == owner)
            .collect();
        let stack = [VICTORIA_METRICS, PROMETHEUS]
            .iter()
            .any(|chart| manifests.releases_of(chart).next().is_some());
        if monitors.is_empty() && !stack {
            continue;
        }
        for source in SOURCES {
            let mut found = monitors
                .iter()
                .filter(|monitor| endpoint(monitor).is_some_and(|(path, _)| path == source.path));
            match found.next() {
                Some(monitor) => check(release, source, monitor, findings),
                None => findings.push(missing(release, source, monitors.first().copied())),
            }
            for twice in found {
                let message = format!("two PodMonitors scrape the {} of Envoy Gateway", source.what);
                let span = twice
                    .node
                    .path(&["metadata", "name"])
                    .unwrap_or(twice.node)
                    .span
                    .clone();
                findings.push(Finding::new(twice.path, message, "remove this PodMonitor").at(span, ""));
            }
        }
    }
}

/// Returns the path and the node of a monitor's endpoint; Prometheus' own default is `/metrics`.
fn endpoint<'a>(monitor: &Object<'a>) -> Option<(&'a str, &'a Node)> {
    let endpoints = monitor.node.path(&["spec", "podMetricsEndpoints"])?;
    let first = endpoints.items().first()?;
    Some((first.str_at(&["path"]).unwrap_or("/metrics"), first))
}

fn missing(release: &Release<'_>, source: &Source, other: Option<&Object<'_>>) -> Finding {
    let message = format!("no PodMonitor scrapes the {} of Envoy Gateway", source.what);
    let labels: Vec<String> = source
        .labels
        .iter()
        .map(|(key, value)| format!("`{key}: {value}`"))
        .collect();
    let help = format!(
        "add a PodMonitor `{}` with port metrics, path {}, honorLabels: true, selector {}",
        source.name,
        source.path,
        labels.join(" and ")
    );
    let object = other.unwrap_or(&release.object);
    let place = object.node.path(&["metadata", "name"]).unwrap_or(object.node);
    Finding::new(object.path, message, help).at(place.span.clone(), "")
}

fn check(release: &Release<'_>, source: &Source, monitor: &Object<'_>, findings: &mut Vec<Finding>) {
    let spec = monitor.node.get("spec");
    let mut wrong = |place: Option<&Node>, message: String, help: String| {
        let span = place.unwrap_or(monitor.node).span.clone();
        findings.push(Finding::new(monitor.path, message, help).at(span, ""));
    };
    let labels = spec.and_then(|spec| spec.path(&["selector", "matchLabels"]));
    for (label, value) in source.labels {
        let found = labels.and_then(|labels| labels.get(label));
        if found.and_then(Node::as_str) != Some(value) {
            let place = found.or_else(|| Some(&spec?.entry("selector")?.0));
            let message = format!(
                "the selector matches no pods of the {}: `{label}` is not `{value}`",
                source.what
            );
            wrong(place, message, format!("set `{label}: {value}`"));
        }
    }
    if let Some((_, endpoint)) = endpoint(monitor) {
        let key = endpoint.entries().first().map(|(key, _)| key);
        if endpoint.str_at(&["port"]) != Some("metrics") {
            let message = format!("the port of the {} is called `metrics`", source.what);
            wrong(
                endpoint.get("port").or(key),
                message,
                "set `port: metrics`".to_owned(),
            );
        }
        if endpoint.get("honorLabels").and_then(flag) != Some(true) {
            let message = format!(
                "labels of the {} are overwritten without `honorLabels`",
                source.what
            );
            wrong(
                endpoint.get("honorLabels").or(key),
                message,
                "set `honorLabels: true`".to_owned(),
            );
        }
    }
    let names = spec.and_then(|spec| spec.path(&["namespaceSelector", "matchNames"]));
    let listed = names.map(Node::items).unwrap_or_default();
    if !listed.iter().any(|name| name.as_str() == Some(release.namespace)) {
        let place = names.or_else(|| monitor.node.path(&["metadata", "name"]));
        let message = format!(
            "namespace `{}`, with the {} in it, is not selected",
            source.what, release.namespace
        );
        let help = format!("set `namespaceSelector: {{matchNames: [{}]}}`", release.namespace);
        wrong(place, message, help);
    }
}
