//! Objects of Flux and External Secrets use the API versions that are served today.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "outdated-api-version",
    level: Severity::Error,
    summary: "an object uses an API version that its controller deprecates or no longer serves",
    docs: include_str!("outdated_api_version.md"),
    run,
};

/// Group, kinds, the version to use.
/// Sources: Flux 2.7 API reference; external-secrets 0.17.0 stopped serving `v1beta1`.
const CURRENT: &[(&str, &[&str], &str)] = &[
    (
        "source.toolkit.fluxcd.io",
        &[
            "Bucket",
            "GitRepository",
            "HelmChart",
            "HelmRepository",
            "OCIRepository",
        ],
        "v1",
    ),
    ("kustomize.toolkit.fluxcd.io", &["Kustomization"], "v1"),
    ("helm.toolkit.fluxcd.io", &["HelmRelease"], "v2"),
    ("notification.toolkit.fluxcd.io", &["Receiver"], "v1"),
    (
        "notification.toolkit.fluxcd.io",
        &["Alert", "Provider"],
        "v1beta3",
    ),
    (
        "external-secrets.io",
        &[
            "ClusterExternalSecret",
            "ClusterSecretStore",
            "ExternalSecret",
            "SecretStore",
        ],
        "v1",
    ),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for object in &manifests.objects {
        let Some(version) = current(object.group(), object.kind) else {
            continue;
        };
        let group = object.group();
        let wanted = format!("{group}/{version}");
        if object.api_version == wanted {
            continue;
        }
        let message = format!(
            "{} `{}` uses `{}`, which is outdated",
            object.kind, object.name, object.api_version
        );
        let span = object.node.get("apiVersion").map(|node| node.span.clone());
        let finding = Finding::new(object.path, message, format!("write `apiVersion: {wanted}`"));
        findings.push(finding.at(span.unwrap_or_default(), format!("`{version}` is served")));
    }
}

/// Returns the version to use for a kind.
fn current(group: &str, kind: &str) -> Option<&'static str> {
    CURRENT
        .iter()
        .find(|(of, kinds, _)| *of == group && kinds.contains(&kind))
        .map(|(_, _, version)| *version)
}
