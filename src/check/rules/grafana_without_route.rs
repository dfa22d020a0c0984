//! Grafana is reachable: an HTTPRoute leads to its Service and is attached to a Gateway that exists.

use yaml::Node;

use crate::check::helm::Release;
use crate::check::manifests::{Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "grafana-without-route",
    level: Severity::Error,
    summary: "no HTTPRoute leads to Grafana, or it is attached to no Gateway",
    docs: include_str!("grafana_without_route.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let gateways: Vec<&Object<'_>> = of_kind(manifests, "Gateway").collect();
    if gateways.is_empty() {
        return;
    }
    for release in &manifests.releases {
        let Some(prefix) = release.grafana() else {
            continue;
        };
        let service = service(release, prefix);
        let routes: Vec<&Object<'_>> = of_kind(manifests, "HTTPRoute")
            .filter(|route| manifests.namespace_of(route) == release.namespace && leads_to(route, &service))
            .collect();
        if routes.is_empty() {
            let message = format!("no HTTPRoute leads to Grafana's Service `{service}`");
            let help = format!(
                "add an HTTPRoute to namespace {} with backendRef `{service}` port 80 and parentRef `envoy-internal` \
                 (namespace network, sectionName https)",
                release.namespace
            );
            findings.push(release.finding(prefix.trim_end_matches('.'), message, "", help));
        }
        for route in routes {
            findings
                .extend(parents(route).filter_map(|parent| detached(manifests, route, parent, &gateways)));
        }
    }
}

fn of_kind<'m, 'a>(manifests: &'m Manifests<'a>, kind: &'static str) -> impl Iterator<Item = &'m Object<'a>> {
    manifests
        .objects
        .iter()
        .filter(move |object| object.kind == kind && object.group() == "gateway.networking.k8s.io")
}

/// Helm's name for the Service: a chart of its own is not named twice.
fn service(release: &Release<'_>, prefix: &str) -> String {
    match release.values.text(&format!("{prefix}fullnameOverride")) {
        Some(name) => name.to_owned(),
        None if release.name.contains("grafana") => release.name.to_owned(),
        None => format!("{}-grafana", release.name),
    }
}

fn leads_to(route: &Object<'_>, service: &str) -> bool {
    let rules = route.node.path(&["spec", "rules"]);
    rules
        .into_iter()
        .flat_map(Node::items)
        .filter_map(|rule| rule.get("backendRefs"))
        .flat_map(Node::items)
        .any(|backend| backend.str_at(&["name"]) == Some(service))
}

fn parents<'a>(route: &Object<'a>) -> impl Iterator<Item = &'a Node> {
    let parents = route.node.path(&["spec", "parentRefs"]);
    parents.into_iter().flat_map(Node::items)
}

fn detached<'a>(
    manifests: &Manifests<'a>,
    route: &Object<'a>,
    parent: &Node,
    gateways: &[&Object<'a>],
) -> Option<Finding> {
    let name = parent.get("name")?;
    let namespace = parent
        .str_at(&["namespace"])
        .unwrap_or_else(|| manifests.namespace_of(route));
    let gateway = gateways
        .iter()
        .find(|gateway| name.as_str() == Some(gateway.name) && manifests.namespace_of(gateway) == namespace);
    let Some(gateway) = gateway else {
        let known: Vec<String> = gateways
            .iter()
            .map(|gateway| {
                format!(
                    "`{}` (namespace {})",
                    gateway.name,
                    manifests.namespace_of(gateway)
                )
            })
            .collect();
        let message = format!(
            "there is no Gateway `{}` in namespace `{namespace}`",
            name.as_str().unwrap_or_default()
        );
        let help = format!("set the parentRef to one of {}", known.join(", "));
        return Some(Finding::new(route.path, message, help).at(name.span.clone(), ""));
    };
    let section = parent.get("sectionName");
    let listeners = gateway.node.path(&["spec", "listeners"]);
    let is_https = |listener: &&Node| listener.str_at(&["protocol"]) == Some("HTTPS");
    let https = listeners
        .into_iter()
        .flat_map(Node::items)
        .filter(is_https)
        .find_map(|listener| listener.str_at(&["name"]))?;
    if section.and_then(Node::as_str) == Some(https) {
        return None;
    }
    let message = format!(
        "the route of Grafana is not attached to the HTTPS listener of `{}`",
        gateway.name
    );
    let span = section.unwrap_or(name).span.clone();
    Some(Finding::new(route.path, message, format!("set `sectionName: {https}`")).at(span, ""))
}
