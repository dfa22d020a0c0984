//! The machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{InstallDisk, Ipv4, KernelModule, LabelValue, MacAddress, NodeName, SchematicId};

/// The machines of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nodes {
    /// The machines of the cluster, at least one. An odd number of them should be controllers: one, or better three.
    #[schemars(
        length(min = 1, max = 5000),
        example = serde_json::json!([example("k8s-1", "10.10.10.11", "bc:24:11:0a:00:01", true)])
    )]
    pub nodes: Vec<ClusterNode>,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline, extend("defaultSnippets" = [snippet()]))]
pub struct ClusterNode {
    /// Host name of the node: lower-case letters, digits and `-`. Not `global`, `controller` or `worker`.
    #[schemars(example = &"k8s-1", extend("x-placeholder" = "<host name of the node>"))]
    pub name: NodeName,

    /// Address of the node, in `node_cidr`.
    #[schemars(example = &"10.10.10.11", extend("x-placeholder" = "<address of the node>"))]
    pub address: Ipv4,

    /// Whether the node runs the control plane and etcd. At least one must; an even number is no safer than one less.
    #[schemars(example = true)]
    pub controller: bool,

    /// Disk to install Talos on: a device path such as `/dev/nvme0n1`, or the serial number of the disk. List them with
    /// `talosctl get disks --insecure --nodes ADDRESS`.
    #[schemars(example = &"/dev/sda", extend("x-placeholder" = "<device path or serial number of the disk>"))]
    pub disk: InstallDisk,

    /// MAC address of the network card, in lower case. List it with
    /// `talosctl get links --insecure --nodes ADDRESS`.
    #[schemars(example = &"bc:24:11:0a:00:01", extend("x-placeholder" = "<MAC address of the network card>"))]
    pub mac_addr: MacAddress,

    /// Id of the Talos image with the extensions that this machine needs: the 64 characters that factory.talos.dev
    /// shows.
    #[schemars(
        example = &"376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba",
        extend("x-placeholder" = "<schematic id from factory.talos.dev>")
    )]
    pub schematic_id: SchematicId,

    /// Largest packet on the node's network card, in bytes. Raise it only when every switch on the way carries it.
    #[serde(default = "mtu")]
    #[schemars(range(min = 1450, max = 9000), example = 9000)]
    pub mtu: u16,

    /// Set to true when the machine starts with Secure Boot; the installer image is then the signed one.
    #[serde(default)]
    #[schemars(example = true)]
    pub secureboot: bool,

    /// Encrypts the state and data partitions with a key from the machine's TPM. Needs a TPM 2.0, and a new
    /// installation.
    #[serde(default)]
    #[schemars(example = true)]
    pub encrypt_disk: bool,

    /// Kernel modules to load at boot.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["nbd"]))]
    pub kernel_modules: Vec<KernelModule>,

    /// Name of the Proxmox host that runs this virtual machine. The node carries it as the label
    /// `topology.kubernetes.io/zone`, and `proxmox_region` beside it, without which no volume of `proxmox_csi_enabled`
    /// finds its node. Not needed with `proxmox_ccm_enabled`, which finds it out.
    #[serde(default)]
    #[schemars(example = &"pve-1")]
    pub proxmox_host: Option<LabelValue>,
}

fn mtu() -> u16 {
    1500
}

/// Returns a node entry of the documentation.
pub(super) fn example(name: &str, address: &str, mac: &str, controller: bool) -> serde_json::Value {
    serde_json::json!({
        "name": name,
        "address": address,
        "controller": controller,
        "disk": "/dev/sda",
        "mac_addr": mac,
        "schematic_id": "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba",
    })
}

/// Returns what editors insert for a new entry.
fn snippet() -> serde_json::Value {
    serde_json::json!({
        "label": "node",
        "description": "A machine of the cluster",
        "body": {
            "name": "${1:k8s-1}",
            "address": "${2:10.10.10.11}",
            "controller": "^${3|true,false|}",
            "disk": "${4:/dev/sda}",
            "mac_addr": "${5:bc:24:11:0a:00:01}",
            "schematic_id": "${6}",
        },
    })
}
