//! Secrets that live in a password manager.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{HttpUrl, Line, SecretWord, TextValue as _, Uuid};

/// Secrets that your own apps fetch from 1Password, Bitwarden or Vault: the external-secrets operator, and one
/// `ClusterSecretStore` for the provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExternalSecrets {
    /// Switches external-secrets on. The keys of the chosen provider must then be set.
    #[serde(default)]
    #[schemars(example = true)]
    pub external_secrets_enabled: bool,

    /// Where secrets are fetched from; counts with `external_secrets_enabled`.
    #[serde(default)]
    #[schemars(example = &"bitwarden")]
    pub external_secrets_provider: SecretsProvider,

    /// URL of your 1Password Connect server. Required for the provider `1password`.
    #[serde(default)]
    #[schemars(example = &"http://connect.example.com:8080")]
    pub onepassword_connect_host: Option<HttpUrl>,

    /// Access token of the 1Password Connect server. Required for the provider `1password`.
    #[serde(default)]
    #[schemars(
        example = &"<1Password Connect token>",
        extend("format" = SecretWord::FORMAT, "x-placeholder" = "<1Password Connect token>")
    )]
    pub onepassword_connect_token: Option<SecretStandIn>,

    /// 1Password vaults that are searched, in this order. At least one is required for the provider `1password`.
    #[serde(default)]
    #[schemars(length(min = 1), example = serde_json::json!(["Homelab"]), extend("uniqueItems" = true))]
    pub onepassword_vaults: Option<Vec<Line>>,

    /// Access token of a machine account of Bitwarden Secrets Manager. Required for the provider `bitwarden`.
    #[serde(default)]
    #[schemars(
        example = &"<Bitwarden access token>",
        extend("format" = SecretWord::FORMAT, "x-placeholder" = "<Bitwarden access token>")
    )]
    pub bitwarden_access_token: Option<SecretStandIn>,

    /// Id of the Bitwarden organization: the UUID in the address of its page. Required for the provider `bitwarden`.
    #[serde(default)]
    #[schemars(example = &"5688ce2e-1f1c-4f2b-8a6f-b1a300d3a9f1")]
    pub bitwarden_organization_id: Option<Uuid>,

    /// Id of the Bitwarden project whose secrets are fetched: the UUID in the address of its page. Required for the
    /// provider `bitwarden`.
    #[serde(default)]
    #[schemars(example = &"0b4c1f6e-7f0a-4c1e-9d55-b1a300d3e6aa")]
    pub bitwarden_project_id: Option<Uuid>,

    /// Where your Bitwarden account lives; counts for the provider `bitwarden`.
    #[serde(default)]
    #[schemars(example = &"eu")]
    pub bitwarden_region: BitwardenRegion,

    /// URL of your HashiCorp Vault or OpenBao server. Required for the provider `vault`.
    #[serde(default)]
    #[schemars(example = &"https://vault.example.com:8200")]
    pub vault_server: Option<HttpUrl>,

    /// Mount path of Vault's key-value store (version 2).
    #[serde(default = "vault_path")]
    #[schemars(example = &"kv")]
    pub vault_path: Line,

    /// Mount path of the Kubernetes auth method in Vault.
    #[serde(default = "vault_auth_mount")]
    #[schemars(example = &"kubernetes")]
    pub vault_auth_mount: Line,

    /// Role of that auth method which the operator logs in with.
    #[serde(default = "vault_role")]
    #[schemars(example = &"external-secrets")]
    pub vault_role: Line,
}

/// Where secrets are fetched from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SecretsProvider {
    /// 1Password, through a Connect server of yours.
    #[default]
    #[serde(rename = "1password")]
    OnePassword,
    /// Bitwarden Secrets Manager.
    Bitwarden,
    /// HashiCorp Vault or OpenBao, logged in to by the Kubernetes auth method.
    Vault,
}

/// Where a Bitwarden account lives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum BitwardenRegion {
    /// At `bitwarden.com`.
    #[default]
    Us,
    /// At `bitwarden.eu`.
    Eu,
}

fn vault_path() -> Line {
    Line::parse("secret").expect("valid default")
}

fn vault_auth_mount() -> Line {
    Line::parse("kubernetes").expect("valid default")
}

fn vault_role() -> Line {
    Line::parse("external-secrets").expect("valid default")
}
