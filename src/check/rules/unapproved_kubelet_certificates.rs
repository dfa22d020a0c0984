//! A certificate that a kubelet asks for is approved by somebody.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::talos;
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unapproved-kubelet-certificates",
    level: Severity::Warning,
    summary: "kubelets ask for serving certificates, and nothing in the tree approves them",
    docs: include_str!("unapproved_kubelet_certificates.md"),
    run,
};

/// The two ways to ask.
const ASKING: &[&[&str]] = &[
    &["machine", "kubelet", "extraConfig", "serverTLSBootstrap"],
    &["machine", "kubelet", "extraArgs", "rotate-server-certificates"],
];
/// Parts of the names of what approves: talos-ccm, kubelet-csr-approver, kubelet-serving-cert-approver.
const APPROVERS: &[&str] = &["talos-cloud-controller-manager", "csr-approver", "cert-approver"];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let approves = |name: &str| APPROVERS.iter().any(|part| name.contains(part));
    let objects = manifests.objects.iter();
    let by_name = objects
        .filter(|object| ["HelmRelease", "Deployment", "DaemonSet"].contains(&object.kind))
        .any(|object| approves(object.name));
    if by_name || manifests.releases.iter().any(|release| approves(release.chart)) {
        return;
    }
    // Talos applies manifests of its own (`extraManifests`, `inlineManifests`), and kustomize those of other addresses.
    let mut named = false;
    let files = manifests
        .files()
        .filter(|(path, _)| path.as_str().starts_with("talos/") || path.is_kustomization());
    for (_, documents) in files {
        for document in documents {
            walk::scalars(document, &mut |scalar| {
                named |= scalar.as_str().is_some_and(approves);
            });
        }
    }
    if named {
        return;
    }
    for keys in ASKING {
        for setting in talos::settings(manifests, keys) {
            if setting.value.as_deref() != Some("true") {
                continue;
            }
            let message = format!(
                "`{}` lets kubelets wait for certificates that nothing in the tree approves: logs, `kubectl exec` and \
                 metrics of their nodes fail once the old ones are gone",
                keys.join(".")
            );
            let help = "write `kubelet_serving_certificates: true`, with which talos-ccm approves them, or remove this \
                        setting";
            findings.push(Finding::new(setting.path, message, help).at(setting.span, ""));
        }
    }
}
