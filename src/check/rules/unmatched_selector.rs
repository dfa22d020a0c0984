//! Policies select pods that exist.

use std::collections::BTreeSet;

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unmatched-selector",
    level: Severity::Error,
    summary: "a network policy selects pods by a label that none of them has",
    docs: include_str!("unmatched_selector.md"),
    run,
};

const POLICIES: &[&str] = &[
    "CiliumClusterwideNetworkPolicy",
    "CiliumNetworkPolicy",
    "NetworkPolicy",
];
/// Labels that carry the name of a Gateway.
const GATEWAY_LABELS: &[&str] = &[
    "gateway.envoyproxy.io/owning-gateway-name",
    "gateway.networking.k8s.io/gateway-name",
    "io.cilium.gateway/owning-gateway",
];
const NAME: &str = "app.kubernetes.io/name";
const VICTORIA: &str = "victoria-metrics-k8s-stack";
const PROMETHEUS: &str = "kube-prometheus-stack";
/// Pod names of the stack that is not rendered, and their counterparts: the chart, its name, the other's.
const STACKS: &[(&str, &str, &str)] = &[
    (VICTORIA, "vmagent", "prometheus"),
    (VICTORIA, "vmsingle", "prometheus"),
    (VICTORIA, "vmalertmanager", "alertmanager"),
    (PROMETHEUS, "prometheus", "vmagent"),
    (PROMETHEUS, "alertmanager", "vmalertmanager"),
];

/// What the tree renders.
struct Facts<'a> {
    gateways: BTreeSet<&'a str>,
    /// The one metrics stack, nothing when there is none or both.
    stack: Option<&'static str>,
}

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let gateways = manifests.objects.iter().filter(|object| object.kind == "Gateway");
    let charts: BTreeSet<&str> = manifests.releases().iter().map(|release| release.chart).collect();
    let facts = Facts {
        gateways: gateways.map(|gateway| gateway.name).collect(),
        stack: match (charts.contains(VICTORIA), charts.contains(PROMETHEUS)) {
            (true, false) => Some(VICTORIA),
            (false, true) => Some(PROMETHEUS),
            _ => None,
        },
    };
    for policy in manifests.objects.iter().filter(|o| POLICIES.contains(&o.kind)) {
        walk::entries(policy.node, &mut |mapping, key, value| {
            let mut check = |label: Option<&str>, value: &Node| {
                let Some((why, help)) = label.and_then(|label| facts.problem(label, value.as_str()?)) else {
                    return;
                };
                let value_text = value.as_str().unwrap_or_default();
                let message = format!(
                    "{} `{}` selects pods that do not exist: {} is never `{value_text}`",
                    policy.kind,
                    policy.name,
                    label.unwrap_or_default()
                );
                findings.push(Finding::new(policy.path, message, help).at(value.span.clone(), why));
            };
            match key.as_str() {
                Some("matchLabels") => {
                    for (label, value) in value.entries() {
                        check(label.as_str(), value);
                    }
                }
                Some("values") if mapping.str_at(&["operator"]) == Some("In") => {
                    for value in value.items() {
                        check(mapping.str_at(&["key"]), value);
                    }
                }
                _ => {}
            }
        });
    }
}

impl Facts<'_> {
    /// Returns why no pod has a label, and the edit.
    fn problem(&self, label: &str, value: &str) -> Option<(String, String)> {
        let label = label.split_once(':').map_or(label, |(_, label)| label);
        if GATEWAY_LABELS.contains(&label) && !self.gateways.is_empty() && !self.gateways.contains(value) {
            let names: Vec<String> = self.gateways.iter().map(|name| format!("`{name}`")).collect();
            let likely = self
                .gateways
                .iter()
                .find(|name| name.ends_with(&format!("-{value}")));
            let help = match likely {
                Some(name) => format!("write `{name}`"),
                None => format!("write the name of a Gateway: {}", names.join(", ")),
            };
            return Some((format!("the Gateways are {}", names.join(", ")), help));
        }
        if label == "k8s-app" && value == "coredns" {
            let why = "CoreDNS keeps the label of kube-dns".to_owned();
            return Some((why, "write `kube-dns`".to_owned()));
        }
        let stack = self.stack?;
        let (chart, _, instead) = STACKS
            .iter()
            .find(|(chart, name, _)| label == NAME && *name == value && *chart != stack)?;
        Some((
            format!("of {chart}, which is not rendered"),
            format!("write `{instead}`"),
        ))
    }
}
