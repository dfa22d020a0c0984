//! A chart that brings a network policy does not lock out who scrapes it.

use crate::check::helm::flag;
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "network-policy-beside-monitor",
    level: Severity::Warning,
    summary: "a chart makes a network policy and is scraped",
    docs: include_str!("network_policy_beside_monitor.md"),
    run,
};

const SWITCHES: &[&str] = &["enabled", "create"];
const MONITORS: &[&str] = &["serviceMonitor", "podMonitor", "vmServiceScrape", "vmPodScrape"];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in &manifests.releases {
        // `blocked-flux-operator-metrics` knows it better.
        if release.chart == "flux-operator" {
            continue;
        }
        let mut policies = Vec::new();
        let mut monitor = None;
        release.values.visit(&mut |path, _, value| {
            let [.., parent, last] = path else {
                return;
            };
            if flag(value) != Some(true) || !SWITCHES.contains(last) {
                return;
            }
            if *parent == "networkPolicy" {
                policies.push((path.join("."), value.span.clone()));
            } else if MONITORS.contains(parent) {
                monitor.get_or_insert((path.join("."), value.span.clone()));
            }
        });
        let Some((scraped, place)) = monitor else {
            continue;
        };
        for (path, span) in policies {
            let message = format!("the policy of `{path}` may cut off the scraper of `{scraped}`");
            let help = format!("set `{path}: false`, and write a policy that admits the metrics port");
            let mut finding = Finding::new(release.object.path, message, help).at(span, "");
            let also = (release.object.path.clone(), place.clone(), "scraped".to_owned());
            finding.also.push(also);
            findings.push(finding);
        }
    }
}
