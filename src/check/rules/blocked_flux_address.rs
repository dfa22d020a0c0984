//! Flux reaches what its own objects name.

use std::collections::BTreeSet;

use yaml::Node;

use crate::check::helm::flag;
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
/// Cilium's policies, of a namespace and of all.
const CILIUM: &[&str] = &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];
const NAMESPACE: &str = "flux-system";

/// What the policies of a controller let it reach.
#[derive(Default)]
struct Reach {
    /// Whether anything is kept from it.
    denies: bool,
    /// Whether it reaches pods other than those of Flux and DNS.
    cluster: bool,
    /// Ranges of ports outside of the cluster.
    world: Vec<(u16, u16)>,
}

/// All ports.
const ANY: (u16, u16) = (0, u16::MAX);

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    if !is_judged(manifests) {
        return;
    }
    let reach = ["source-controller", "notification-controller"]
        .map(|controller| (controller, reach(manifests, controller)));
    let namespaces: BTreeSet<&str> = manifests.placed().iter().map(|placed| placed.namespace).collect();
    for object in manifests.objects.iter().filter(|object| is_flux(object)) {
        let Some((_, controller, key)) = ADDRESSES.iter().find(|(kind, ..)| *kind == object.kind) else {
            continue;
        };
        let reach = reach
            .iter()
            .find(|(of, _)| of == controller)
            .map(|(_, reach)| reach);
        let node = object.node.path(&["spec", key]).filter(|_| is_used(object));
        if let (Some(reach), Some(node)) = (reach.filter(|reach| reach.denies), node) {
            findings.extend(check(object, controller, reach, node, &namespaces));
        }
    }
}

/// Returns whether the tree says which policies there are: it installs Flux once, without the policies of its own that let
/// all pods of the namespace reach everything (`networkPolicy`, which is on by default).
fn is_judged(manifests: &Manifests<'_>) -> bool {
    let off = |value: Option<&Node>| value.and_then(flag) == Some(false);
    let objects = manifests.objects.iter();
    let instances = objects
        .filter(|object| object.kind == "FluxInstance")
        .map(|object| off(object.node.path(&["spec", "cluster", "networkPolicy"])));
    let releases = manifests
        .releases_of("flux-instance")
        .map(|release| off(release.values.get("instance.cluster.networkPolicy")));
    // As `flux bootstrap` writes it, policies included.
    let written = manifests
        .objects
        .iter()
        .filter(|object| object.kind == "Deployment" && object.name == "source-controller")
        .map(|_| true);
    let found: Vec<bool> = instances.chain(releases).chain(written).collect();
    found == [true]
}

/// Returns whether an object's address is the one that is connected to: it may be suspended, go through a proxy, or have
/// another address in a Secret.
fn is_used(object: &Object<'_>) -> bool {
    let has = |key: &str| object.node.path(&["spec", key]).is_some();
    let suspended = object.node.path(&["spec", "suspend"]).and_then(flag) == Some(true);
    let elsewhere = object.kind == "Provider" && has("secretRef");
    !suspended && !elsewhere && !has("proxy") && !has("proxySecretRef")
}

fn is_flux(object: &Object<'_>) -> bool {
    object.group().ends_with(".toolkit.fluxcd.io")
}

fn check(
    object: &Object<'_>,
    controller: &str,
    reach: &Reach,
    node: &Node,
    namespaces: &BTreeSet<&str>,
) -> Option<Finding> {
    let insecure = object.node.path(&["spec", "insecure"]).and_then(flag) == Some(true);
    let (host, port) = host_and_port(node.as_str()?, insecure)?;
    let in_cluster = match host.split_once('.') {
        None => true,
        Some((_, rest)) => rest.split('.').nth(1) == Some("svc") || namespaces.contains(rest),
    };
    let (reached, what) = if in_cluster {
        (reach.cluster, format!("`{host}`, which is in the cluster"))
    } else {
        let open = reach
            .world
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&port));
        (open, format!("`{host}` on port {port}"))
    };
    if reached {
        return None;
    }
    let message = format!(
        "{} `{}` needs {controller} to reach {what}, and no network policy of the tree allows it",
        object.kind, object.name
    );
    let help = format!(
        "add a CiliumNetworkPolicy to namespace `flux-system` that selects `app: {controller}` and has an `egress` rule for \
         it; policies add up"
    );
    Some(Finding::new(object.path, message, help).at(node.span.clone(), "dropped"))
}

/// Splits an address; `None` for one that a variable hides.
fn host_and_port(address: &str, insecure: bool) -> Option<(String, u16)> {
    let (scheme, rest) = match address.split_once("://") {
        Some(parts) => parts,
        None if insecure => ("http", address),
        None => ("https", address),
    };
    let authority = rest.split(['/', '?']).next()?;
    let authority = authority.rsplit('@').next()?;
    if authority.is_empty() || address.contains("${") {
        return None;
    }
    let default = match scheme {
        "http" => 80,
        "oci" if insecure => 80,
        "ssh" => 22,
        _ => 443,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, port),
            Err(_) => (authority, default),
        },
        None => (authority, default),
    };
    Some((host.to_owned(), port))
}

