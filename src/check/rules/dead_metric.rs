//! Alerts use metrics that exist.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "dead-metric",
    level: Severity::Error,
    summary: "an alert uses a metric that nothing exports any more",
    docs: include_str!("dead_metric.md"),
    run,
};

/// Metric, why it is dead, what to write.
/// Sources: fluxcd PRs "Remove deprecated object metrics" (Dec 2024), Cilium's upgrade notes, Envoy's statistics (one
/// counter with a label for the class), etcd's metrics (a counter, never below the last value).
const DEAD: &[(&str, &str, &str)] = &[
    (
        "gotk_reconcile_condition",
        "Flux no longer exports it",
        "use `gotk_resource_info{ready=\"False\"} == 1` of kube-state-metrics",
    ),
    (
        "gotk_suspend_status",
        "Flux no longer exports it",
        "use `gotk_resource_info{suspended=\"true\"} == 1` of kube-state-metrics",
    ),
    (
        "cilium_policy_import_errors_total",
        "Cilium no longer exports it",
        "use `cilium_policy_change_total{outcome=~\"fail.*\"}`",
    ),
    (
        "envoy_http_downstream_rq_5xx",
        "Envoy has one counter for all classes",
        "use `envoy_http_downstream_rq_xx{envoy_response_code_class=\"5\"}`",
    ),
    (
        "envoy_http_downstream_rq_4xx",
        "Envoy has one counter for all classes",
        "use `envoy_http_downstream_rq_xx{envoy_response_code_class=\"4\"}`",
    ),
    (
        "etcd_server_health_success",
        "a counter of good answers, it does not fall when they stop",
        "use `increase(etcd_server_health_failures[5m]) > 0`",
    ),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for object in &manifests.objects {
        let text = manifests.text(object.path);
        walk::entries(object.node, &mut |rule, key, value| {
            if key.as_str() != Some("expr") || value.as_str().is_none() {
                return;
            }
            let alert = rule.str_at(&["alert"]).or_else(|| rule.str_at(&["record"]));
            let alert = alert.unwrap_or(object.name);
            for (metric, why, instead) in DEAD {
                if let Some(span) = walk::word(text, value, metric, &['_', ':']) {
                    let message = format!("`{alert}` cannot work with the metric `{metric}`");
                    findings.push(Finding::new(object.path, message, *instead).at(span, *why));
                }
            }
        });
    }
}
