//! The type of secret keys.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::model::{SecretFormat, TextValue as _};

/// A secret's stand-in: the token under which the [`Vault`](super::vault::Vault) keeps it. The value itself is never
/// in a `Cluster`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretStandIn(String);

impl SecretStandIn {
    /// Returns the token.
    pub fn token(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for SecretStandIn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "format": SecretFormat::FORMAT,
            "minLength": 1,
            "x-secret": true,
        })
    }
}
