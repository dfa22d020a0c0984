//! Grafana is never installed with a password that everyone knows.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "grafana_password",
    codes: &["config/missing-grafana-password"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    if !facts.is_on("monitoring_enabled") || facts.has("grafana_admin_password") {
        return;
    }
    out.push(
        Diagnostic::error(
            "config/missing-grafana-password",
            "monitoring needs `grafana_admin_password`, which is not set",
        )
        .at_opt(facts.key_span("monitoring_enabled"), "installs Grafana")
        .help("add `grafana_admin_password: ` with at least 8 characters, before the first deployment"),
    );
}
