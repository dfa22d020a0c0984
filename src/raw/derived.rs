//! What the plugin of the cluster template computes from the data, where the data is of that kind.

use super::data::Data;
use crate::jinja::{Host, Value};

/// A key that every such data has.
const MARK: &str = "node_cidr";

/// Values of a virtual machine, by key: for all machines, for controllers, for workers.
const MACHINES: [(&str, &[(&str, i64)]); 3] = [
    (
        "proxmox_vm_defaults",
        &[("cores", 4), ("sockets", 1), ("memory", 8192), ("disk_size", 128)],
    ),
    (
        "proxmox_vm_controller_defaults",
        &[("cores", 4), ("sockets", 1), ("memory", 8192), ("disk_size", 64)],
    ),
    (
        "proxmox_vm_worker_defaults",
        &[
            ("cores", 8),
            ("sockets", 1),
            ("memory", 16384),
            ("disk_size", 256),
        ],
    ),
];

/// Adds what is missing; a key that is there is never changed, but for objects, which are filled up.
pub(super) fn add(data: &mut Data) {
    if !data.contains_key(MARK) {
        return;
    }
    let all = |data: &Data, keys: &[&str]| keys.iter().all(|key| data.get(*key).is_some_and(Value::is_true));
    let bgp = all(
        data,
        &[
            "cilium_bgp_router_addr",
            "cilium_bgp_router_asn",
            "cilium_bgp_node_asn",
        ],
    );
    let unifi = all(data, &["unifi_host", "unifi_api_key"]);
    let backup = all(data, &["backup_s3_endpoint", "backup_s3_bucket"]);
    let oidc = all(data, &["oidc_issuer_url", "oidc_jwks_uri"]);
    let infrastructure = all(data, &["proxmox_api_url", "proxmox_node"]);
    let nodes = data.get("nodes").and_then(Value::len).unwrap_or(0);
    let gateway = data.get(MARK).map(Host::first_host).unwrap_or_default();
    let list = |items: &[&str]| items.iter().map(|item| Value::from(*item)).collect::<Value>();
    let values: [(&str, Value); 14] = [
        ("node_default_gateway", gateway),
        ("node_dns_servers", list(&["1.1.1.1", "1.0.0.1"])),
        ("node_ntp_servers", list(&["162.159.200.1", "162.159.200.123"])),
        ("cluster_pod_cidr", Value::from("10.42.0.0/16")),
        ("cluster_svc_cidr", Value::from("10.43.0.0/16")),
        ("repository_branch", Value::from("main")),
        ("repository_visibility", Value::from("public")),
        ("cilium_loadbalancer_mode", Value::from("dsr")),
        ("cilium_bgp_enabled", Value::from(bgp)),
        ("unifi_dns_enabled", Value::from(unifi)),
        ("k8s_gateway_enabled", Value::from(!unifi)),
        ("talos_backup_enabled", Value::from(backup)),
        ("oidc_enabled", Value::from(oidc)),
        ("spegel_enabled", Value::from(nodes > 1)),
    ];
    for (key, value) in values {
        data.entry(key.to_owned()).or_insert(value);
    }
    data.entry("infrastructure_enabled".to_owned())
        .or_insert(Value::from(infrastructure));
    if infrastructure {
        machines(data);
    }
}

fn machines(data: &mut Data) {
    data.entry("proxmox_iso_storage".to_owned())
        .or_insert(Value::from("local"));
    data.entry("proxmox_disk_storage".to_owned())
        .or_insert(Value::from("local-lvm"));
    let mut general: Vec<(Value, Value)> = Vec::new();
    for (key, built_in) in MACHINES {
        let built_in = built_in
            .iter()
            .map(|(key, number)| (Value::from(*key), Value::from(*number)));
        let mut entries = general.clone();
        put(&mut entries, built_in);
        put(&mut entries, own(data, key));
        if key == "proxmox_vm_defaults" {
            general.clone_from(&entries);
        }
        data.insert(key.to_owned(), Value::from_pairs(entries));
    }
    let tags = ["kubernetes", "linux", "talos"].map(Value::from);
    let advanced: [(&str, Value); 15] = [
        ("bios", "ovmf".into()),
        ("machine", "q35".into()),
        ("cpu_type", "host".into()),
        ("scsi_hw", "virtio-scsi-pci".into()),
        ("balloon", 0.into()),
        ("numa", true.into()),
        ("qemu_agent", true.into()),
        ("net_queues", 4.into()),
        ("disk_discard", true.into()),
        ("disk_ssd", true.into()),
        ("tags", tags.into_iter().collect()),
        ("network_bridge", "vmbr0".into()),
        ("ostype", "l26".into()),
        ("disk_backup", false.into()),
        ("disk_replicate", false.into()),
    ];
    let mut entries: Vec<(Value, Value)> = advanced
        .into_iter()
        .map(|(key, value)| (key.into(), value))
        .collect();
    put(&mut entries, own(data, "proxmox_vm_advanced"));
    data.insert("proxmox_vm_advanced".to_owned(), Value::from_pairs(entries));
}

/// The entries that the data itself gives.
fn own(data: &Data, key: &str) -> Vec<(Value, Value)> {
    let object = data.get(key).and_then(Value::as_object);
    object
        .and_then(minijinja::value::DynObject::try_iter_pairs)
        .into_iter()
        .flatten()
        .collect()
}

fn put(entries: &mut Vec<(Value, Value)>, more: impl IntoIterator<Item = (Value, Value)>) {
    for (key, value) in more {
        match entries.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, Value)]) -> Data {
        let mut data: Data = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        add(&mut data);
        data
    }

    #[test]
    fn values_are_added_and_never_replaced() {
        let data = with(&[
            ("node_cidr", "10.1.0.0/24".into()),
            ("repository_branch", "trunk".into()),
            ("unifi_host", "x".into()),
            ("unifi_api_key", "y".into()),
            ("spegel_enabled", true.into()),
        ]);
        for (key, expected) in [
            ("node_default_gateway", "10.1.0.1"),
            ("repository_branch", "trunk"),
            ("k8s_gateway_enabled", "False"),
            ("spegel_enabled", "True"),
            ("cilium_bgp_enabled", "False"),
            ("infrastructure_enabled", "False"),
        ] {
            assert_eq!(data[key].to_string(), expected, "{key}");
        }
        assert!(!data.contains_key("proxmox_vm_defaults"));
        assert!(
            with(&[("name", "x".into())]).len() == 1,
            "other data is left alone"
        );
    }

    #[test]
    fn machines_are_filled_up() {
        let data = with(&[
            ("node_cidr", "10.1.0.0/24".into()),
            ("proxmox_api_url", "https://x".into()),
            ("proxmox_node", "n".into()),
            (
                "proxmox_vm_defaults",
                Value::from_pairs([("cores", 6), ("numa_nodes", 2)]),
            ),
        ]);
        assert_eq!(
            data["proxmox_vm_worker_defaults"].to_string(),
            "{'cores': 8, 'sockets': 1, 'memory': 16384, 'disk_size': 256, 'numa_nodes': 2}"
        );
        assert_eq!(
            data["proxmox_vm_advanced"]
                .get_attr("ostype")
                .unwrap()
                .to_string(),
            "l26"
        );
    }
}
