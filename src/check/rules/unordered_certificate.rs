//! What needs cert-manager waits for it.

use std::collections::BTreeSet;

use yaml::Node;

use crate::check::manifests::{FluxKustomization, Manifests};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unordered-certificate",
    level: Severity::Note,
    summary: "a Kustomization uses cert-manager and does not wait for it",
    docs: include_str!("unordered_certificate.md"),
    run,
};

const GROUP: &str = "cert-manager.io";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let Some(target) = manifests.kustomization("cert-manager", "cert-manager") else {
        return;
    };
    // Namespace and name of the Secrets that certificates end up in.
    let issued: BTreeSet<(&str, &str)> = manifests
        .objects
        .iter()
        .filter(|object| object.kind == "Certificate" && object.group() == GROUP)
        .filter_map(|object| {
            Some((
                manifests.namespace_of(object),
                object.node.str_at(&["spec", "secretName"])?,
            ))
        })
        .collect();
    for kustomization in manifests.kustomizations.iter().filter(|k| !k.path.is_empty()) {
        if kustomization.id() == target.id() || manifests.waits_for(kustomization, target) {
            continue;
        }
        findings.extend(first_use(manifests, kustomization, &issued));
    }
}

fn first_use(
    manifests: &Manifests<'_>,
    kustomization: &FluxKustomization<'_>,
    issued: &BTreeSet<(&str, &str)>,
) -> Option<Finding> {
    manifests.applied_by(kustomization).into_iter().find_map(|object| {
        let namespace = manifests.namespace_of(object);
        let (span, label) = if object.group() == GROUP {
            let kind = object.node.get("kind")?;
            (kind.span.clone(), format!("`{}` is cert-manager's", object.kind))
        } else {
            let secret = scalar(object.node, &|text| issued.contains(&(namespace, text)))?;
            (secret.span.clone(), "cert-manager fills this Secret".to_owned())
        };
        let name = kustomization.object.name;
        let message = format!("`{name}` uses a certificate and does not wait for `cert-manager`");
        let help = format!(
            "add `- {{name: cert-manager, namespace: cert-manager}}` to `spec.dependsOn` of `{name}` in {}",
            kustomization.object.path
        );
        Some(Finding::new(object.path, message, help).at(span, label))
    })
}

/// Returns the first scalar value that a test accepts.
fn scalar<'a>(node: &'a Node, accepts: &dyn Fn(&str) -> bool) -> Option<&'a Node> {
    if node.as_str().is_some_and(accepts) {
        return Some(node);
    }
    let values = node.entries().iter().map(|(_, value)| value);
    node.items()
        .iter()
        .chain(values)
        .find_map(|child| scalar(child, accepts))
}
