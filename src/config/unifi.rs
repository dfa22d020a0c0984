//! DNS records at a UniFi controller.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{HttpUrl, Line, SecretWord, TextValue as _};

/// DNS records for your network, written to a UniFi controller. On when `unifi_host` and `unifi_api_key` are both
/// set; it then replaces k8s-gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unifi {
    /// URL of the UniFi controller. Switches UniFi DNS on, together with `unifi_api_key`.
    #[serde(default)]
    #[schemars(example = &"https://10.10.10.1")]
    pub unifi_host: Option<HttpUrl>,

    /// API key of the controller. Needs UniFi Network 9.0.0 or later and full management access.
    #[serde(default)]
    #[schemars(
        example = &"<UniFi API key>",
        extend("format" = SecretWord::FORMAT, "x-placeholder" = "<UniFi API key>")
    )]
    pub unifi_api_key: Option<SecretStandIn>,

    /// Id of the site, which is not the name that is shown: almost always `default`.
    #[serde(default = "site")]
    #[schemars(example = &"default")]
    pub unifi_site: Line,

    /// Set to true when the controller runs on your own machine and not on a UniFi gateway.
    #[serde(default)]
    #[schemars(example = true)]
    pub unifi_external_controller: bool,
}

fn site() -> Line {
    Line::parse("default").expect("valid default")
}
