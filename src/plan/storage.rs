//! Volumes need a storage class that something provides.

use std::collections::BTreeSet;

use super::Plan;
use crate::config::Observability;
use crate::diag::{Diagnostic, Diagnostics};
use crate::source::Span;

/// Warns of a `storage_class` that no app of the plan creates, unless the configuration says that it comes from
/// elsewhere. `place` tells where a key of `cluster.yaml` is written.
pub fn check_storage_class(
    plan: &Plan,
    observability: &Observability,
    place: impl Fn(&str) -> Option<Span>,
    diags: &mut Diagnostics,
) {
    let Observability {
        monitoring_enabled,
        storage_class_external,
        storage_class,
        ..
    } = observability;
    let created: BTreeSet<&str> = plan
        .enabled()
        .flat_map(|planned| &planned.app.manifest.provides.storage_classes)
        .map(String::as_str)
        .collect();
    if !monitoring_enabled || *storage_class_external || created.contains(storage_class.as_str()) {
        return;
    }
    let span = place("storage_class");
    let named = match span {
        Some(_) => format!("`storage_class` ({storage_class})"),
        None => format!("`storage_class` ({storage_class} by default)"),
    };
    let message = format!(
        "nothing that is rendered creates {named}: volumes of the monitoring apps would wait forever"
    );
    let finding = Diagnostic::warning("config/unknown-storage-class", message).at_opt(
        span.or_else(|| place("monitoring_enabled")),
        "its volumes need a storage class",
    );
    let finding = match created.first() {
        Some(class) => finding.help(format!("write `storage_class: {class}`, which an app creates")),
        None => finding,
    };
    diags.push(finding.help("if the class comes from elsewhere, write `storage_class_external: true`"));
}
