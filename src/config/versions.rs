//! Versions that the cluster upgrades itself to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{TextValue as _, Version};

/// Versions of the nodes, and their kubelets. Everything that names a version derives it from here.
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

    /// Lets each kubelet ask the cluster's authority for the certificate that it serves with, in place of one that it
    /// signs itself; talos-ccm, which this switches on, approves them, and metrics-server checks them. In a cluster that
    /// runs, apply the machine configuration to the nodes before you push. Not together with `proxmox_ccm_enabled`.
    #[serde(default)]
    #[schemars(example = true)]
    pub kubelet_serving_certificates: bool,
}

fn talos_version() -> Version {
    Version::parse("1.12.0").expect("valid default")
}

fn kubernetes_version() -> Version {
    Version::parse("1.35.0").expect("valid default")
}
