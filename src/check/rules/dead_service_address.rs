//! Addresses and network policies name the port that a Service listens on.

use std::ops::Range;

use yaml::Node;

use crate::check::manifests::{Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::check::services::{Service, services};
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "dead-service-address",
    level: Severity::Error,
    summary: "an address or a network policy names a port that the Service does not have",
    docs: include_str!("dead_service_address.md"),
    run,
};

const POD_NAME: &str = "app.kubernetes.io/name";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let services = services(manifests);
    if services.is_empty() {
        return;
    }
    for object in &manifests.objects {
        let text = manifests.text(object.path);
        let namespace = manifests.namespace_of(object);
        for service in &services {
            let local = namespace == service.release.namespace;
            if object.kind == "CiliumNetworkPolicy" {
                check_policy(object, service, local, findings);
            }
            if !text.contains(service.name.as_str()) {
                continue;
            }
            walk::scalars(object.node, &mut |scalar| {
                let raw = text.get(scalar.span.clone()).unwrap_or_default();
                for at in ports(raw, service, local) {
                    let port = &raw[at.clone()];
                    if !service.has(port) {
                        let span = scalar.span.start + at.start..scalar.span.start + at.end;
                        findings.push(finding(object, service, port, span));
                    }
                }
            });
            walk::entries(object.node, &mut |_, key, value| {
                if key.as_str() == Some("backendRefs") {
                    for backend in value.items() {
                        check_backend(object, service, local, backend, findings);
                    }
                }
            });
        }
    }
}

/// Returns where the ports of a Service's addresses stand in a text; without a namespace, an address is one of a Service
/// in its own.
fn ports(raw: &str, service: &Service<'_, '_>, local: bool) -> Vec<Range<usize>> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut found = Vec::new();
    for (at, name) in raw.match_indices(service.name.as_str()) {
        let before = &raw[..at];
        // A host begins a text or a word, or follows the scheme; `grafana/loki:3` is an image.
        if before.ends_with(part) || before.ends_with('/') && !before.ends_with("//") {
            continue;
        }
        let rest = &raw[at + name.len()..];
        let domain = &rest[..rest.find(|c| !part(c)).unwrap_or(rest.len())];
        let here = match domain.strip_prefix('.').map(|domain| domain.split('.').next()) {
            Some(namespace) => namespace == Some(service.release.namespace),
            None => domain.is_empty() && local,
        };
        let Some(after) = rest[domain.len()..].strip_prefix(':').filter(|_| here) else {
            continue;
        };
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        if digits > 0 && !after[digits..].starts_with(part) {
            let start = raw.len() - after.len();
            found.push(start..start + digits);
        }
    }
    found
}

fn check_backend(
    object: &Object<'_>,
    service: &Service<'_, '_>,
    local: bool,
    backend: &Node,
    findings: &mut Vec<Finding>,
) {
    let here = backend
        .str_at(&["namespace"])
        .map_or(local, |namespace| namespace == service.release.namespace);
    let Some(port) = backend.get("port") else {
        return;
    };
    let number = port.as_str().unwrap_or_default();
    if here && backend.str_at(&["name"]) == Some(service.name.as_str()) && !service.has(number) {
        findings.push(finding(object, service, number, port.span.clone()));
    }
}

/// Looks at every part of a policy that opens ports of the Service's pods, or of the way to them.
fn check_policy(object: &Object<'_>, service: &Service<'_, '_>, local: bool, findings: &mut Vec<Finding>) {
    let Some(pods) = service.known.pods else {
        return;
    };
    let selects = |selector: &Node| {
        let labels = selector.get("matchLabels");
        let label = |name: &str| labels.and_then(|labels| labels.str_at(&[name]));
        let namespace = label("io.kubernetes.pod.namespace").or(label("k8s:io.kubernetes.pod.namespace"));
        let here = namespace.map_or(local, |namespace| namespace == service.release.namespace);
        here && label(POD_NAME) == Some(pods)
    };
    let items = |key: &str| {
        object
            .node
            .path(&["spec", key])
            .map(Node::items)
            .unwrap_or_default()
    };
    let is_about = object
        .node
        .path(&["spec", "endpointSelector"])
        .is_some_and(selects);
    let inwards = items("ingress").iter().filter(|_| is_about);
    let outwards = items("egress").iter().filter(|item| {
        let peers = item.get("toEndpoints").map(Node::items).unwrap_or_default();
        peers.iter().any(selects)
    });
    for item in inwards.chain(outwards) {
        let rules = item.get("toPorts").map(Node::items).unwrap_or_default();
        let opened = rules
            .iter()
            .flat_map(|rule| rule.get("ports").map(Node::items).unwrap_or_default());
        let opened: Vec<&Node> = opened.filter_map(|port| port.get("port")).collect();
        let Some(first) = opened.first() else {
            continue;
        };
        if !opened
            .iter()
            .any(|port| port.as_str().is_some_and(|port| service.has(port)))
        {
            findings.push(finding(
                object,
                service,
                first.as_str().unwrap_or_default(),
                first.span.clone(),
            ));
        }
    }
}

fn finding(object: &Object<'_>, service: &Service<'_, '_>, port: &str, span: Range<usize>) -> Finding {
    let Service {
        known,
        release,
        name,
        port: right,
    } = service;
    let message = format!("nothing listens on port {port} of the Service `{name}`");
    let help = format!(
        "write {right}, or set `{}: \"{port}\"` in the values of HelmRelease `{}`",
        known.key, release.object.name
    );
    let mut finding = Finding::new(object.path, message, help).at(span, format!("it listens on {right}"));
    if release.values.text(known.key).is_some() {
        let place = release.values.place(known.key);
        finding
            .also
            .push((release.object.path.clone(), place, "set here".to_owned()));
    }
    finding
}
