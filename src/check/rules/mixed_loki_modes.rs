//! Loki runs in one deployment mode.

use crate::check::helm::Release;
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "mixed-loki-modes",
    level: Severity::Error,
    summary: "Loki has replicas of components that do not belong to its deployment mode",
    docs: include_str!("mixed_loki_modes.md"),
    run,
};

const SCALABLE: &[&str] = &["backend", "read", "write"];
const DISTRIBUTED: &[&str] = &[
    "ingester",
    "querier",
    "queryFrontend",
    "queryScheduler",
    "distributor",
    "compactor",
    "indexGateway",
    "bloomCompactor",
    "bloomGateway",
];
const SINGLE: &[&str] = &["singleBinary"];
/// A component that the chart has up to 6.11; from 6.12 on others, off by default, do its work. Source: values.yaml of both.
const GONE: &str = "bloomCompactor";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests
        .releases_of("loki")
        .filter(|release| release.at_least(6, 0, 0))
    {
        let mode = release.values.text("deploymentMode").unwrap_or("SimpleScalable");
        let others: &[&[&str]] = match mode {
            "SingleBinary" => &[SCALABLE, DISTRIBUTED],
            "SimpleScalable" => &[DISTRIBUTED, SINGLE],
            "Distributed" => &[SCALABLE, SINGLE],
            // Migrations run two modes at once.
            _ => continue,
        };
        let mut others = others.concat();
        others.retain(|component| *component != GONE || !release.at_least(6, 12, 0));
        check(release, mode, &others, findings);
    }
}

fn check(release: &Release<'_>, mode: &str, others: &[&str], findings: &mut Vec<Finding>) {
    let mut unset = Vec::new();
    for component in others {
        let path = format!("{component}.replicas");
        match release.values.text(&path) {
            Some("0") => {}
            Some(_) => {
                let message = format!("`{component}` does not belong to Loki's mode {mode}");
                findings.push(release.finding(&path, message, "", format!("set `{path}: 0`")));
            }
            None => unset.push(format!("`{path}: 0`")),
        }
    }
    if !unset.is_empty() {
        let message = format!("Loki's mode is {mode}, and components of other modes are not switched off");
        let help = format!("set {}", unset.join(", "));
        findings.push(release.finding("deploymentMode", message, "", help));
    }
}
