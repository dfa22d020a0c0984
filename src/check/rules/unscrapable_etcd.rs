//! Metrics of etcd can be scraped: at the controllers, port 2381, in plain HTTP.

use crate::check::control_plane::{scrapers, wants, wants_controllers, wants_endpoints, wants_patch};
use crate::check::helm::VICTORIA_METRICS;
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unscrapable-etcd",
    level: Severity::Error,
    summary: "etcd is scraped in a way that Talos does not answer, or not on every controller",
    docs: include_str!("unscrapable_etcd.md"),
    run,
};

const ETCD: &str = "kubeEtcd";
const PORT: &str = "2381";
const PLAIN: &str = "Talos serves etcd's metrics in plain HTTP";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let releases = scrapers(manifests, ETCD);
    for release in &releases {
        wants_controllers(manifests, release, ETCD, findings);
        for port in ["port", "targetPort"] {
            let path = format!("{ETCD}.service.{port}");
            wants(
                release,
                &path,
                PORT,
                "Talos serves etcd's metrics on port 2381",
                findings,
            );
        }
        if release.chart == VICTORIA_METRICS {
            wants_endpoints(release, ETCD, &[("scheme", "http")], PLAIN, findings);
        } else if release.values.get("kubeEtcd.serviceMonitor.scheme").is_some() {
            // Plain HTTP is this chart's default.
            wants(release, "kubeEtcd.serviceMonitor.scheme", "http", PLAIN, findings);
        }
    }
    if !releases.is_empty() {
        let keys = ["cluster", "etcd", "extraArgs", "listen-metrics-urls"];
        let why = "etcd serves no metrics that can be reached";
        wants_patch(manifests, &keys, "http://0.0.0.0:2381", why, findings);
    }
}
