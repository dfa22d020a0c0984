//! `app.yaml`: what an app is. `schema/app.schema.json` is derived from these types.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::keys::Key;

/// What Flux takes for a duration.
/// Source: the pattern of `spec.interval` in the CRD `kustomizations.kustomize.toolkit.fluxcd.io` v1.
pub(super) const DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$";

/// Manifest of an app in the template library.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the app does, in one line without full stop.
    pub summary: String,
    /// When the app is on: an expression over config keys and derived names with `and`, `or`, `not`, `==`, `!=` and
    /// parentheses. Absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Name of the HelmRelease and of its chart source. Default: the name of the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// The Helm chart, for apps that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<Chart>,
    /// The Flux Kustomizations. Default: one with the app's name and the path `app`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kustomizations: Vec<KustomizationSpec>,
    /// Whether the bootstrap installs the chart, before Flux runs. It must be an OCI chart.
    #[serde(default)]
    pub bootstrap: bool,
    /// First Kustomizations of apps that the bootstrap installs before this one, beyond those in `depends_on`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bootstrap_after: Vec<String>,
    /// What other apps can rely on.
    #[serde(default)]
    pub provides: Provides,
    /// Components that run on every node, for `clusterwright apps --resources`: where their `resources` stand in the
    /// values of the chart, with dots, such as `prometheus-node-exporter`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub daemonsets: Vec<String>,
    /// Components of which a cluster has exactly one, such as `grafana`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owns: Vec<String>,
    /// Exceptions from lint rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allow>,
    /// Top-level keys of `cluster.yaml` that the app brings: by name, what their values are. Templates and `when` read
    /// them like every other key.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, Key>")]
    pub schema: IndexMap<String, Key>,
}

/// Where a chart comes from: either `oci`, or `repository` and `name`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// `oci://` address of the chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^oci://"))]
    pub oci: Option<String>,
    /// A Helm repository, for charts that are not published as OCI artifacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<HelmRepository>,
    /// Name of the chart in `repository`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Version of the chart: an exact one, never a range or a moving tag.
    pub version: String,
}

/// A Helm repository.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Repository")]
pub struct HelmRepository {
    /// Name of the `HelmRepository` object; apps of a namespace that use the same one share the object.
    pub name: String,
    /// `https://` address.
    pub url: String,
}

/// A Flux Kustomization.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KustomizationSpec {
    /// Name, unique in the cluster.
    pub name: String,
    /// The folder inside the app's folder.
    #[serde(default = "default_path")]
    pub path: String,
    /// Kustomizations that must be ready first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Dependency>,
    /// Whether Flux waits until every object is ready.
    #[serde(default)]
    pub wait: bool,
    /// How long Flux waits for readiness, as a Go duration; 10m by default. Longer than the timeout of a HelmRelease that
    /// it waits for, which is 5m by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = DURATION))]
    pub timeout: Option<String>,
    /// How often Flux reconciles, as a Go duration.
    #[serde(default = "default_interval")]
    #[schemars(regex(pattern = DURATION))]
    pub interval: String,
    /// Objects whose readiness counts. One for the HelmRelease is added when other Kustomizations depend on this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health_checks: Vec<HealthCheck>,
    /// Anything else for the Kustomization's `spec`, copied as it is.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub spec: Map<String, Value>,
}

/// An edge of the dependency graph: a name, or a name with conditions.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Dependency {
    /// Name of a Kustomization, or an alias that an app provides. It must be on whenever this app is.
    Required(String),
    /// With conditions.
    Detailed {
        /// Name of a Kustomization, or an alias.
        name: String,
        /// Whether the edge is dropped while the target is off.
        #[serde(default)]
        optional: bool,
    },
}

impl Dependency {
    /// Returns the target's name or alias.
    pub fn name(&self) -> &str {
        match self {
            Self::Required(name) | Self::Detailed { name, .. } => name,
        }
    }

    /// Returns whether the edge may be dropped.
    pub fn is_optional(&self) -> bool {
        matches!(self, Self::Detailed { optional: true, .. })
    }
}

/// An object whose readiness counts for a Kustomization.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HealthCheck {
    /// API version, such as `helm.toolkit.fluxcd.io/v2`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace; absent for objects without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What other apps can rely on.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provides {
    /// Other names under which `depends_on` finds the app's first Kustomization.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// API groups whose CRDs the app's chart installs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crds: Vec<String>,
    /// Names that templates can read while the app is on, such as the URL of its service. Two apps may provide the same
    /// name when they exclude each other.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub values: Map<String, Value>,
    /// Names of the `StorageClasses` the app creates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage_classes: Vec<String>,
}

/// An exception from a lint rule.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Name of the rule.
    pub rule: String,
    /// Why it is right here, in three words at least.
    #[schemars(length(min = 10))]
    pub reason: String,
}

fn default_path() -> String {
    "app".to_owned()
}

fn default_interval() -> String {
    "1h".to_owned()
}

/// Returns the schema of `app.yaml` as the text of the file that editors read.
///
/// # Panics
/// Never: a schema is plain JSON.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

/// Returns the schema of `app.yaml`.
///
/// # Panics
/// Never: a schema is plain JSON.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft07();
    serde_json::to_value(settings.into_generator().into_root_schema_for::<Manifest>())
        .expect("a schema is plain JSON")
}
