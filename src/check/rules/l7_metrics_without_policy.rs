//! Hubble's layer 7 metrics have a policy that fills them.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "l7-metrics-without-policy",
    level: Severity::Note,
    summary: "Hubble counts DNS or HTTP, and no policy sends that traffic through the layer 7 proxy",
    docs: include_str!("l7_metrics_without_policy.md"),
    run,
};

const METRICS: &str = "hubble.metrics.enabled";
const POLICIES: &[&str] = &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];

/// The start of a metric's name, and an example of what fills it.
const PROTOCOLS: &[(&str, &str)] = &[
    (
        "dns",
        "egress to port 53 (ANY) with `rules: {dns: [{matchPattern: \"*\"}]}`",
    ),
    (
        "http",
        "ingress to the application's port with `rules: {http: [{}]}`",
    ),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests.releases_of("cilium") {
        if release.values.flag("hubble.enabled") == Some(false) {
            continue;
        }
        for (protocol, rule) in PROTOCOLS {
            let filled = manifests
                .objects
                .iter()
                .filter(|object| POLICIES.contains(&object.kind))
                .any(|object| has_rule(object.node, protocol));
            let metric = release
                .values
                .items(METRICS)
                .find(|metric| metric.as_str().is_some_and(|name| name.starts_with(protocol)));
            let Some(metric) = metric.filter(|_| !filled) else {
                continue;
            };
            let message = format!("no policy has a rule for {protocol}, so this metric stays empty");
            let help = format!("add a policy with a layer 7 rule, such as {rule}, or expect empty panels");
            findings.push(Finding::new(release.object.path, message, help).at(metric.span.clone(), "empty"));
        }
    }
}

fn has_rule(node: &Node, protocol: &str) -> bool {
    node.get("rules")
        .is_some_and(|rules| rules.get(protocol).is_some())
        || node.items().iter().any(|item| has_rule(item, protocol))
        || node.entries().iter().any(|(_, value)| has_rule(value, protocol))
}
