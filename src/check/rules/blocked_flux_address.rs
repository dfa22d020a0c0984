//! Flux reaches what its own objects name.

use std::collections::BTreeSet;

use yaml::Node;

use crate::check::manifests::{Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "blocked-flux-address",
    level: Severity::Warning,
    summary: "network policies keep a controller of Flux from an address that one of its objects names",
    docs: include_str!("blocked_flux_address.md"),
    run,
};

/// Kinds with the controller that connects to their address, and where the address stands.
/// Source: the API reference of Flux, source and notification controllers.
const ADDRESSES: &[(&str, &str, &str)] = &[
    ("Bucket", "source-controller", "endpoint"),
    ("GitRepository", "source-controller", "url"),
    ("HelmRepository", "source-controller", "url"),
    ("OCIRepository", "source-controller", "url"),
    ("Provider", "notification-controller", "address"),
];
/// Pods of these controllers are no address of an object.
const OWN: &[&str] = &["kube-dns", "source-controller", "notification-controller"];
const POLICIES: &[&str] = &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];

/// What the policies of a controller let it reach.
#[derive(Default)]
struct Reach {
    /// Whether anything is kept from it.
    denies: bool,
    /// Whether it reaches pods other than those of Flux and DNS.
    cluster: bool,
    /// Ports outside of the cluster; an empty text is every port.
    world: Vec<String>,
}

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let policies: Vec<&Object<'_>> = manifests
        .objects
        .iter()
        .filter(|object| POLICIES.contains(&object.kind))
        .collect();
    if policies.is_empty() {
        return;
    }
    let reach = ["source-controller", "notification-controller"]
        .map(|controller| (controller, reach(manifests, &policies, controller)));
    let namespaces: BTreeSet<&str> = manifests.placed().iter().map(|placed| placed.namespace).collect();
    for object in manifests.objects.iter().filter(|object| is_flux(object)) {
        let Some((_, controller, key)) = ADDRESSES.iter().find(|(kind, ..)| *kind == object.kind) else {
            continue;
        };
        let reach = reach
            .iter()
            .find(|(of, _)| of == controller)
            .map(|(_, reach)| reach);
        let node = object.node.path(&["spec", key]);
        if let (Some(reach), Some(node)) = (reach.filter(|reach| reach.denies), node) {
            findings.extend(check(object, (controller, reach), node, &namespaces));
        }
    }
}

fn is_flux(object: &Object<'_>) -> bool {
    object.group().ends_with(".toolkit.fluxcd.io")
}

fn check(
    object: &Object<'_>,
    (controller, reach): (&str, &Reach),
    node: &Node,
    namespaces: &BTreeSet<&str>,
) -> Option<Finding> {
    let (host, port) = host_and_port(node.as_str()?)?;
    let in_cluster = match host.split_once('.') {
        None => true,
        Some((_, rest)) => rest.split('.').nth(1) == Some("svc") || namespaces.contains(rest),
    };
    let (reached, what) = if in_cluster {
        (reach.cluster, format!("`{host}`, which is in the cluster"))
    } else {
        let open = reach.world.iter().any(|open| open.is_empty() || *open == port);
        (open, format!("`{host}` on port {port}"))
    };
    if reached {
        return None;
    }
    let message = format!(
        "{} `{}` needs {controller} to reach {what}, and no network policy allows it",
        object.kind, object.name
    );
    let help = format!(
        "add a CiliumNetworkPolicy to namespace `flux-system` that selects `app: {controller}` and has an `egress` rule for \
         it; policies add up"
    );
    Some(Finding::new(object.path, message, help).at(node.span.clone(), "dropped"))
}

/// Splits an address; `None` for one that a variable hides.
fn host_and_port(address: &str) -> Option<(String, String)> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
    let authority = rest.split(['/', '?']).next()?;
    let authority = authority.rsplit('@').next()?;
    if authority.is_empty() || address.contains("${") {
        return None;
    }
    let default = match scheme {
        "http" => "80",
        "ssh" => "22",
        _ => "443",
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => (host, port),
        _ => (authority, default),
    };
    Some((host.to_owned(), port.to_owned()))
}

fn reach<'a>(manifests: &Manifests<'a>, policies: &[&Object<'a>], controller: &str) -> Reach {
    let mut reach = Reach::default();
    for policy in policies {
        let Some(spec) = policy.node.get("spec") else {
            continue;
        };
        let everywhere = policy.kind == "CiliumClusterwideNetworkPolicy";
        let here = everywhere || manifests.namespace_of(policy) == "flux-system";
        let rules = spec.get("egress").map(Node::items).unwrap_or_default();
        if rules.is_empty() || !here || !selects(spec, controller) {
            continue;
        }
        // Without a word, a policy with rules denies everything else.
        reach.denies |= spec.str_at(&["enableDefaultDeny", "egress"]) != Some("false");
        for rule in rules {
            add(&mut reach, rule);
        }
    }
    reach
}

/// Returns whether a policy is about the controller's pods; expressions count as if they were.
fn selects(spec: &Node, controller: &str) -> bool {
    let labels = spec.path(&["endpointSelector", "matchLabels"]);
    labels
        .map(Node::entries)
        .unwrap_or_default()
        .iter()
        .all(|(key, value)| {
            let key = key.as_str().unwrap_or_default();
            let wanted = match key.trim_start_matches("k8s:") {
                "app" | "app.kubernetes.io/component" => controller,
                "app.kubernetes.io/part-of" => "flux",
                "io.kubernetes.pod.namespace" => "flux-system",
                _ => return false,
            };
            value.as_str() == Some(wanted)
        })
}

fn add(reach: &mut Reach, rule: &Node) {
    let items = |key: &str| rule.get(key).map(Node::items).unwrap_or_default();
    let entity = |names: &[&str]| {
        let mut entities = items("toEntities").iter();
        entities.any(|entity| entity.as_str().is_some_and(|name| names.contains(&name)))
    };
    let everywhere = !rule.entries().iter().any(|(key, _)| {
        key.as_str()
            .is_some_and(|key| key.starts_with("to") && key != "toPorts")
    });
    let others = items("toEndpoints").iter().any(|endpoint| {
        let labels = endpoint.get("matchLabels").map(Node::entries).unwrap_or_default();
        !labels
            .iter()
            .any(|(_, value)| value.as_str().is_some_and(|value| OWN.contains(&value)))
    });
    let services = !items("toServices").is_empty();
    reach.cluster |= everywhere || others || services || entity(&["cluster", "all"]);
    let addresses = ["toCIDR", "toCIDRSet", "toFQDNs"]
        .iter()
        .any(|key| !items(key).is_empty());
    if everywhere || addresses || entity(&["world", "world-ipv4", "world-ipv6", "all"]) {
        let ports = items("toPorts").iter();
        let ports = ports.flat_map(|entry| entry.get("ports").map(Node::items).unwrap_or_default());
        let before = reach.world.len();
        reach
            .world
            .extend(ports.filter_map(|port| port.str_at(&["port"])).map(str::to_owned));
        if reach.world.len() == before {
            reach.world.push(String::new());
        }
    }
}
