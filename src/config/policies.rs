//! Network policies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Cidr;

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

    /// Networks outside of the cluster that routes lead to, in CIDR notation, such as a NAS behind a Service without
    /// selector or a Backend of Envoy Gateway. With `network_policies_mode: enforce` the proxies reach no others.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["10.10.10.50/32"]))]
    pub network_policies_backends: Vec<Cidr>,
}

/// What policies do with traffic that they do not allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PolicyMode {
    /// Nothing is blocked. Start with this, and with `hubble_enabled`: `docs/verify.md` tells how to see what `enforce`
    /// would drop.
    #[default]
    Audit,
    /// Traffic that no policy allows is dropped.
    Enforce,
}
