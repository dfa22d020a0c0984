//! A policy that lets pods talk to the Kubernetes API opens the port that Cilium sees.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "closed-apiserver-port",
    level: Severity::Error,
    summary: "a policy for the entity kube-apiserver does not open port 6443",
    docs: include_str!("closed_apiserver_port.md"),
    run,
};

/// The API server's own port.
const PORT: u16 = 6443;

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let kinds = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];
    for policy in manifests.objects.iter().filter(|o| kinds.contains(&o.kind)) {
        walk::entries(policy.node, &mut |_, key, rules| {
            if key.as_str() != Some("egress") {
                return;
            }
            for rule in rules.items().iter().filter(|rule| to_apiserver(rule)) {
                let Some(ports) = closed(rule) else { continue };
                let message = format!(
                    "{} `{}` lets pods reach kube-apiserver, but not its port {PORT}",
                    policy.kind, policy.name
                );
                let help = format!("add `- {{port: \"{PORT}\", protocol: TCP}}` to these `ports`");
                let place = ports.entry("ports").map_or(ports, |(key, _)| key);
                let finding = Finding::new(policy.path, message, help);
                findings.push(finding.at(place.span.clone(), "seen after the Service's port is translated"));
            }
        });
    }
}

fn to_apiserver(rule: &Node) -> bool {
    let entities = rule.get("toEntities").map(Node::items).unwrap_or_default();
    entities
        .iter()
        .any(|entity| entity.as_str() == Some("kube-apiserver"))
}

/// Returns the first `toPorts` entry of a rule that opens some ports over TCP, but not the API server's.
fn closed(rule: &Node) -> Option<&Node> {
    let groups = rule.get("toPorts").map(Node::items).unwrap_or_default();
    let opens = |port: &Node| {
        let number = |key: &str| port.get(key)?.as_str()?.parse::<u16>().ok();
        let Some(first) = number("port") else { return true };
        let tcp = port
            .str_at(&["protocol"])
            .is_none_or(|name| matches!(name, "TCP" | "ANY"));
        tcp && (first == 0 || (first..=number("endPort").unwrap_or(first)).contains(&PORT))
    };
    let open = groups.iter().any(|group| match group.get("ports") {
        Some(ports) => ports.items().iter().any(opens),
        None => true,
    });
    if open { None } else { groups.first() }
}
