//! What belongs together in the monitoring apps, across files and charts: dashboards and their loader, names and ports,
//! alerts and their cases.

use std::collections::{BTreeMap, BTreeSet};

use yaml::Node;

use crate::clusters::tree;
use crate::support::{MINIMAL, directory};

const ON: &str = "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nhubble_enabled: true\n\
                  loki_enabled: true\ntracing_enabled: true\nstorage_class_external: true\n\
                  network_policies_enabled: true\nnetwork_policies_mode: enforce\n";
/// The stacks, by the name of their app and of their chart.
const STACKS: [(&str, &str, &str); 2] = [
    (
        "victoriametrics",
        "victoria-metrics",
        "victoria-metrics-k8s-stack",
    ),
    ("prometheus", "kube-prometheus-stack", "kube-prometheus-stack"),
];

fn with(stack: &str) -> BTreeMap<String, String> {
    tree(&format!("monitoring_stack: {stack}\n{ON}{MINIMAL}"))
}

fn documents(tree: &BTreeMap<String, String>, path: &str) -> Vec<Node> {
    let text = tree.get(path).unwrap_or_else(|| panic!("no {path}"));
    yaml::parse(text).expect("YAML")
}

/// The values of an app's HelmRelease.
fn values(tree: &BTreeMap<String, String>, app: &str) -> Node {
    let path = format!("kubernetes/apps/{app}/app/helmrelease.yaml");
    let documents = documents(tree, &path);
    documents[0].path(&["spec", "values"]).expect("values").clone()
}

fn at<'n>(node: &'n Node, path: &str) -> &'n str {
    let keys: Vec<&str> = path.split('.').collect();
    node.str_at(&keys).unwrap_or_default()
}

fn downloads(tree: &BTreeMap<String, String>, app: &str) -> (String, String) {
    let found = documents(
        tree,
        &format!("kubernetes/apps/monitoring/{app}/app/dashboards.yaml"),
    );
    let text = |key: &str| at(&found[0], &format!("data.{key}")).to_owned();
    let script = found[0].str_at(&["data", "download.sh"]).expect("a script");
    (text("dashboards"), script.to_owned())
}

/// Charts ship dashboards as `ConfigMaps` in the namespace `monitoring`; Grafana's sidecar must be there to load them.
/// Labels: `grafana_dashboard` is the default of cilium 1.19.6, of loki 6.49.0, of both stacks, and of the Grafana charts
/// 8.11.4 and 10.4.3, so no values name it.
#[test]
fn dashboards_that_charts_bring_are_loaded() {
    for (stack, app, _) in STACKS {
        let tree = with(stack);
        let grafana = values(&tree, &format!("monitoring/{app}"));
        let sidecar = |key: &str| at(&grafana, &format!("grafana.sidecar.{key}"));
        assert_eq!(sidecar("dashboards.enabled"), "true", "{stack}");
        assert_eq!(
            sidecar("dashboards.folderAnnotation"),
            "grafana_folder",
            "{stack}"
        );
        assert_eq!(
            sidecar("dashboards.provider.foldersFromFilesStructure"),
            "true",
            "{stack}"
        );
        // Not below the volume of the downloads, which the sidecar's folder would hide (the default of one stack).
        assert!(
            !sidecar("dashboards.folder").starts_with("/var/lib/grafana"),
            "{stack}"
        );
        // What the chart itself would download goes away when a download fails, and one stack refuses it beside the sidecar.
        assert!(grafana.path(&["grafana", "dashboards"]).is_none(), "{stack}");
        // Read again when it changes: Loki and Tempo may come later. Grafana's chart: a sidecar unless `initDatasources`.
        assert_eq!(sidecar("datasources.enabled"), "true", "{stack}");
        if stack == "victoriametrics" {
            assert_eq!(sidecar("datasources.initDatasources"), "false");
        }
        let cilium = values(&tree, "kube-system/cilium");
        for place in ["dashboards", "operator.dashboards", "hubble.metrics.dashboards"] {
            assert_eq!(
                at(&cilium, &format!("{place}.enabled")),
                "true",
                "{stack}: {place}"
            );
            assert_eq!(
                at(&cilium, &format!("{place}.namespace")),
                "monitoring",
                "{stack}: {place}"
            );
            assert_eq!(
                at(&cilium, &format!("{place}.annotations.grafana_folder")),
                "Network",
                "{stack}: {place}"
            );
        }
        let loki = values(&tree, "monitoring/loki");
        assert_eq!(at(&loki, "monitoring.dashboards.enabled"), "true");
        assert_eq!(
            at(&loki, "monitoring.dashboards.annotations.grafana_folder"),
            "Logging"
        );
    }
}

