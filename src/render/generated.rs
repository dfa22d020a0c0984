//! The files that nobody writes: `ks.yaml`, `kustomization.yaml` and chart sources, from the plan.

use serde_json::{Map, Value, json};

use crate::catalog::App;
use crate::catalog::manifest::{Chart, HealthCheck};
use crate::plan::PlannedKustomization;
use crate::tree::APPS_ROOT;

/// How often Flux looks for a new version of an OCI chart.
const OCI_INTERVAL: &str = "30m";
/// How often Flux fetches the index of a Helm repository.
const HELM_INTERVAL: &str = "1h";
/// How long Flux waits for what a Kustomization applies, unless its manifest says otherwise. Without a timeout it waits
/// until 30 seconds before the next interval, 59 and a half minutes here, and reports nothing meanwhile. Longer than the
/// 5 minutes that helm-controller gives a release by default, so that the release's own failure is what gets reported.
/// Source: `GetTimeout` in kustomize-controller's `api/v1/kustomization_types.go` and helm-controller's
/// `api/v2/helmrelease_types.go`.
const TIMEOUT: &str = "10m";

fn document(value: &Value) -> String {
    format!("---\n{}", yaml::to_string(value))
}

/// The `ks.yaml` of an app: one document for each of its Kustomizations.
pub(super) fn ks(kustomizations: &[&PlannedKustomization]) -> String {
    kustomizations
        .iter()
        .map(|kustomization| document(&flux_kustomization(kustomization)))
        .collect()
}

fn flux_kustomization(planned: &PlannedKustomization) -> Value {
    let (spec, app) = (planned.spec(), &planned.app);
    let mut checks = spec.health_checks.clone();
    if planned.owns_release && planned.is_target {
        let own = HealthCheck {
            api_version: "helm.toolkit.fluxcd.io/v2".to_owned(),
            kind: "HelmRelease".to_owned(),
            name: app.release().to_owned(),
            namespace: Some(app.namespace.clone()),
        };
        if !checks.contains(&own) {
            checks.insert(0, own);
        }
    }
    let mut out = Map::new();
    if !planned.depends_on.is_empty() {
        let edges = planned
            .depends_on
            .iter()
            .map(|id| json!({"name": id.name, "namespace": id.namespace}));
        out.insert("dependsOn".to_owned(), edges.collect());
    }
    if !checks.is_empty() {
        out.insert("healthChecks".to_owned(), json!(checks));
    }
    out.insert("interval".to_owned(), json!(spec.interval));
    out.insert(
        "path".to_owned(),
        json!(format!("./{}/{}", app.output_dir(), spec.path)),
    );
    out.insert(
        "postBuild".to_owned(),
        json!({"substituteFrom": [{"kind": "Secret", "name": "cluster-secrets"}]}),
    );
    out.insert("prune".to_owned(), json!(true));
    out.insert("retryInterval".to_owned(), json!("30s"));
    out.insert(
        "sourceRef".to_owned(),
        json!({"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"}),
    );
    out.insert("targetNamespace".to_owned(), json!(app.namespace));
    out.insert(
        "timeout".to_owned(),
        json!(spec.timeout.as_deref().unwrap_or(TIMEOUT)),
    );
    out.insert("wait".to_owned(), json!(spec.wait));
    for (key, value) in &spec.spec {
        out.insert(key.clone(), value.clone());
    }
    out.sort_keys();
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": planned.id.name, "namespace": planned.id.namespace},
        "spec": out,
    })
}

/// A plain `kustomization.yaml` over these files of its folder.
pub(super) fn kustomization<'a>(files: impl Iterator<Item = &'a str>) -> String {
    let resources: Vec<String> = files.map(|file| format!("./{file}")).collect();
    document(&json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
    }))
}

/// The `kustomization.yaml` of a namespace.
pub(super) fn namespace_kustomization(namespace: &str, resources: &[String]) -> String {
    document(&json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": namespace,
        "components": ["../../components/sops"],
        "resources": resources,
    }))
}

/// The `Namespace` of a namespace that only apps added by hand use.
pub(super) fn namespace(name: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  annotations:\n    # Everything in the \
         namespace would go with it: Flux must never prune it.\n    kustomize.toolkit.fluxcd.io/prune: disabled\n"
    )
}

/// The chart source of an app: file name and text.
pub(super) fn chart_source(app: &App, chart: &Chart, version: &str) -> Option<(&'static str, String)> {
    if let Some(url) = &chart.oci {
        let text = document(&json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "OCIRepository",
            "metadata": {"name": app.release()},
            "spec": {
                "interval": OCI_INTERVAL,
                "layerSelector": {
                    "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                    "operation": "copy",
                },
                "ref": {"tag": version},
                "url": url,
            },
        }));
        return Some(("ocirepository.yaml", text));
    }
    let repository = chart.repository.as_ref()?;
    let text = document(&json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "HelmRepository",
        "metadata": {"name": repository.name},
        "spec": {"interval": HELM_INTERVAL, "url": repository.url},
    }));
    Some(("helmrepository.yaml", text))
}

/// Path of a namespace's folder.
pub(super) fn namespace_dir(namespace: &str) -> String {
    format!("{APPS_ROOT}/{namespace}")
}
