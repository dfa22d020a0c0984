//! `graph` and `apps`: two views of the plan.

use crate::support::{EVERYTHING, MINIMAL, Repo};

fn json(repo: &Repo, args: &[&str]) -> serde_json::Value {
    let args: Vec<&str> = args.iter().copied().chain(["--output", "json"]).collect();
    serde_json::from_str(&repo.ok(&args).stdout).expect("JSON")
}

#[test]
fn the_graph_as_mermaid_dot_and_json() {
    let repo = Repo::with(MINIMAL);
    let mermaid = repo.ok(&["graph"]).stdout;
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert!(
        mermaid.contains("  kube-system.cilium --> kube-system.coredns\n"),
        "{mermaid}"
    );
    let dot = repo.ok(&["graph", "--format", "dot"]).stdout;
    assert!(dot.starts_with("digraph flux {") && dot.ends_with("}\n"), "{dot}");
    assert!(
        dot.contains("\"kube-system/cilium\" -> \"kube-system/coredns\";"),
        "{dot}"
    );
    let json = json(&repo, &["graph"]);
    let edges = json["edges"].as_array().expect("edges").len();
    assert_eq!(edges, mermaid.matches(" --> ").count());
    assert_eq!(edges, dot.matches(" -> ").count());
    let nodes = json["nodes"].as_array().expect("nodes").len();
    assert_eq!(nodes, dot.matches("[label=").count());
}

#[test]
fn apps_are_listed_on_or_off() {
    let run = Repo::with(MINIMAL).ok(&["apps"]);
    let line = |app: &str| {
        run.stdout
            .lines()
            .find(|line| line.contains(app))
            .expect("listed")
            .to_owned()
    };
    assert!(line("kube-system/cilium").starts_with("on "));
    assert!(line("monitoring/loki").starts_with("off"));
}

#[test]
fn resources_add_up_and_daemonsets_count_once_a_node() {
    let json = json(&Repo::with(EVERYTHING), &["apps", "--resources"]);
    let components = json["components"].as_array().expect("components");
    for key in ["pods", "cpu_millicores", "memory_bytes", "volume_bytes"] {
        let sum: u64 = components.iter().filter_map(|c| c[key].as_u64()).sum();
        assert_eq!(json["total"][key].as_u64(), Some(sum), "{key}");
    }
    let component = |name: &str| {
        let found = components.iter().find(|c| c["component"] == name);
        found.unwrap_or_else(|| panic!("{name}: {components:#?}"))
    };
    assert_eq!(component("prometheus-node-exporter")["pods"], 4);
    assert_eq!(
        component("prometheus-node-exporter")["memory_bytes"],
        (4 * 32) << 20
    );
    assert_eq!(component("vmsingle")["volume_bytes"], 50_u64 << 30);
    assert_eq!(component("grafana")["pods"], 1);
    let table = Repo::with(EVERYTHING).ok(&["apps", "--resources"]).stdout;
    assert!(table.lines().any(|line| line.starts_with("total ")), "{table}");
}

/// A name that no values have would count nothing.
#[test]
fn every_daemonset_of_a_manifest_is_a_place_in_the_values() {
    for stack in ["victoriametrics", "prometheus"] {
        let config = EVERYTHING.replace(
            "monitoring_enabled: true\n",
            &format!("monitoring_enabled: true\nmonitoring_stack: {stack}\n"),
        );
        let json = json(&Repo::with(&config), &["apps", "--resources"]);
        let components = json["components"].as_array().expect("components");
        for manifest in [
            "monitoring/alloy",
            "monitoring/victoria-metrics",
            "monitoring/kube-prometheus-stack",
        ] {
            let path = format!(
                "{}/templates/apps/{manifest}/app.yaml",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = std::fs::read_to_string(path).expect("a manifest");
            let listed = text.lines().find_map(|line| line.strip_prefix("daemonsets: "));
            let off = manifest.ends_with("victoria-metrics") != (stack == "victoriametrics");
            for name in listed.expect("daemonsets").trim_matches(['[', ']']).split(", ") {
                let found = components
                    .iter()
                    .any(|c| c["app"] == manifest && c["component"] == name && c["pods"] == 4);
                assert!(
                    found || (off && manifest != "monitoring/alloy"),
                    "{stack}: {manifest}: {name}"
                );
            }
        }
    }
}
