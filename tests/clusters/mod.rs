//! Golden trees: two clusters in full, every other combination as its difference from one of them.

use std::collections::BTreeMap;

use crate::support::{EVERYTHING, MINIMAL, Repo};

/// The rendered tree, secrets masked, by path.
fn tree(config: &str) -> BTreeMap<String, String> {
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
const VARIANTS: &[(&str, &str)] = &[
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
    ("snat", "cilium_loadbalancer_mode: snat\n"),
];

/// For each combination: which files come, go or change. Reviews stay small, and no file is forgotten.
#[test]
fn variants() {
    let minimal = tree(MINIMAL);
    let mut out = String::new();
    for (name, lines) in VARIANTS {
        out.push_str(&format!("# {name}\n"));
        let variant = tree(&format!("{lines}{MINIMAL}"));
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
        let tree = tree(&format!("{lines}{MINIMAL}"));
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
