//! Domain, DNS and tunnel at Cloudflare.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{Fqdn, Ipv4, LabelValue, SecretWord, TextValue as _, Uuid};

/// Your domain, its DNS and the tunnel at Cloudflare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cloudflare {
    /// Domain that apps are published under, managed by Cloudflare. Templates know it as `SECRET_DOMAIN`.
    #[schemars(example = &"example.com", extend("x-placeholder" = "<your domain>"))]
    pub cloudflare_domain: Fqdn,

    /// Cloudflare API token with the permissions Zone:DNS:Edit and Account:Cloudflare Tunnel:Read. cert-manager and
    /// external-dns use it.
    #[schemars(
        example = &"<Cloudflare API token>",
        extend("format" = SecretWord::FORMAT, "x-placeholder" = "<Cloudflare API token>")
    )]
    pub cloudflare_token: SecretStandIn,

    /// Load balancer address of the external gateway (`envoy-external`), which the Cloudflare tunnel leads to. An
    /// unused address, outside any DHCP range.
    #[schemars(example = &"10.10.10.251", extend("x-placeholder" = "<unused address for the external gateway>"))]
    pub cloudflare_gateway_addr: Ipv4,

    /// Id of the Cloudflare tunnel. Not needed where `cloudflare-tunnel.json` is, which holds it as well; set it when
    /// `cluster.yaml` is encrypted and committed, so that CI can render without that file.
    #[serde(default)]
    #[schemars(example = &"6ff42ae2-765d-4adf-8112-31c55c1551ef")]
    pub cloudflare_tunnel_id: Option<Uuid>,

    /// Owner of the DNS records that external-dns makes, at Cloudflare and at a UniFi controller; it deletes only what
    /// carries this owner. Without it, `cluster_name`. Clusters that share a domain need different ones, or each
    /// deletes the other's records. A change leaves the records of the old owner behind: nothing updates or deletes
    /// them any more. `default` stands for what was rendered before there was this key: `default` at Cloudflare,
    /// `unifi` at a UniFi controller.
    #[serde(default)]
    #[schemars(example = &"home")]
    pub external_dns_owner_id: Option<LabelValue>,
}