fn reach(manifests: &Manifests<'_>, controller: &str) -> Reach {
    let mut reach = Reach::default();
    for policy in &manifests.objects {
        let here = manifests.namespace_of(policy) == NAMESPACE;
        if policy.kind == "NetworkPolicy" && policy.group() == "networking.k8s.io" && here {
            of_kubernetes(&mut reach, policy, controller);
        }
        let everywhere = policy.kind == "CiliumClusterwideNetworkPolicy";
        if CILIUM.contains(&policy.kind) && (here || everywhere) {
            let specs = policy.node.get("specs").map(Node::items).unwrap_or_default();
            for spec in policy.node.get("spec").into_iter().chain(specs) {
                of_cilium(&mut reach, spec, controller);
            }
        }
    }
    reach
}

/// How much a selector is about a controller's pods.
#[derive(PartialEq)]
enum Selects {
    No,
    /// Its expressions are not looked at, so it may.
    Maybe,
    Yes,
}

fn selects(selector: &Node, controller: &str) -> Selects {
    let labels = selector.get("matchLabels").map(Node::entries).unwrap_or_default();
    let all = labels.iter().all(|(key, value)| {
        let key = key.as_str().unwrap_or_default();
        let wanted = match key.trim_start_matches("k8s:") {
            "app" | "app.kubernetes.io/component" => controller,
            "app.kubernetes.io/part-of" => "flux",
            "io.kubernetes.pod.namespace" => NAMESPACE,
            _ => return false,
        };
        value.as_str() == Some(wanted)
    });
    let expressions = selector.get("matchExpressions").map(Node::items);
    match (all, expressions.is_some_and(|list| !list.is_empty())) {
        (false, _) => Selects::No,
        (true, true) => Selects::Maybe,
        (true, false) => Selects::Yes,
    }
}

fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).map(Node::items).unwrap_or_default()
}

fn of_cilium(reach: &mut Reach, spec: &Node, controller: &str) {
    let rules = items(spec, "egress");
    // Without a selector for pods it is about nodes.
    let selected = spec
        .get("endpointSelector")
        .map_or(Selects::No, |selector| selects(selector, controller));
    if rules.is_empty() || selected == Selects::No {
        return;
    }
    // Without a word, a policy with rules denies everything else.
    let denies = spec.str_at(&["enableDefaultDeny", "egress"]) != Some("false");
    reach.denies |= denies && selected == Selects::Yes;
    for rule in rules {
        let to = |key: &str| !items(rule, key).is_empty();
        let entity = |names: &[&str]| {
            let mut entities = items(rule, "toEntities").iter();
            entities.any(|entity| entity.as_str().is_some_and(|name| names.contains(&name)))
        };
        let peers = rule.entries().iter().filter_map(|(key, _)| key.as_str());
        let is_open = !peers.clone().any(|key| key.starts_with("to") && key != "toPorts");
        // Peers that this does not know may be anything.
        let unknown = peers.clone().any(|key| {
            key.starts_with("to")
                && ![
                    "toPorts",
                    "toEntities",
                    "toEndpoints",
                    "toServices",
                    "toCIDR",
                    "toCIDRSet",
                    "toFQDNs",
                    "toNodes",
                ]
                .contains(&key)
        });
        let others = items(rule, "toEndpoints").iter().any(|endpoint| {
            let labels = endpoint.get("matchLabels").map(Node::entries).unwrap_or_default();
            !labels
                .iter()
                .any(|(_, value)| value.as_str().is_some_and(|value| OWN.contains(&value)))
        });
        reach.cluster |= is_open || unknown || others || to("toServices") || entity(&["cluster", "all"]);
        let addresses = to("toCIDR") || to("toCIDRSet") || to("toFQDNs");
        if is_open || unknown || addresses || entity(&["world", "world-ipv4", "world-ipv6", "all"]) {
            let entries = items(rule, "toPorts").iter();
            let entries: Vec<&Node> = entries.flat_map(|entry| items(entry, "ports")).collect();
            open(reach, &entries);
        }
    }
}

fn of_kubernetes(reach: &mut Reach, policy: &Object<'_>, controller: &str) {
    let Some(spec) = policy.node.get("spec") else {
        return;
    };
    let selected = spec
        .get("podSelector")
        .map_or(Selects::Yes, |selector| selects(selector, controller));
    let types = items(spec, "policyTypes");
    let is_about = match types {
        [] => spec.get("egress").is_some(),
        types => types.iter().any(|kind| kind.as_str() == Some("Egress")),
    };
    if !is_about || selected == Selects::No {
        return;
    }
    reach.denies |= selected == Selects::Yes;
    for rule in items(spec, "egress") {
        let peers = items(rule, "to");
        let ports: Vec<&Node> = items(rule, "ports").iter().collect();
        let is_open = peers.is_empty();
        reach.cluster |= is_open || peers.iter().any(|peer| peer.get("ipBlock").is_none());
        if is_open || peers.iter().any(|peer| peer.get("ipBlock").is_some()) {
            open(reach, &ports);
        }
    }
}

/// Opens the ports of a rule to the world: all where it names none, or one by a name.
fn open(reach: &mut Reach, ports: &[&Node]) {
    if ports.is_empty() {
        reach.world.push(ANY);
    }
    for entry in ports {
        let number = |key: &str| entry.str_at(&[key]).and_then(|port| port.parse::<u16>().ok());
        reach.world.push(match number("port") {
            None | Some(0) => ANY,
            Some(first) => (first, number("endPort").unwrap_or(first)),
        });
    }
}
