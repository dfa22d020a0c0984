//! What a person decides about single apps, and values of their own.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::ChartVersion;

/// Choices for single apps, and values for templates of your own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Apps {
    /// Choices for single apps by their names, as `clusterwright apps` lists them. Where two namespaces have an app of
    /// the same name, write `namespace/name`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"echo": {"values": {"service": {"app": {"type": "ClusterIP"}}}}}))]
    pub apps: BTreeMap<String, AppChoice>,

    /// Free space for templates of your own: any values, which templates read as `vars.NAME`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"timezone": "Europe/Berlin"}))]
    pub vars: Map<String, Value>,
}

/// What a person decides about one app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub struct AppChoice {
    /// Values for the app's Helm chart, merged into those that are rendered: mappings key by key, lists are replaced,
    /// `null` takes a key out.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"replicas": 2}))]
    pub values: Map<String, Value>,

    /// Exact version of the app's Helm chart, in place of the one that clusterwright brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"1.2.3")]
    pub version: Option<ChartVersion>,

    /// Set to false to leave the app out although your settings would switch it on. To switch an app on, use its
    /// setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = false)]
    pub enabled: Option<bool>,
}
