//! Load balancing and BGP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{Asn, Cidr, Ipv4};

/// Load balancing by Cilium, and BGP. BGP is on when `cilium_bgp_router_addr`, `cilium_bgp_router_asn` and
/// `cilium_bgp_node_asn` are all set; without it, Cilium announces load balancer addresses by ARP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cilium {
    /// How replies to load-balanced traffic travel.
    #[serde(default)]
    #[schemars(example = &"snat")]
    pub cilium_loadbalancer_mode: LoadBalancerMode,

    /// Network that load balancer addresses come from, in CIDR notation. Without it they come from `node_cidr`. The
    /// first and the last address, the API's, the router's and the nodes' are left out of either. Useful to keep
    /// Services apart from other machines, and with BGP, where the addresses need not be in the node network.
    #[serde(default)]
    #[schemars(example = &"10.10.20.0/24")]
    pub cilium_lb_pool_cidr: Option<Cidr>,

    /// Address of the router that the nodes peer with over BGP, in `node_cidr`. Switches BGP on, together with
    /// `cilium_bgp_router_asn` and `cilium_bgp_node_asn`.
    #[serde(default)]
    #[schemars(example = &"10.10.10.1")]
    pub cilium_bgp_router_addr: Option<Ipv4>,

    /// AS number of the router, in quotes; private numbers are 64512 to 65534.
    #[serde(default)]
    #[schemars(example = &"64513")]
    pub cilium_bgp_router_asn: Option<Asn>,

    /// AS number of the nodes, in quotes; must differ from the router's (eBGP).
    #[serde(default)]
    #[schemars(example = &"64514")]
    pub cilium_bgp_node_asn: Option<Asn>,

    /// Seconds without a sign of life after which a BGP session counts as lost; at least three times
    /// `cilium_bgp_keepalive_time`.
    #[serde(default = "hold_time")]
    #[schemars(range(min = 3, max = 300), example = 90)]
    pub cilium_bgp_hold_time: u16,

    /// Seconds between two signs of life on a BGP session.
    #[serde(default = "keepalive_time")]
    #[schemars(range(min = 1, max = 100), example = 30)]
    pub cilium_bgp_keepalive_time: u16,

    /// Keeps routes while the BGP session restarts. The router must be set to the same.
    #[serde(default)]
    #[schemars(example = true)]
    pub cilium_bgp_graceful_restart: bool,

    /// Seconds for which routes are kept while the session restarts; counts with `cilium_bgp_graceful_restart`.
    #[serde(default = "graceful_restart_time")]
    #[schemars(range(min = 30, max = 600), example = 120)]
    pub cilium_bgp_graceful_restart_time: u16,

    /// How many equal paths the router spreads traffic over (`maximum-paths` in `unifi/bgp.conf`): the number of nodes
    /// is a good choice.
    #[serde(default = "ecmp_max_paths")]
    #[schemars(range(min = 1, max = 16), example = 4)]
    pub cilium_bgp_ecmp_max_paths: u8,

    /// Password of the BGP session (TCP MD5). The router needs the same; `unifi/bgp.conf` says where to set it.
    #[serde(default)]
    #[schemars(example = &"<BGP password>", extend("x-placeholder" = "<BGP password>"))]
    pub cilium_bgp_password: Option<SecretStandIn>,
}

/// How replies to load-balanced traffic travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LoadBalancerMode {
    /// Straight from the node that runs the pod: fastest, and the client's address is kept.
    #[default]
    Dsr,
    /// Back through the node that received the request: works where a firewall drops replies from another node.
    Snat,
}

fn hold_time() -> u16 {
    30
}

fn keepalive_time() -> u16 {
    10
}

fn graceful_restart_time() -> u16 {
    120
}

fn ecmp_max_paths() -> u8 {
    3
}