/// The 15 dashboards: each comes from one place, and the page for operators says from which.
#[test]
fn every_dashboard_is_listed_and_comes_from_one_place() {
    for (stack, app, chart) in STACKS {
        let tree = with(stack);
        let page = &tree["docs/dashboards.md"];
        let rows: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("| ") && !line.contains("---"))
            .skip(1)
            .collect();
        assert_eq!(rows.len(), 15, "{stack}: {rows:#?}");
        let named: BTreeSet<&str> = rows
            .iter()
            .filter_map(|row| row.split("grafana.com, ").nth(1))
            .map(|rest| rest.trim_end_matches(" |"))
            .collect();
        let (list, _) = downloads(&tree, app);
        let listed: BTreeSet<&str> = list
            .lines()
            .filter_map(|line| line.trim().strip_prefix("gnetId: "))
            .collect();
        assert_eq!(named, listed, "{stack}");
        let brought = rows.iter().filter(|row| row.contains("| chart `")).count();
        assert_eq!(brought + named.len(), 15, "{stack}");
        assert!(rows.iter().any(|row| row.contains(chart)), "{stack}");
        // The numbers of what Cilium brings must not come back: two dashboards of one uid block each other.
        for number in ["16611", "16612", "16613", "20330"] {
            assert!(!list.contains(number), "{stack}: {number}");
        }
    }
}

/// Runs the download script with a `curl` that does what `reply` says for each name.
#[cfg(unix)]
fn download(stack: &str, reply: &str, before: &[(&str, &str)]) -> (bool, String, BTreeMap<String, String>) {
    use std::os::unix::fs::PermissionsExt as _;

    let (_, app, _) = STACKS
        .into_iter()
        .find(|(name, _, _)| *name == stack)
        .expect("a stack");
    let (list, script) = downloads(&with(stack), app);
    let dir = directory();
    let path = |name: &str| dir.path().join(name);
    for (name, text) in [("list", list.as_str()), ("download.sh", script.as_str())] {
        std::fs::write(path(name), text).expect("written");
    }
    std::fs::create_dir(path("bin")).expect("made");
    // Its output file follows `-o`, the address comes last.
    let curl = format!(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" = -o ] && out=$2; shift; done\necho \"asked $1\" >&2\n{reply}\n"
    );
    std::fs::write(path("bin/curl"), curl).expect("written");
    std::fs::set_permissions(path("bin/curl"), std::fs::Permissions::from_mode(0o755)).expect("executable");
    let volume = path("dashboards");
    for (name, text) in before {
        let file = volume.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, text).expect("written");
    }
    let shell_path = format!("{}:/usr/bin:/bin", path("bin").display());
    let run = std::process::Command::new("/bin/sh")
        .arg(path("download.sh"))
        .args([path("list"), volume.clone()])
        .env_clear()
        .env("PATH", shell_path)
        .output()
        .expect("a shell");
    let mut files = BTreeMap::new();
    for folder in std::fs::read_dir(&volume).expect("a volume").flatten() {
        for file in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
            let name = format!(
                "{}/{}",
                folder.file_name().to_string_lossy(),
                file.file_name().to_string_lossy()
            );
            files.insert(name, std::fs::read_to_string(file.path()).expect("text"));
        }
    }
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    (run.status.success(), said, files)
}

