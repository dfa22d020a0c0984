//! Who can decrypt the repository's secrets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::AgeRecipient;

/// Encryption of secrets with SOPS and age.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Encryption {
    /// Public age keys of everyone who can decrypt the repository's secrets, the cluster included. Without it, only the
    /// key in `age.key` can. Removing one changes the data keys of all encrypted files.
    #[serde(default)]
    #[schemars(
        length(min = 1),
        example = serde_json::json!(["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"])
    )]
    pub age_recipients: Option<Vec<AgeRecipient>>,
}
