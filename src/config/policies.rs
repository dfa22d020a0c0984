//! Network policies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Cilium network policies for the cluster's own apps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Policies {
    /// Switches on network policies for the apps of the catalogue.
    #[serde(default)]
    #[schemars(example = true)]
    pub network_policies_enabled: bool,

    /// What the policies do with traffic that they do not allow; counts with `network_policies_enabled`.
    #[serde(default)]
    #[schemars(example = &"enforce")]
    pub network_policies_mode: PolicyMode,
}

/// What policies do with traffic that they do not allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PolicyMode {
    /// Nothing is blocked; Hubble shows what would be. Start with this.
    #[default]
    Audit,
    /// Traffic that no policy allows is dropped.
    Enforce,
}
