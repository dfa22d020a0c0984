//! Kustomizations wait for what they are known to need.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "missing-dependency",
    level: Severity::Warning,
    summary: "a Kustomization does not wait for another that it is known to need",
    docs: include_str!("missing_dependency.md"),
    run,
};

/// What a Kustomization needs, when both are rendered.
struct Need {
    kustomization: &'static str,
    /// Namespace and name.
    needs: (&'static str, &'static str),
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        kustomization: "proxmox-ccm",
        needs: ("kube-system", "cilium"),
        why: "it calls the Proxmox API over the network that Cilium brings",
    },
    Need {
        kustomization: "proxmox-csi",
        needs: ("kube-system", "coredns"),
        why: "it looks up the address of Proxmox",
    },
    Need {
        kustomization: "proxmox-csi",
        needs: ("kube-system", "proxmox-ccm"),
        why: "volumes find their node by the labels that the cloud controller manager sets",
    },
    Need {
        kustomization: "cert-manager",
        needs: ("kube-system", "coredns"),
        why: "its issuer looks up the ACME server",
    },
    Need {
        kustomization: "victoria-metrics",
        needs: ("kube-system", "coredns"),
        why: "its parts find each other by name",
    },
    Need {
        kustomization: "kube-prometheus-stack",
        needs: ("kube-system", "coredns"),
        why: "its parts find each other by name",
    },
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for need in NEEDS {
        let (namespace, name) = need.needs;
        let Some(target) = manifests.kustomization(namespace, name) else {
            continue;
        };
        let concerned = manifests
            .kustomizations
            .iter()
            .filter(|k| k.object.name == need.kustomization && !manifests.waits_for(k, target));
        for kustomization in concerned {
            let node = kustomization.object.node;
            let span = match node.path(&["spec"]).and_then(|spec| spec.entry("dependsOn")) {
                Some((key, _)) => key.span.clone(),
                None => node
                    .path(&["metadata", "name"])
                    .map_or(node.span.clone(), |name| name.span.clone()),
            };
            let entry = if kustomization.namespace == namespace {
                format!("{{name: {name}}}")
            } else {
                format!("{{name: {name}, namespace: {namespace}}}")
            };
            let message = format!(
                "`{}` does not wait for `{name}`: {}",
                need.kustomization, need.why
            );
            let help = format!("add `- {entry}` to `spec.dependsOn`");
            findings.push(Finding::new(kustomization.object.path, message, help).at(span, ""));
        }
    }
}
