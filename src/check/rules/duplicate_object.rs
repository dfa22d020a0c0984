//! An object has one owner.

use std::collections::BTreeMap;

use crate::check::manifests::Manifests;
use crate::check::placed::Placed;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "duplicate-object",
    level: Severity::Error,
    summary: "two files give the same Kubernetes object, or two Kustomizations apply it",
    docs: include_str!("duplicate_object.md"),
    run,
};

/// Kinds without a namespace, beside those whose name starts with `Cluster`.
const CLUSTER_SCOPED: &[&str] = &[
    "APIService",
    "CSIDriver",
    "CiliumBGPAdvertisement",
    "CiliumBGPClusterConfig",
    "CiliumBGPPeerConfig",
    "CiliumClusterwideNetworkPolicy",
    "CiliumL2AnnouncementPolicy",
    "CiliumLoadBalancerIPPool",
    "CustomResourceDefinition",
    "GatewayClass",
    "IngressClass",
    "KubernetesUpgrade",
    "MutatingWebhookConfiguration",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "TalosUpgrade",
    "ValidatingAdmissionPolicy",
    "ValidatingWebhookConfiguration",
    "VolumeSnapshotClass",
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&str, &str, &str, &str), &Placed<'_>> = BTreeMap::new();
    let reached = manifests.placed().iter().filter(|placed| placed.reached);
    for placed in reached.filter(|placed| !placed.object.name.is_empty()) {
        let object = &placed.object;
        let namespace = if wide(object.kind) { "" } else { placed.namespace };
        let key = (object.group(), object.kind, namespace, object.name);
        match seen.get(&key) {
            None => {
                seen.insert(key, placed);
            }
            Some(first) => findings.push(finding(manifests, first, placed)),
        }
    }
}

fn wide(kind: &str) -> bool {
    kind.starts_with("Cluster") || CLUSTER_SCOPED.contains(&kind)
}

fn finding(manifests: &Manifests<'_>, first: &Placed<'_>, second: &Placed<'_>) -> Finding {
    let owner = |placed: &Placed<'_>| placed.by.map(|by| manifests.kustomizations[by].object.name);
    let object = &second.object;
    let place = if second.namespace.is_empty() || wide(object.kind) {
        String::new()
    } else {
        format!(" in namespace `{}`", second.namespace)
    };
    let what = format!("{} `{}`{place}", object.kind, object.name);
    let span = |placed: &Placed<'_>| {
        let name = placed.object.node.path(&["metadata", "name"]);
        name.map(|name| name.span.clone()).unwrap_or_default()
    };
    if std::ptr::eq(first.object.node, object.node) {
        let owners = [first, second].map(|placed| format!("`{}`", owner(placed).unwrap_or("the root")));
        let message = format!("{what} is applied twice, by {}", owners.join(" and "));
        let help = "remove its file from the `resources` of one of them: each would undo the other's changes";
        return Finding::new(object.path, message, help).at(span(second), "");
    }
    let message = format!("{what} is given twice");
    let help = format!(
        "remove one of them; two files for one object undo each other, the other is in `{}`",
        first.object.path
    );
    let mut finding = Finding::new(object.path, message, help).at(span(second), "again here");
    let also = (first.object.path.clone(), span(first), "first here".to_owned());
    finding.also.push(also);
    finding
}