#[cfg(unix)]
#[test]
fn dashboards_are_downloaded_with_their_datasource() {
    let reply = r#"printf '{"datasource": "${DS_PROMETHEUS}", "uid": "${datasource}", "own": "${namespace}"}' >"$out""#;
    for (stack, name, files) in [
        ("victoriametrics", "VictoriaMetrics", 6),
        ("prometheus", "Prometheus", 11),
    ] {
        let (done, said, found) = download(stack, reply, &[]);
        assert!(done, "{said}");
        assert_eq!(found.len(), files, "{stack}: {found:?}");
        assert_eq!(
            found["gitops/flux2.json"],
            format!(r#"{{"datasource": "{name}", "uid": "${{datasource}}", "own": "${{namespace}}"}}"#)
        );
        assert!(
            said.contains("asked https://grafana.com/api/dashboards/16714/revisions/1/download"),
            "{said}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_download_that_fails_keeps_the_file() {
    let before = [
        ("network/envoy-proxy.json", "{old}"),
        ("gitops/flux2.json", ""),
        ("infrastructure/mine.json", "{mine}"),
        // Downloads of before, which charts bring today.
        ("network/cilium-agent.json", "{old}"),
        ("infrastructure/kubernetes-etcd.json", "{old}"),
    ];
    // No such page; nothing reachable; a login page; half of it.
    for (reply, asked) in [
        ("exit 22", 6),
        ("exit 6", 1),
        ("echo '<html>' >\"$out\"", 6),
        ("printf '{' >\"$out\"; exit 18", 6),
    ] {
        let (done, said, found) = download("victoriametrics", reply, &before);
        assert!(done, "{reply}: {said}");
        let kept = BTreeMap::from([
            ("infrastructure/mine.json".to_owned(), "{mine}".to_owned()),
            ("network/envoy-proxy.json".to_owned(), "{old}".to_owned()),
        ]);
        assert_eq!(found, kept, "{reply}");
        assert_eq!(said.matches("asked ").count(), asked, "{reply}: {said}");
    }
}

/// Values that set a port or a name which other files of the tree repeat, so that no version of a chart moves it.
#[test]
fn ports_and_names_that_others_repeat_are_set() {
    let pins: &[(&str, &str, &str, &str)] = &[
        (
            "victoriametrics",
            "victoria-metrics",
            "vmsingle.spec.port",
            "8429",
        ),
        ("victoriametrics", "victoria-metrics", "vmalert.spec.port", "8080"),
        (
            "victoriametrics",
            "victoria-metrics",
            "alertmanager.spec.port",
            "9093",
        ),
        (
            "victoriametrics",
            "victoria-metrics",
            "grafana.service.port",
            "80",
        ),
        (
            "victoriametrics",
            "victoria-metrics",
            "grafana.service.targetPort",
            "3000",
        ),
        (
            "victoriametrics",
            "victoria-metrics",
            "fullnameOverride",
            "victoria-metrics-k8s-stack",
        ),
        (
            "victoriametrics",
            "victoria-metrics",
            "grafana.fullnameOverride",
            "victoria-metrics-k8s-stack-grafana",
        ),
        (
            "prometheus",
            "kube-prometheus-stack",
            "prometheus.service.port",
            "9090",
        ),
        (
            "prometheus",
            "kube-prometheus-stack",
            "alertmanager.service.port",
            "9093",
        ),
        (
            "prometheus",
            "kube-prometheus-stack",
            "grafana.service.port",
            "80",
        ),
        (
            "prometheus",
            "kube-prometheus-stack",
            "fullnameOverride",
            "kube-prometheus-stack",
        ),
        (
            "prometheus",
            "kube-prometheus-stack",
            "grafana.fullnameOverride",
            "kube-prometheus-stack-grafana",
        ),
        ("prometheus", "loki", "fullnameOverride", "loki"),
        ("prometheus", "loki", "loki.server.http_listen_port", "3100"),
        ("prometheus", "tempo", "fullnameOverride", "tempo"),
        ("prometheus", "tempo", "tempo.server.http_listen_port", "3200"),
        ("prometheus", "alloy", "alloy.listenPort", "12345"),
    ];
    let trees: BTreeMap<&str, BTreeMap<String, String>> =
        STACKS.iter().map(|(stack, _, _)| (*stack, with(stack))).collect();
    for (stack, app, path, value) in pins {
        let values = values(&trees[stack], &format!("monitoring/{app}"));
        assert_eq!(at(&values, path), *value, "{app}: {path}");
    }
    let repeated = [
        (
            "victoriametrics",
            "http://vmsingle-victoria-metrics-k8s-stack.monitoring.svc:8429",
        ),
        (
            "prometheus",
            "http://kube-prometheus-stack-prometheus.monitoring.svc:9090",
        ),
        ("prometheus", "http://loki:3100"),
        ("prometheus", "http://tempo:3200"),
    ];
    for (stack, address) in repeated {
        let count = trees[stack]
            .values()
            .filter(|text| text.contains(address))
            .count();
        assert!(count > 0, "{address}");
    }
}

/// `promtool` judges the cases; here they are counted, so that no alert comes without.
#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let cases = include_str!("../conformance/alerts.txt");
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in cases
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_alphabetic()))
    {
        let mut words = line.split(' ');
        let (alert, verdict) = (words.next().expect("an alert"), words.next().expect("a verdict"));
        found.entry(alert).or_default().insert(verdict);
    }
    let both = BTreeSet::from(["fires", "silent"]);
    for (stack, app, _) in STACKS {
        let rules = documents(
            &with(stack),
            &format!("kubernetes/apps/monitoring/{app}/app/prometheusrule.yaml"),
        );
        let groups = rules[0].path(&["spec", "groups"]).expect("groups").items();
        let alerts: Vec<&str> = groups
            .iter()
            .flat_map(|group| group.get("rules").map(Node::items).unwrap_or_default())
            .filter_map(|rule| rule.str_at(&["alert"]))
            .collect();
        assert_eq!(alerts.len(), 34, "{stack}");
        for alert in &alerts {
            assert_eq!(found.get(alert), Some(&both), "{stack}: {alert}");
        }
        assert_eq!(found.len(), alerts.len(), "a case of an alert that is not there");
    }
}

/// Sources: values.yaml and templates of loki 6.49.0 name none of its three (bloomPlanner and bloomBuilder came for
/// bloomCompactor in 6.12.0; Grafana and Promtail were parts of the chart loki-stack). kube-prometheus-stack 80.10.0 has
/// the rules of kube-proxy and of Windows only with `kubeProxy.enabled` and `windowsMonitoring.enabled`, which are off.
#[test]
fn values_that_no_chart_reads_are_not_set() {
    let tree = with("prometheus");
    for (app, path) in [
        ("loki", "bloomCompactor"),
        ("loki", "grafana"),
        ("loki", "promtail"),
        ("kube-prometheus-stack", "defaultRules.rules.kubeProxy"),
        ("kube-prometheus-stack", "defaultRules.rules.windows"),
    ] {
        let values = values(&tree, &format!("monitoring/{app}"));
        let keys: Vec<&str> = path.split('.').collect();
        assert!(values.path(&keys).is_none(), "{app}: {path}");
    }
}
