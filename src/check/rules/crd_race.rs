//! Custom resources are not applied together with the chart that brings their CRDs.

use yaml::Node;

use crate::check::manifests::{Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "crd-race",
    level: Severity::Error,
    summary: "a custom resource is applied by the Kustomization whose HelmRelease installs its CRD",
    docs: include_str!("crd_race.md"),
    run,
};

/// API groups whose CRDs the bootstrap installs before Flux starts, or that Kubernetes itself serves.
/// Source: the bootstrap helmfiles (`00-crds`, `01-apps`): CRDs of external-dns, Gateway API, Envoy Gateway, the
/// Prometheus operator, and the charts of cilium, cert-manager, flux-operator and flux-instance.
const PRE_INSTALLED: &[&str] = &[
    "externaldns.k8s.io",
    "gateway.networking.k8s.io",
    "gateway.envoyproxy.io",
    "monitoring.coreos.com",
    "cilium.io",
    "cert-manager.io",
    "fluxcd.controlplane.io",
];

/// Charts whose CRDs are known, by a part of the chart's address or name.
const CHART_CRDS: &[(&str, &[&str])] = &[
    ("home-operations/charts/tuppr", &["tuppr.home-operations.com"]),
    ("victoria-metrics-k8s-stack", &["operator.victoriametrics.com"]),
    (
        "external-secrets",
        &["external-secrets.io", "generators.external-secrets.io"],
    ),
    ("cloudnative-pg", &["postgresql.cnpg.io"]),
    ("dragonfly-operator", &["dragonflydb.io"]),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for kustomization in manifests.kustomizations.iter().filter(|k| !k.path.is_empty()) {
        let objects = manifests.applied_by(kustomization);
        let charts: Vec<String> = objects.iter().flat_map(|object| charts(object)).collect();
        let installed = CHART_CRDS
            .iter()
            .filter(|(part, _)| charts.iter().any(|chart| chart.contains(part)))
            .flat_map(|(_, groups)| groups.iter().copied())
            .collect::<Vec<_>>();
        for object in objects {
            let group = object.group();
            if !is_custom(group) || PRE_INSTALLED.contains(&group) || !installed.contains(&group) {
                continue;
            }
            let (name, kind) = (kustomization.object.name, object.kind);
            let message =
                format!("`{kind}` needs a CRD that the chart in the same Kustomization `{name}` installs");
            let help = format!(
                "move it into a Kustomization of its own, such as `{name}-resources`, with `dependsOn: [{name}]`; give \
                 `{name}` `wait: true`"
            );
            let span = object
                .node
                .get("kind")
                .map_or(object.node.span.clone(), |kind| kind.span.clone());
            findings.push(
                Finding::new(object.path, message, help).at(span, "no such kind while Flux dry-runs it"),
            );
        }
    }
}

/// Returns whether a group is served by a CRD and not by Kubernetes or Flux.
fn is_custom(group: &str) -> bool {
    group.contains('.') && !group.ends_with(".k8s.io") && !group.ends_with("toolkit.fluxcd.io")
}

/// Returns the chart that an object names: the URL of an `OCIRepository`, the chart of a `HelmRelease`.
fn charts(object: &Object<'_>) -> Vec<String> {
    let text = match object.kind {
        "OCIRepository" => object.node.path(&["spec", "url"]),
        "HelmRelease" => object.node.path(&["spec", "chart", "spec", "chart"]),
        _ => None,
    };
    text.and_then(Node::as_str)
        .map(str::to_owned)
        .into_iter()
        .collect()
}
