//! Metrics of the controller manager and the scheduler can be scraped: over TLS, from outside their host.

use crate::check::control_plane::{scrapers, wants, wants_controllers, wants_endpoints, wants_patch};
use crate::check::helm::VICTORIA_METRICS;
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unscrapable-control-plane",
    level: Severity::Error,
    summary: "the controller manager or the scheduler is scraped in a way that Talos does not answer",
    docs: include_str!("unscrapable_control_plane.md"),
    run,
};

struct Component {
    /// In both charts.
    key: &'static str,
    /// In a Talos patch.
    talos: &'static str,
    port: &'static str,
    /// What its certificate is made out to.
    server: &'static str,
}

const COMPONENTS: &[Component] = &[
    Component {
        key: "kubeControllerManager",
        talos: "controllerManager",
        port: "10257",
        server: "localhost",
    },
    Component {
        key: "kubeScheduler",
        talos: "scheduler",
        port: "10259",
        server: "127.0.0.1",
    },
];

const TLS: &str = "Talos serves it over TLS, with a certificate that it signed itself";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for component in COMPONENTS {
        let key = component.key;
        let releases = scrapers(manifests, key);
        for release in &releases {
            wants_controllers(manifests, release, key, findings);
            if release.chart == VICTORIA_METRICS {
                let wanted = [
                    ("scheme", "https"),
                    ("port", "http-metrics"),
                    ("tlsConfig.insecureSkipVerify", "true"),
                    ("tlsConfig.serverName", component.server),
                ];
                wants_endpoints(release, key, &wanted, TLS, findings);
                continue;
            }
            let why = format!("Talos serves it on port {}", component.port);
            for port in ["port", "targetPort"] {
                let path = format!("{key}.service.{port}");
                wants(release, &path, component.port, &why, findings);
            }
            for flag in ["https", "insecureSkipVerify"] {
                wants(
                    release,
                    &format!("{key}.serviceMonitor.{flag}"),
                    "true",
                    TLS,
                    findings,
                );
            }
        }
        if !releases.is_empty() {
            let keys = ["cluster", component.talos, "extraArgs", "bind-address"];
            wants_patch(
                manifests,
                &keys,
                "0.0.0.0",
                "it listens on localhost alone",
                findings,
            );
        }
    }
}
