//! The network policy of flux-operator's chart does not cut off its metrics.

use yaml::Node;

use crate::check::manifests::{Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "blocked-flux-operator-metrics",
    level: Severity::Error,
    summary: "the network policy of flux-operator's chart admits the web port alone",
    docs: include_str!("blocked_flux_operator_metrics.md"),
    run,
};

const SWITCH: &str = "web.networkPolicy.create";
/// A key that older texts name and the chart never read.
const DEAD: &str = "webui";
const METRICS: &str = "8080";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests.releases_of("flux-operator") {
        if let Some((key, _)) = release.values.entry(DEAD) {
            let message = format!("the chart does not read `{DEAD}`");
            let help = "rename it to `web`";
            findings.push(Finding::new(release.object.path, message, help).at(key.span.clone(), "ignored"));
            if release.values.get("web").is_none() {
                // Renaming mends what it was meant for.
                continue;
            }
        }
        let admitted = manifests
            .objects
            .iter()
            .filter(|object| manifests.namespace_of(object) == release.namespace)
            .any(|object| admits(object, release.name));
        if release.values.flag(SWITCH) == Some(false) || admitted {
            continue;
        }
        let message =
            "the chart's network policy admits the web port 9080 alone and cuts off the metrics on 8080";
        let help = format!("set `{SWITCH}: false`, or add a policy that admits 9080 and 8080");
        findings.push(release.finding(SWITCH, message, "", help));
    }
}

/// Returns whether a policy lets the metrics of an application in.
fn admits(policy: &Object<'_>, name: &str) -> bool {
    let selector = match policy.kind {
        "NetworkPolicy" => "podSelector",
        "CiliumNetworkPolicy" => "endpointSelector",
        _ => return false,
    };
    let spec = policy.node.get("spec");
    let labels = spec
        .and_then(|spec| spec.path(&[selector, "matchLabels"]))
        .map(Node::entries)
        .unwrap_or_default();
    labels.iter().all(|(_, value)| value.as_str() == Some(name))
        && spec
            .and_then(|spec| spec.get("ingress"))
            .is_some_and(|ingress| any_port(ingress, METRICS))
}

fn any_port(node: &Node, port: &str) -> bool {
    let here = node.get("port").and_then(Node::as_str) == Some(port);
    here || node.items().iter().any(|item| any_port(item, port))
        || node.entries().iter().any(|(_, value)| any_port(value, port))
}
