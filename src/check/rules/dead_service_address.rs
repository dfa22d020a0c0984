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
const INSTANCE: &str = "app.kubernetes.io/instance";
/// Cilium's label for the namespace of a pod.
const POD_NAMESPACE: &str = "io.kubernetes.pod.namespace";

/// A Service, as far as it is known.
struct Target<'s, 'm, 'a> {
    service: &'s Service<'m, 'a>,
    /// Those of its name in its namespace, itself among them: another cluster's, whose objects may name its ports.
    all: Vec<&'s Service<'m, 'a>>,
    /// The ports of Services that are written as such with that name, as they stand there.
    written: Vec<&'a str>,
}

impl<'s, 'm, 'a> Target<'s, 'm, 'a> {
    fn all(manifests: &Manifests<'a>, services: &'s [Service<'m, 'a>]) -> Vec<Self> {
        let first = |index: usize| {
            !services[..index]
                .iter()
                .any(|other| other.is_called_as(&services[index]))
        };
        (0..services.len())
            .filter(|index| first(*index))
            .map(|index| {
                let service = &services[index];
                let same = manifests.objects.iter().filter(|object| {
                    object.kind == "Service"
                        && object.name == service.name
                        && manifests.namespace_of(object) == service.release.namespace
                });
                let written = same
                    .filter_map(|object| object.node.path(&["spec", "ports"]))
                    .flat_map(Node::items)
                    .filter_map(|port| port.str_at(&["port"]))
                    .collect();
                let all = services
                    .iter()
                    .filter(|other| other.is_called_as(service))
                    .collect();
                Self {
                    service,
                    all,
                    written,
                }
            })
            .collect()
    }

    /// Returns whether a port may lead to it. A name may, and 0, which stands for all.
    fn takes(&self, port: &str) -> bool {
        self.takes_one_of(port, None)
    }

    /// Returns whether a port, or one of those up to another, may lead to it.
    fn takes_one_of(&self, port: &str, last: Option<&str>) -> bool {
        let number = |text: &str| text.parse::<u16>().ok();
        let Some(first) = number(port).filter(|first| *first != 0) else {
            return true;
        };
        let last = last.and_then(number).unwrap_or(first);
        let within = |port: &str| number(port).is_none_or(|port| (first..=last).contains(&port));
        self.written.iter().any(|port| within(port))
            || self
                .all
                .iter()
                .any(|service| !service.is_sure || service.mentions(port) || service.ports().any(within))
    }
}

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let services = services(manifests);
    let targets = Target::all(manifests, &services);
    if targets.is_empty() {
        return;
    }
    for object in &manifests.objects {
        let text = manifests.text(object.path);
        let namespace = manifests.namespace_of(object);
        for target in &targets {
            let service = target.service;
            let local = namespace == service.release.namespace;
            if object.kind == "CiliumNetworkPolicy" {
                check_policy(object, target, local, findings);
            }
            if !text.contains(service.name.as_str()) {
                continue;
            }
            walk::scalars(object.node, &mut |scalar| {
                let raw = text.get(scalar.span.clone()).unwrap_or_default();
                for at in ports(raw, service, local) {
                    let port = &raw[at.clone()];
                    if !target.takes(port) {
                        findings.push(finding(object, target, port, scalar.part(at.clone())));
                    }
                }
            });
            walk::entries(object.node, &mut |_, key, value| {
                if key.as_str() == Some("backendRefs") {
                    for backend in value.items() {
                        check_backend(object, target, local, backend, findings);
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
    target: &Target<'_, '_, '_>,
    local: bool,
    backend: &Node,
    findings: &mut Vec<Finding>,
) {
    let service = target.service;
    let here = backend
        .str_at(&["namespace"])
        .map_or(local, |namespace| namespace == service.release.namespace);
    let Some(port) = backend.get("port") else {
        return;
    };
    let number = port.as_str().unwrap_or_default();
    // A Gateway API route may lead to objects of other kinds.
    let is_service = backend.str_at(&["kind"]).is_none_or(|kind| kind == "Service");
    let named = is_service && backend.str_at(&["name"]) == Some(service.name.as_str());
    if here && named && !target.takes(number) {
        findings.push(finding(object, target, number, port.span.clone()));
    }
}

/// Looks at every part of a policy that opens ports of the Service's pods, or of the way to them. The pods may have further
/// containers, and others their labels: it counts only where a port is opened that the chart has, or had, by default, and
/// nothing listens there.
fn check_policy(object: &Object<'_>, target: &Target<'_, '_, '_>, local: bool, findings: &mut Vec<Finding>) {
    let service = target.service;
    let Some(pods) = service.known.pods else {
        return;
    };
    let specs = object.node.get("specs").map(Node::items).unwrap_or_default();
    for spec in object.node.get("spec").into_iter().chain(specs) {
        let items = |key: &str| spec.get(key).map(Node::items).unwrap_or_default();
        let selects = |selector: &Node| selects(selector, service, pods, local);
        let is_about = spec.get("endpointSelector").is_some_and(selects);
        let inwards = items("ingress").iter().filter(|_| is_about);
        let outwards = items("egress").iter().filter(|item| {
            let peers = item.get("toEndpoints").map(Node::items).unwrap_or_default();
            !peers.is_empty() && peers.iter().all(selects)
        });
        for item in inwards.chain(outwards) {
            let rules = item.get("toPorts").map(Node::items).unwrap_or_default();
            let opened: Vec<&Node> = rules
                .iter()
                .flat_map(|rule| rule.get("ports").map(Node::items).unwrap_or_default())
                .collect();
            let reaches = |entry: &&Node| {
                let port = entry.str_at(&["port"]).unwrap_or_default();
                target.takes_one_of(port, entry.str_at(&["endPort"]))
            };
            let former = opened.iter().filter_map(|entry| entry.get("port")).find(|port| {
                port.as_str()
                    .is_some_and(|port| service.known.defaults.contains(&port))
            });
            if let Some(port) = former.filter(|_| !opened.iter().any(reaches)) {
                let number = port.as_str().unwrap_or_default();
                findings.push(finding(object, target, number, port.span.clone()));
            }
        }
    }
}

/// Returns whether a selector means the pods of a Service, all of them: further labels or expressions may mean others.
fn selects(selector: &Node, service: &Service<'_, '_>, pods: &str, local: bool) -> bool {
    let labels = selector.get("matchLabels").map(Node::entries).unwrap_or_default();
    let label = |name: &str| {
        let mut labels = labels.iter();
        labels.find_map(|(key, value)| {
            let key = key.as_str()?;
            (key.strip_prefix("k8s:").unwrap_or(key) == name).then(|| value.as_str())?
        })
    };
    let here = label(POD_NAMESPACE).map_or(local, |namespace| namespace == service.release.namespace);
    let ours = label(INSTANCE).is_none_or(|instance| instance == service.release.name);
    let known = [POD_NAMESPACE, INSTANCE, POD_NAME];
    let is_plain = selector.entries().len() == 1
        && labels.len() == known.into_iter().filter(|name| label(name).is_some()).count();
    is_plain && here && ours && label(POD_NAME) == Some(pods)
}

fn finding(object: &Object<'_>, target: &Target<'_, '_, '_>, port: &str, span: Range<usize>) -> Finding {
    let Service {
        known, release, name, ..
    } = target.service;
    let mut right: Vec<&str> = target.all.iter().map(|service| service.port).collect();
    right.sort_unstable();
    right.dedup();
    let right = right.join(" or ");
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
