//! Checking of JSON Web Tokens at the gateway.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{HeaderName, HttpUrl, Line, TextValue as _};

/// Checking of JSON Web Tokens by the gateway. On when `oidc_issuer_url` and `oidc_jwks_uri` are both set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Oidc {
    /// Name of the provider in Envoy's policy.
    #[serde(default = "provider_name")]
    #[schemars(example = &"keycloak")]
    pub oidc_provider_name: Line,

    /// URL of the issuer, exactly as tokens carry it in `iss`. Switches the checking of tokens on, together with
    /// `oidc_jwks_uri`.
    #[serde(default)]
    #[schemars(example = &"https://auth.example.com/realms/home")]
    pub oidc_issuer_url: Option<HttpUrl>,

    /// URL of the issuer's public keys.
    #[serde(default)]
    #[schemars(example = &"https://auth.example.com/realms/home/protocol/openid-connect/certs")]
    pub oidc_jwks_uri: Option<HttpUrl>,

    /// Claims of a token that the gateway hands to apps as headers, beside the built-in ones.
    #[serde(default)]
    #[schemars(example = serde_json::json!([{"name": "groups", "header": "X-User-Groups"}]))]
    pub oidc_additional_claims: Vec<Claim>,
}

/// A claim that is handed on as a header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Claim {
    /// Name of the claim in the token.
    #[schemars(example = &"groups")]
    pub name: Line,

    /// Header that the app reads it from; starts with `X-`.
    #[schemars(example = &"X-User-Groups")]
    pub header: HeaderName,
}

fn provider_name() -> Line {
    Line::parse("keycloak").expect("valid default")
}
