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

/// The policy of the proxies in enforce mode, with these lines.
fn proxies(lines: &str) -> yaml::Node {
    let enforce = "network_policies_enabled: true\nnetwork_policies_mode: enforce\n";
    let tree = tree(&format!("{enforce}{lines}{MINIMAL}"));
    let text = &tree["kubernetes/apps/network/network-policies/app/envoy-proxy.yaml"];
    yaml::parse(text).expect("YAML").remove(0)
}

/// The documentation shows a policy that opens the way to a NAS beside the rendered one: both must be about the same pods.
#[test]
fn proxies_reach_machines_outside_of_the_cluster_only_where_that_is_asked_for() {
    let egress = |policy: &yaml::Node| policy.path(&["spec", "egress"]).expect("rules").to_json();
    let closed = proxies("");
    assert_eq!(egress(&closed), serde_json::json!([{"toEntities": ["cluster"]}]));
    let opened = proxies("network_policies_backends: [10.10.10.50/32, 192.168.7.0/24]\n");
    let cidrs = serde_json::json!({"toCIDR": ["10.10.10.50/32", "192.168.7.0/24"]});
    assert_eq!(
        egress(&opened),
        serde_json::json!([{"toEntities": ["cluster"]}, cidrs])
    );

    let page = include_str!("../../docs/network.md");
    let own = page
        .split("```yaml\n")
        .find_map(|block| block.strip_prefix("# kubernetes/apps/network/nas/app/ciliumnetworkpolicy.yaml\n"))
        .and_then(|block| block.split("```").next())
        .expect("the page's policy");
    let own = yaml::parse(own).expect("YAML").remove(0);
    let selector = |policy: &yaml::Node| {
        policy
            .path(&["spec", "endpointSelector"])
            .expect("a selector")
            .to_json()
    };
    assert_eq!(selector(&own), selector(&closed));
    assert!(own.path(&["spec", "egress"]).is_some() && own.path(&["spec", "ingress"]).is_none());
}

/// What a comment says above `enableDefaultDeny` is what stands below it.
#[test]
fn comments_about_drops_fit_the_mode() {
    for (mode, word, not) in [
        (
            "audit",
            "# In audit mode nothing is dropped.",
            "# What no rule allows is dropped.",
        ),
        (
            "enforce",
            "# What no rule allows is dropped.",
            "# In audit mode nothing is dropped.",
        ),
    ] {
        let config = EVERYTHING.replace(
            "network_policies_enabled: true\n",
            &format!("network_policies_enabled: true\nnetwork_policies_mode: {mode}\n"),
        );
        let tree = tree(&config);
        let policies = tree.iter().filter(|(path, _)| path.contains("network-policies/"));
        let texts: Vec<&String> = policies.map(|(_, text)| text).collect();
        assert!(
            texts.iter().filter(|text| text.contains(word)).count() > 15,
            "{mode}"
        );
        assert!(!texts.iter().any(|text| text.contains(not)), "{mode}");
    }
}
