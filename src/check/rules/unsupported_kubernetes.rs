//! Talos supports some versions of Kubernetes.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::talos;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unsupported-kubernetes",
    level: Severity::Warning,
    summary: "the nodes' version of Talos does not support their version of Kubernetes",
    docs: include_str!("unsupported_kubernetes.md"),
    run,
};

/// Minor versions: Talos 1.x, the oldest and the newest Kubernetes 1.x that it supports.
/// Source: `pkg/machinery/compatibility/talos1*` in Talos.
const SUPPORTED: &[(u64, u64, u64)] = &[
    (8, 26, 31),
    (9, 27, 32),
    (10, 28, 33),
    (11, 29, 34),
    (12, 30, 35),
    (13, 31, 36),
    (14, 32, 37),
    (15, 33, 38),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let [talos, kubernetes] = ["talosVersion", "kubernetesVersion"].map(|key| talos::version(manifests, key));
    let (Some(talos), Some(kubernetes)) = (talos, kubernetes) else {
        return;
    };
    let minor = kubernetes.version.minor;
    let own = SUPPORTED.iter().find(|(of, ..)| *of == talos.version.minor);
    let Some((own, oldest, newest)) =
        own.filter(|_| talos.version.major == 1 && kubernetes.version.major == 1)
    else {
        return;
    };
    if (*oldest..=*newest).contains(&minor) {
        return;
    }
    let message = format!(
        "Talos 1.{own} does not support Kubernetes {}: it supports 1.{oldest} to 1.{newest}",
        kubernetes.version
    );
    let fits = SUPPORTED
        .iter()
        .find(|(_, oldest, newest)| (*oldest..=*newest).contains(&minor));
    let help = match fits {
        _ if minor < *oldest => format!(
            "bring Kubernetes to 1.{oldest} or later (`kubernetes_version`) before Talos is raised (`talos_version`)"
        ),
        Some((fits, ..)) => format!(
            "stay with a Kubernetes 1.{newest} (`kubernetes_version`), or bring the nodes to a Talos 1.{fits} first \
             (`talos_version`), one minor version after the other"
        ),
        None => format!("stay with a Kubernetes 1.{newest} (`kubernetes_version`)"),
    };
    let mut finding = Finding::new(&kubernetes.path, message, help).at(kubernetes.node.span.clone(), "");
    let also = (
        talos.path,
        talos.node.span.clone(),
        "the version of Talos".to_owned(),
    );
    finding.also.push(also);
    findings.push(finding);
}
