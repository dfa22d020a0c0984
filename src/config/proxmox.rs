//! Nodes that are virtual machines of Proxmox VE.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{LabelValue, Line, ProxmoxEndpoint, ProxmoxTokenId, SecretToken, TextValue as _};

/// Proxmox VE, for nodes that are its virtual machines: volumes on its storage (`proxmox_csi_enabled`), and what it
/// knows of its machines (`proxmox_ccm_enabled`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proxmox {
    /// Switches on volumes on Proxmox storage, with the storage class `proxmox-zfs`: set `storage_class` to it for
    /// volumes of the monitoring apps. Needs `proxmox_endpoint`, `proxmox_csi_token_id`, `proxmox_csi_token_secret` and
    /// `proxmox_csi_storage`, and to know the host of each node: from `proxmox_ccm_enabled`, or `proxmox_host` of the
    /// nodes.
    #[serde(default)]
    #[schemars(example = true)]
    pub proxmox_csi_enabled: bool,

    /// URL of the Proxmox API, without a path: `/api2/json` is added to it. Its certificate must be one that the nodes
    /// trust.
    #[serde(default)]
    #[schemars(example = &"https://pve.example.com:8006")]
    pub proxmox_endpoint: Option<ProxmoxEndpoint>,

    /// Id of the API token that makes volumes, as `user@realm!token`, in quotes.
    #[serde(default)]
    #[schemars(example = &"kubernetes-csi@pve!csi")]
    pub proxmox_csi_token_id: Option<ProxmoxTokenId>,

    /// Secret of the API token that makes volumes.
    #[serde(default)]
    #[schemars(
        example = &"<secret of the CSI token>",
        extend("format" = SecretToken::FORMAT, "x-placeholder" = "<secret of the CSI token>")
    )]
    pub proxmox_csi_token_secret: Option<SecretStandIn>,

    /// Proxmox storage that volumes lie on, as Datacenter, Storage lists it.
    #[serde(default)]
    #[schemars(example = &"local-zfs")]
    pub proxmox_csi_storage: Option<Line>,

    /// Name of the Proxmox cluster, which nodes carry as the label `topology.kubernetes.io/region`.
    #[serde(default = "region")]
    #[schemars(example = &"home")]
    pub proxmox_region: LabelValue,

    /// Switches on the Proxmox cloud controller manager: nodes get provider ids and labels of their Proxmox host, and
    /// go when their machine is deleted. Needs `proxmox_endpoint`,
    /// `proxmox_ccm_token_id` and `proxmox_ccm_token_secret`.
    #[serde(default)]
    #[schemars(example = true)]
    pub proxmox_ccm_enabled: bool,

    /// Id of the API token that reads machines, as `user@realm!token`, in quotes. Better another one than the token
    /// for volumes: it needs fewer rights.
    #[serde(default)]
    #[schemars(example = &"kubernetes-ccm@pve!ccm")]
    pub proxmox_ccm_token_id: Option<ProxmoxTokenId>,

    /// Secret of the API token that reads machines.
    #[serde(default)]
    #[schemars(
        example = &"<secret of the CCM token>",
        extend("format" = SecretToken::FORMAT, "x-placeholder" = "<secret of the CCM token>")
    )]
    pub proxmox_ccm_token_secret: Option<SecretStandIn>,
}

fn region() -> LabelValue {
    LabelValue::parse("pve").expect("valid default")
}
