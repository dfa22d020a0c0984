//! Golden trees: two clusters in full, every other combination as its difference from one of them.

mod flows;
mod matrix;
mod monitoring;
mod older;

use std::collections::BTreeMap;

use crate::support::{EVERYTHING, MINIMAL, Repo};

/// The rendered tree, secrets masked, by path.
pub(crate) fn tree(config: &str) -> BTreeMap<String, String> {
    let run = Repo::with(config).ok(&["render", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let files = json["files"].as_array().expect("files");
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    files
        .iter()
        .map(|file| (text(&file["path"]), text(&file["text"])))
        .collect()
}

fn snapshot(name: &str, tree: &BTreeMap<String, String>) {
    // The schema has a test of its own.
    let files = tree
        .iter()
        .filter(|(path, _)| !path.ends_with("cluster.schema.json"));
    let text: String = files.map(|(path, text)| format!("==> {path}\n{text}")).collect();
    insta::assert_snapshot!(name, text.replace(crate::support::RECIPIENT, "<recipient>"));
}

#[test]
fn minimal() {
    snapshot("minimal", &tree(MINIMAL));
}

#[test]
fn everything() {
    snapshot("everything", &tree(EVERYTHING));
}

/// Combinations that change the graph, as lines added to the minimal cluster.
pub(crate) const VARIANTS: &[(&str, &str)] = &[
    (
        "monitoring",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\n",
    ),
    (
        "loki",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: true\n",
    ),
    (
        "tracing",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\ntracing_enabled: true\n",
    ),
    (
        "loki-and-tracing",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: true\n\
         tracing_enabled: true\n",
    ),
    (
        "hubble",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nhubble_enabled: true\n",
    ),
    (
        "alerts-off",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\n\
         monitoring_alerts_enabled: false\n",
    ),
    (
        "bgp",
        "cilium_bgp_router_addr: 10.10.10.1\ncilium_bgp_router_asn: \"64513\"\ncilium_bgp_node_asn: \"64514\"\n",
    ),
    ("private-repository", "repository_visibility: private\n"),
    (
        "prometheus",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nmonitoring_stack: prometheus\n",
    ),
    (
        "prometheus-with-loki-and-tracing",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nmonitoring_stack: prometheus\n\
         loki_enabled: true\ntracing_enabled: true\n",
    ),
    (
        "alerts-to-pagerduty",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nalert_receiver: pagerduty\n\
         alert_pagerduty_routing_key: test-pagerduty-key\n",
    ),
    (
        "alerts-to-webhook",
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nalert_receiver: webhook\n\
         alert_webhook_url: http://alerts.example.com/test-webhook\n",
    ),
    (
        "backup",
        "backup_s3_endpoint: https://s3.example.com\nbackup_s3_bucket: etcd-backups\n\
         backup_s3_access_key: test-s3-access-key\nbackup_s3_secret_key: test-s3-secret-key\n\
         backup_age_public_key: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n",
    ),
    (
        "proxmox-ccm",
        "proxmox_endpoint: https://pve.example.com:8006\nproxmox_ccm_enabled: true\n\
         proxmox_ccm_token_id: a@pve!ccm\nproxmox_ccm_token_secret: test-proxmox-ccm-secret\n",
    ),
    (
        "proxmox-csi",
        "proxmox_endpoint: https://pve.example.com:8006\nproxmox_csi_enabled: true\n\
         proxmox_csi_token_id: a@pve!csi\nproxmox_csi_token_secret: test-proxmox-csi-secret\n\
         proxmox_csi_storage: local-zfs\n",
    ),
    (
        "external-secrets-1password",
        "external_secrets_enabled: true\nonepassword_connect_host: http://connect.example.com:8080\n\
         onepassword_connect_token: test-onepassword-token\nonepassword_vaults: [Homelab]\n",
    ),
    (
        "external-secrets-bitwarden",
        "external_secrets_enabled: true\nexternal_secrets_provider: bitwarden\n\
         bitwarden_access_token: test-bitwarden-token\n\
         bitwarden_organization_id: 5688ce2e-1f1c-4f2b-8a6f-b1a300d3a9f1\n\
         bitwarden_project_id: 0b4c1f6e-7f0a-4c1e-9d55-b1a300d3e6aa\n",
    ),
    (
        "external-secrets-vault",
        "external_secrets_enabled: true\nexternal_secrets_provider: vault\n\
         vault_server: https://vault.example.com:8200\n",
    ),
    (
        "unifi",
        "unifi_host: https://10.10.10.1\nunifi_api_key: test-unifi-key\n",
    ),
    ("policies", "network_policies_enabled: true\n"),
    (
        "policies-enforced",
        "network_policies_enabled: true\nnetwork_policies_mode: enforce\n\
         network_policies_backends: [10.10.10.50/32]\n",
    ),
    (
        "kubelet-serving-certificates",
        "kubelet_serving_certificates: true\n",
    ),
    ("kubernetes-1.34", "kubernetes_version: 1.34.3\n"),
    ("spegel-on-one-node", "spegel_enabled: true\n"),
    ("snat", "cilium_loadbalancer_mode: snat\n"),
];

/// The configuration of a variant: its lines, the minimal cluster, and what volumes on Proxmox need to know of its node.
pub(crate) fn with_minimal(lines: &str) -> String {
    let host = if lines.contains("proxmox_csi_enabled") {
        "    proxmox_host: pve-1\n"
    } else {
        ""
    };
    format!("{lines}{MINIMAL}{host}")
}

/// For each combination: which files come, go or change. Reviews stay small, and no file is forgotten.
#[test]
fn variants() {
    let minimal = tree(MINIMAL);
    let mut out = String::new();
    for (name, lines) in VARIANTS {
        out.push_str(&format!("# {name}\n"));
        let variant = tree(&with_minimal(lines));
        for path in minimal
            .keys()
            .chain(variant.keys())
            .collect::<std::collections::BTreeSet<_>>()
        {
            match (minimal.get(path), variant.get(path)) {
                (Some(old), Some(new)) if old != new => out.push_str(&format!("~ {path}\n")),
                (None, Some(_)) => out.push_str(&format!("+ {path}\n")),
                (Some(_), None) => out.push_str(&format!("- {path}\n")),
                _ => {}
            }
        }
    }
    insta::assert_snapshot!(out);
}

/// What `kustomize` would read exists, for every combination and in every folder.
#[test]
fn every_resource_that_is_listed_exists() {
    let mut folders = 0;
    for (name, lines) in VARIANTS.iter().chain([&("minimal", "")]) {
        let tree = tree(&with_minimal(lines));
        for (path, text) in tree
            .iter()
            .filter(|(path, _)| path.ends_with("/kustomization.yaml"))
        {
            folders += 1;
            let folder = path.trim_end_matches("/kustomization.yaml");
            for item in text.lines().filter_map(|line| line.trim().strip_prefix("- ")) {
                let target = normal(&format!("{folder}/{item}"));
                let found =
                    tree.contains_key(&target) || tree.contains_key(&format!("{target}/kustomization.yaml"));
                assert!(found, "{name}: {path} lists {item}");
            }
        }
    }
    assert!(folders > 150, "{folders}");
}

fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
