//! What others wait for is ready when Flux says so.

use yaml::Node;

use crate::check::manifests::{FluxKustomization, Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unchecked-dependency",
    level: Severity::Warning,
    summary: "a Kustomization that others depend on is ready before what it applies",
    docs: include_str!("unchecked_dependency.md"),
    run,
};

/// Installed before Flux, so that their HelmRelease is ready at once.
/// Source: the bootstrap helmfile `01-apps`.
const BOOTSTRAPPED: &[&str] = &["cilium", "coredns"];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for kustomization in manifests.kustomizations.iter().filter(|k| !k.path.is_empty()) {
        let dependent = manifests.kustomizations.iter().find(|other| {
            let dependencies = manifests.dependencies(other);
            dependencies.iter().any(|d| d.id() == kustomization.id())
        });
        let Some(dependent) = dependent else {
            continue;
        };
        if BOOTSTRAPPED.contains(&kustomization.object.name) {
            continue;
        }
        let waits = kustomization.object.node.str_at(&["spec", "wait"]) == Some("true");
        for object in manifests.applied_by(kustomization) {
            // kstatus takes an issuer for ready as soon as it exists, so `wait` is no check of it.
            let missing = match object.kind {
                "HelmRelease" => !waits && !checks(kustomization, object),
                "ClusterIssuer" => !checks(kustomization, object),
                _ => false,
            };
            if missing {
                findings.push(finding(manifests, kustomization, object, dependent));
            }
        }
    }
}

fn finding<'a>(
    manifests: &Manifests<'a>,
    kustomization: &FluxKustomization<'a>,
    object: &Object<'a>,
    dependent: &FluxKustomization<'_>,
) -> Finding {
    let node = kustomization.object.node;
    let spec = node.get("spec");
    let place = ["healthChecks", "wait"]
        .iter()
        .find_map(|key| Some(&spec?.entry(key)?.0))
        .or_else(|| node.path(&["metadata", "name"]))
        .unwrap_or(node);
    let name = kustomization.object.name;
    let message = format!(
        "`{}` depends on `{name}`, which does not check its {} `{}`",
        dependent.object.name, object.kind, object.name
    );
    let namespace = if object.kind == "HelmRelease" {
        format!(", namespace: {}", manifests.namespace_of(object))
    } else {
        String::new()
    };
    let help = format!(
        "add `- {{apiVersion: {}, kind: {}, name: {}{namespace}}}` to `spec.healthChecks`",
        object.api_version, object.kind, object.name
    );
    Finding::new(kustomization.object.path, message, help)
        .at(place.span.clone(), "ready as soon as its objects exist")
}

fn checks(kustomization: &FluxKustomization<'_>, object: &Object<'_>) -> bool {
    let checks = kustomization
        .object
        .node
        .path(&["spec", "healthChecks"])
        .map(Node::items)
        .unwrap_or_default();
    checks.iter().any(|check| {
        check.str_at(&["kind"]) == Some(object.kind) && check.str_at(&["name"]) == Some(object.name)
    })
}
