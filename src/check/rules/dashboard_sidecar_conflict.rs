//! Grafana of the VictoriaMetrics stack has dashboards from values or from its sidecar, not both.

use crate::check::helm::VICTORIA_METRICS;
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "dashboard-sidecar-conflict",
    level: Severity::Error,
    summary: "the VictoriaMetrics stack has `grafana.dashboards` beside Grafana's dashboard sidecar",
    docs: include_str!("dashboard_sidecar_conflict.md"),
    run,
};

const DASHBOARDS: &str = "grafana.dashboards";
const SIDECAR: &str = "grafana.sidecar.dashboards.enabled";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests.releases_of(VICTORIA_METRICS) {
        let values = &release.values;
        let Some((key, dashboards)) = values.entry(DASHBOARDS) else {
            continue;
        };
        if release.grafana().is_none()
            || dashboards.entries().is_empty()
            || values.flag(SIDECAR) == Some(false)
        {
            continue;
        }
        let message =
            format!("the chart refuses `{DASHBOARDS}` beside the dashboard sidecar, which is on by default");
        let help = format!(
            "ship them as ConfigMaps with the label `grafana_dashboard: \"1\"`, or set `{SIDECAR}: false` and lose those \
             that charts ship"
        );
        let mut finding = release.finding(SIDECAR, message, "", help);
        if values.get("grafana.sidecar").is_some() {
            finding.also.push((
                release.object.path.clone(),
                key.span.clone(),
                "dashboards from values".to_owned(),
            ));
        } else {
            finding = finding.at(key.span.clone(), "dashboards from values");
        }
        findings.push(finding);
    }
}
