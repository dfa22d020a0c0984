//! The cluster's networks and addresses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Cidr, Fqdn, Ipv4, LabelValue, TextValue as _, VlanTag};

/// Name, networks and addresses of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// Name of the cluster. It stands in the Talos and kubectl contexts, labels traces and owns DNS records, so that
    /// several clusters can be told apart. The default says nothing about your cluster: choose a name before the first bootstrap.
    #[serde(default = "cluster_name")]
    #[schemars(example = &"home")]
    pub cluster_name: LabelValue,

    /// Network that the nodes are in, in CIDR notation. Node addresses, the API address, the router and (unless
    /// `cilium_lb_pool_cidr` is set) all load balancer addresses lie in it. Must not overlap the pod and service
    /// networks.
    #[schemars(example = &"10.10.10.0/24", extend("x-placeholder" = "<network of your nodes, such as 192.168.1.0/24>"))]
    pub node_cidr: Cidr,

    /// DNS servers that the nodes ask.
    #[serde(default = "node_dns_servers")]
    #[schemars(length(min = 1), example = serde_json::json!(["10.10.10.1", "1.1.1.1"]))]
    pub node_dns_servers: Vec<Ipv4>,

    /// Time servers of the nodes, as addresses: names could not be resolved before the time is right.
    #[serde(default = "node_ntp_servers")]
    #[schemars(length(min = 1), example = serde_json::json!(["162.159.200.1"]))]
    pub node_ntp_servers: Vec<Ipv4>,

    /// Default gateway of the nodes: your router's address in `node_cidr`, which nothing else may have. Without it, the
    /// first address of `node_cidr`.
    #[serde(default)]
    #[schemars(example = &"10.10.10.1")]
    pub node_default_gateway: Option<Ipv4>,

    /// VLAN id of the node network, in quotes. Set it only when the switch ports carry the network tagged: Talos then
    /// adds a VLAN interface (but see `proxmox_vlan_mode`).
    #[serde(default)]
    #[schemars(example = &"42")]
    pub node_vlan_tag: Option<VlanTag>,

    /// Set to true when the nodes are virtual machines whose hypervisor adds and removes the VLAN tag: Talos then sees
    /// an untagged network, and `node_vlan_tag` adds no VLAN interface.
    #[serde(default)]
    #[schemars(example = true)]
    pub proxmox_vlan_mode: bool,

    /// Network of the pods, in CIDR notation; a /16 leaves room for 256 nodes. Cannot be changed after bootstrap.
    /// Cilium routes it natively, and Envoy trusts its proxies from it.
    #[serde(default = "cluster_pod_cidr")]
    #[schemars(example = &"10.42.0.0/16")]
    pub cluster_pod_cidr: Cidr,

    /// Network of the services, in CIDR notation; a /16 is usual. Cannot be changed after bootstrap. CoreDNS gets its
    /// tenth address.
    #[serde(default = "cluster_svc_cidr")]
    #[schemars(example = &"10.43.0.0/16")]
    pub cluster_svc_cidr: Cidr,

    /// Virtual address of the Kubernetes API, shared by the controllers: an unused address in `node_cidr`, outside
    /// any DHCP range.
    #[schemars(example = &"10.10.10.254", extend("x-placeholder" = "<unused address for the Kubernetes API>"))]
    pub cluster_api_addr: Ipv4,

    /// Further names that the certificate of the Kubernetes API is valid for.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["k8s.example.com"]))]
    pub cluster_api_tls_sans: Vec<Fqdn>,

    /// Load balancer address of the internal gateway (`envoy-internal`): what hosts in your network reach apps by. An
    /// unused address, outside any DHCP range.
    #[schemars(example = &"10.10.10.252", extend("x-placeholder" = "<unused address for the internal gateway>"))]
    pub cluster_gateway_addr: Ipv4,

    /// Load balancer address of k8s-gateway, the DNS server for your domain inside your network: point your router's
    /// forwarding of the domain at it. Required unless UniFi DNS is used (`unifi_host` and `unifi_api_key`), which
    /// replaces it.
    #[serde(default)]
    #[schemars(example = &"10.10.10.253", extend("x-placeholder" = "<unused address for the DNS gateway>"))]
    pub cluster_dns_gateway_addr: Option<Ipv4>,
}

fn cluster_name() -> LabelValue {
    LabelValue::parse("talos-cluster").expect("valid default")
}

fn node_dns_servers() -> Vec<Ipv4> {
    vec![address("1.1.1.1"), address("1.0.0.1")]
}

fn node_ntp_servers() -> Vec<Ipv4> {
    vec![address("162.159.200.1"), address("162.159.200.123")]
}

fn cluster_pod_cidr() -> Cidr {
    Cidr::parse("10.42.0.0/16").expect("valid default")
}

fn cluster_svc_cidr() -> Cidr {
    Cidr::parse("10.43.0.0/16").expect("valid default")
}

fn address(text: &str) -> Ipv4 {
    Ipv4::parse(text).expect("valid default")
}
