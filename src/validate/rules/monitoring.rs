//! Hubble, Loki and tracing build on monitoring.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "monitoring",
    codes: &["config/needs-monitoring"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let Some(monitoring) = facts
        .get::<bool>("/monitoring_enabled")
        .filter(|flag| !flag.value)
    else {
        return;
    };
    for key in ["hubble_enabled", "loki_enabled", "tracing_enabled"] {
        let Some(flag) = facts
            .written::<bool>(&format!("/{key}"))
            .filter(|flag| flag.value)
        else {
            continue;
        };
        let finding = Diagnostic::error(
            "config/needs-monitoring",
            format!("`{key}` needs `monitoring_enabled`, which is off"),
        )
        .at_opt(flag.span, "switched on here");
        let finding = match monitoring.span {
            Some(span) => finding.also(span, "switched off here"),
            None => finding,
        };
        out.push(finding.help(format!("write `monitoring_enabled: true`, or `{key}: false`")));
    }
}
