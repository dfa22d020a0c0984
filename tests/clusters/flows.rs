//! The table of network flows against the policies that are rendered: neither says more than the other.

use std::collections::{BTreeMap, BTreeSet};

use super::tree;
use crate::support::{EVERYTHING, MINIMAL};

/// The table, which stands beside the policies that hold everywhere.
const TABLE: &str = include_str!("../../templates/apps/flux-system/cluster-network-policies/README.md");

const MONITORING: &str = "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: true\n\
                          tracing_enabled: true\nhubble_enabled: true\nhubble_ui_enabled: true\n";

/// Every policy file that some configuration renders in enforce mode, with all its versions.
fn policies() -> BTreeMap<String, String> {
    let enforce = "network_policies_enabled: true\nnetwork_policies_mode: enforce\n";
    let configs = [
        EVERYTHING.replace("network_policies_enabled: true\n", enforce),
        format!("{enforce}{MONITORING}monitoring_stack: prometheus\nspegel_enabled: true\n{MINIMAL}"),
        format!("{enforce}{MONITORING}unifi_host: https://10.10.10.1\nunifi_api_key: test\n{MINIMAL}"),
        format!("{enforce}{MINIMAL}"),
    ];
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for config in configs {
        for (path, text) in tree(&config) {
            if text.contains("NetworkPolicy\n") && path.contains("network-policies/") {
                found.entry(path).or_default().push_str(&text);
            }
        }
    }
    found
}

/// A row: where it stands, its ports, its policy files.
fn rows() -> Vec<(usize, Vec<String>, Vec<String>)> {
    let mut rows = Vec::new();
    let mut last: Vec<String> = Vec::new();
    for (number, line) in TABLE.lines().enumerate() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, from, _, port, _, policy, _] = cells.as_slice() else {
            continue;
        };
        if *from == "from" || from.starts_with("---") || policy.starts_with("none") || *policy == "each" {
            continue;
        }
        let files: Vec<String> = policy
            .split(|c: char| c.is_whitespace() || c == ',')
            .filter(|word| word.contains(".yaml"))
            .map(str::to_owned)
            .collect();
        if !policy.starts_with("same") {
            last = files;
        }
        let plain = port.split('(').next().unwrap_or_default();
        let ports = plain
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| word.len() > 1);
        rows.push((number + 1, ports.map(str::to_owned).collect(), last.clone()));
    }
    rows
}

#[test]
fn every_flow_of_the_table_has_its_port_in_a_rendered_policy() {
    let policies = policies();
    let rows = rows();
    assert!(rows.len() > 50, "{} rows were read", rows.len());
    for (line, ports, files) in &rows {
        let named: Vec<&String> = policies
            .iter()
            .filter(|(path, _)| files.iter().any(|file| path.ends_with(&format!("/{file}"))))
            .map(|(_, text)| text)
            .collect();
        assert!(!named.is_empty(), "line {line}: none of {files:?} is rendered");
        for port in ports {
            let open = named.iter().any(|text| text.contains(&format!("\"{port}\"")));
            assert!(open, "line {line}: port {port} is in none of {files:?}");
        }
    }
}

#[test]
fn every_rendered_policy_is_in_the_table() {
    let named: BTreeSet<String> = rows().into_iter().flat_map(|(_, _, files)| files).collect();
    for path in policies().keys() {
        assert!(
            named.iter().any(|file| path.ends_with(&format!("/{file}"))),
            "{path} is not in the table"
        );
    }
}

/// In audit mode nothing may be dropped, in enforce mode every policy with a selector must drop what it does not allow.
#[test]
fn audit_never_denies_by_default() {
    let audit = EVERYTHING.replace(
        "network_policies_enabled: true\n",
        "network_policies_enabled: true\nnetwork_policies_mode: audit\n",
    );
    let policies: Vec<(String, String)> = tree(&audit)
        .into_iter()
        .filter(|(path, text)| path.contains("network-policies/") && text.contains("NetworkPolicy\n"))
        .collect();
    assert!(policies.len() > 15);
    for (path, text) in policies {
        assert!(
            !text.contains("ingress: true") && !text.contains("egress: true"),
            "{path} denies in audit mode"
        );
        assert!(text.contains("enableDefaultDeny:"), "{path} does not say");
    }
}
