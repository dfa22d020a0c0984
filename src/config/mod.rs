//! What the user wrote in `cluster.yaml`, and what it means.
//!
//! The types here are the only place where keys, defaults, ranges and their documentation live, one file per section;
//! the schema ([`schema`]), the example ([`example`]) and validation ([`crate::validate`]) derive from them. [`load()`]
//! reads the files, [`mask()`] makes them fit for display, [`vault`] holds the secrets.

mod alerts;
mod apps;
mod backup;
mod cilium;
mod cloudflare;
pub(crate) mod document;
mod encryption;
pub mod example;
mod external_secrets;
mod images;
mod in_clear;
mod load;
pub(crate) mod mask;
mod network;
mod nodes;
mod observability;
mod oidc;
mod policies;
mod proxmox;
mod read;
mod repository;
pub mod schema;
mod secret;
mod syntax;
mod tracing;
mod unifi;
pub mod unsupported;
pub mod vault;
mod versions;
mod vocabulary;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alerts::{AlertReceiver, Alerts};
pub use apps::{AppChoice, Apps};
pub use backup::Backup;
pub use cilium::{Cilium, LoadBalancerMode};
pub use cloudflare::Cloudflare;
pub use document::ConfigDocument;
pub(crate) use document::{child, inline};
pub use encryption::Encryption;
pub use external_secrets::{BitwardenRegion, ExternalSecrets, SecretsProvider};
pub use images::Images;
pub use in_clear::{CONFIG_FILES, clear_secrets, commented_secrets, holds_clear_secrets};
pub use load::{Decrypted, load, parse};
pub use mask::mask;
pub use network::Network;
pub use nodes::{ClusterNode, Nodes};
pub use observability::{MonitoringStack, Observability};
pub use oidc::{Claim, Oidc};
pub use policies::{Policies, PolicyMode};
pub use proxmox::Proxmox;
pub use read::MAX_CONFIG_BYTES;
pub use repository::{RepositoryKeys, Visibility};
pub use secret::SecretStandIn;
pub use tracing::{Environment, Tracing};
pub use unifi::Unifi;
pub use vault::Vault;
pub use versions::Versions;
pub use vocabulary::{KnownApp, Named, Vocabulary};

/// The configuration of a cluster: checked, complete with defaults, secrets as tokens of the [`Vault`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cluster {
    /// Name, networks and addresses.
    #[serde(flatten)]
    pub network: Network,
    /// The repository that Flux follows.
    #[serde(flatten)]
    pub repository: RepositoryKeys,
    /// Domain, DNS and tunnel.
    #[serde(flatten)]
    pub cloudflare: Cloudflare,
    /// Load balancing and BGP.
    #[serde(flatten)]
    pub cilium: Cilium,
    /// DNS records at a UniFi controller.
    #[serde(flatten)]
    pub unifi: Unifi,
    /// Versions of the nodes.
    #[serde(flatten)]
    pub versions: Versions,
    /// Sharing of container images.
    #[serde(flatten)]
    pub images: Images,
    /// Metrics, logs, dashboards and alerts.
    #[serde(flatten)]
    pub observability: Observability,
    /// Where alerts go.
    #[serde(flatten)]
    pub alerts: Alerts,
    /// Traces.
    #[serde(flatten)]
    pub tracing: Tracing,
    /// Tokens at the gateway.
    #[serde(flatten)]
    pub oidc: Oidc,
    /// Network policies.
    #[serde(flatten)]
    pub policies: Policies,
    /// Backups of etcd.
    #[serde(flatten)]
    pub backup: Backup,
    /// Volumes and node metadata from Proxmox VE.
    #[serde(flatten)]
    pub proxmox: Proxmox,
    /// Secrets from a password manager.
    #[serde(flatten)]
    pub external_secrets: ExternalSecrets,
    /// Who can decrypt.
    #[serde(flatten)]
    pub encryption: Encryption,
    /// Choices about single apps.
    #[serde(flatten)]
    pub apps: Apps,
    /// The machines; in the file, the list `nodes`.
    #[serde(flatten)]
    pub nodes: Nodes,
    /// The keys that apps of the user's own bring, with their defaults.
    #[serde(flatten)]
    #[schemars(skip)]
    pub own: std::collections::BTreeMap<String, serde_json::Value>,
}
