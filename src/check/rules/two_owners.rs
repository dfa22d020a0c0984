//! Every component of the observability stack has one owner.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::releases::InstalledChart;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "two-owners",
    level: Severity::Error,
    summary: "two charts run the same component, or a chart runs what another one is there for",
    docs: include_str!("two_owners.md"),
    run,
};

/// A chart that can run a component.
struct Owner {
    chart: &'static str,
    /// The value that switches it; empty when the chart is the component.
    switch: &'static [&'static str],
    /// What the chart does when the value is not set.
    default: bool,
}

const fn chart(chart: &'static str) -> Owner {
    Owner {
        chart,
        switch: &[],
        default: true,
    }
}

const fn part(chart: &'static str, switch: &'static [&'static str], default: bool) -> Owner {
    Owner {
        chart,
        switch,
        default,
    }
}

const VICTORIA: &str = "victoria-metrics-k8s-stack";
const PROMETHEUS: &str = "kube-prometheus-stack";

/// Component and who can own it; of those that do, the first in the list keeps it.
/// Source: REQUIREMENTS.md 4.6, the defaults in the charts' values.yaml.
const COMPONENTS: &[(&str, &[Owner])] = &[
    (
        "Grafana",
        &[
            part(VICTORIA, &["grafana", "enabled"], true),
            part(PROMETHEUS, &["grafana", "enabled"], true),
            part("loki", &["grafana", "enabled"], false),
            part("loki-stack", &["grafana", "enabled"], false),
            chart("grafana"),
        ],
    ),
    (
        "Alertmanager",
        &[
            part(VICTORIA, &["alertmanager", "enabled"], true),
            part(PROMETHEUS, &["alertmanager", "enabled"], true),
            part("prometheus", &["alertmanager", "enabled"], true),
            chart("alertmanager"),
        ],
    ),
    (
        "node-exporter",
        &[
            part(VICTORIA, &["prometheus-node-exporter", "enabled"], true),
            part(PROMETHEUS, &["nodeExporter", "enabled"], true),
            part("prometheus", &["prometheus-node-exporter", "enabled"], true),
            chart("prometheus-node-exporter"),
        ],
    ),
    (
        "kube-state-metrics",
        &[
            part(VICTORIA, &["kube-state-metrics", "enabled"], true),
            part(PROMETHEUS, &["kubeStateMetrics", "enabled"], true),
            part("prometheus", &["kube-state-metrics", "enabled"], true),
            chart("kube-state-metrics"),
        ],
    ),
    (
        "metrics backend",
        &[
            part(VICTORIA, &["vmsingle", "enabled"], true),
            part(PROMETHEUS, &["prometheus", "enabled"], true),
            chart("prometheus"),
            chart("victoria-metrics-single"),
            chart("victoria-metrics-cluster"),
        ],
    ),
    (
        "log collector",
        &[
            chart("alloy"),
            part("loki", &["promtail", "enabled"], false),
            part("loki-stack", &["promtail", "enabled"], true),
            chart("fluent-bit"),
            chart("fluentd"),
            chart("vector"),
        ],
    ),
    ("Tempo", &[chart("tempo"), chart("tempo-distributed")]),
];

/// Charts that have no place in the tree, and what does their work.
const STRAYS: &[(&str, &str)] = &[
    (
        "promtail",
        "Alloy collects the logs; Promtail is no longer maintained",
    ),
    (
        "grafana-agent",
        "Alloy takes its place; the agent is no longer maintained",
    ),
    (
        "grafana-agent-operator",
        "Alloy takes its place; the agent is no longer maintained",
    ),
    (
        "opentelemetry-collector",
        "Alloy receives OTLP and sends it to Tempo",
    ),
    (
        "opentelemetry-operator",
        "Alloy receives OTLP and sends it to Tempo",
    ),
    ("hubble", "Hubble is part of the chart cilium"),
    ("hubble-ui", "Hubble is part of the chart cilium"),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let releases = manifests.releases();
    for (component, owners) in COMPONENTS {
        let mut owning = owners.iter().flat_map(|owner| {
            let releases = releases.iter().filter(|release| owner.runs(release));
            releases.map(move |release| (owner, release))
        });
        let Some((_, first)) = owning.next() else {
            continue;
        };
        for (owner, second) in owning {
            findings.push(owner.finding(component, first, second));
        }
    }
    for release in &releases {
        if let Some((chart, instead)) = STRAYS.iter().find(|(chart, _)| *chart == release.chart) {
            let message = format!(
                "HelmRelease `{}` installs {chart}, which has no part here",
                release.object.name
            );
            let finding = Finding::new(release.object.path, message, "remove the release");
            findings.push(finding.at(name_span(release), *instead));
        }
    }
}

impl Owner {
    fn runs(&self, release: &InstalledChart<'_>) -> bool {
        if release.chart != self.chart {
            return false;
        }
        match release.value(self.switch).and_then(Node::as_str) {
            Some("true") if !self.switch.is_empty() => true,
            Some("false") if !self.switch.is_empty() => false,
            _ => self.default,
        }
    }

    fn finding(&self, component: &str, first: &InstalledChart<'_>, second: &InstalledChart<'_>) -> Finding {
        let names = [first, second].map(|release| format!("`{}`", release.object.name));
        let message = format!("{component} has two owners: HelmReleases {}", names.join(" and "));
        let help = if self.switch.is_empty() {
            format!("remove HelmRelease {}", names[1])
        } else {
            format!(
                "set `{}: false` in the values of {}",
                self.switch.join("."),
                names[1]
            )
        };
        let switch = second.value(self.switch).filter(|_| !self.switch.is_empty());
        let span = switch.map_or_else(|| name_span(second), |switch| switch.span.clone());
        let label = if switch.is_none() && !self.switch.is_empty() {
            "on by default"
        } else {
            ""
        };
        let mut finding = Finding::new(second.object.path, message, help).at(span, label);
        let also = (first.object.path.clone(), name_span(first), "owns it".to_owned());
        finding.also.push(also);
        finding
    }
}

fn name_span(release: &InstalledChart<'_>) -> std::ops::Range<usize> {
    let name = release.object.node.path(&["metadata", "name"]);
    name.map(|name| name.span.clone()).unwrap_or_default()
}
