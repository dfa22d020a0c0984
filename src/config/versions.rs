//! Versions that the cluster upgrades itself to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{TextValue as _, Version};

/// Versions of the nodes. Everything that names one derives it from here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Versions {
    /// Talos version of the nodes, without `v`. tuppr upgrades the nodes to it, one at a time.
    #[serde(default = "talos_version")]
    #[schemars(example = &"1.12.0")]
    pub talos_version: Version,

    /// Kubernetes version of the cluster, without `v`. tuppr upgrades the cluster to it; Talos must support it.
    #[serde(default = "kubernetes_version")]
    #[schemars(example = &"1.35.0")]
    pub kubernetes_version: Version,
}

fn talos_version() -> Version {
    Version::parse("1.12.0").expect("valid default")
}

fn kubernetes_version() -> Version {
    Version::parse("1.35.0").expect("valid default")
}
