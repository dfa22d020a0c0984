//! Sharing of container images between nodes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sharing of container images between nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Images {
    /// Switches Spegel on, with which nodes fetch container images from each other before they ask a registry. Without
    /// this key it is on when there is more than one node.
    #[serde(default)]
    #[schemars(example = false)]
    pub spegel_enabled: Option<bool>,
}
