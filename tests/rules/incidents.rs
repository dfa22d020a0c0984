//! The 22 incidents of the seed document, planted one by one: each is found, at its line, with the edit that mends it.
//!
//! Most are planted into the tree of the everything cluster; those of apps that it does not have, into a fixture.

use clusterwright::check::rules::ALL;
use std::path::Path;

use super::{findings, read};
use crate::clusters::{VARIANTS, tree, with_minimal};
use crate::support::{EVERYTHING, MINIMAL};

/// The only rule that our own tree does not pass: the cilium app allows it.
const ALLOWED: &str = "l7-metrics-without-policy";

struct Incident {
    id: &'static str,
    rule: &'static str,
    /// A tree of `tests/rules`, else the everything cluster.
    fixture: Option<&'static str>,
    /// Path, text, replacement. A path that is not in the tree is added.
    edits: &'static [(&'static str, &'static str, &'static str)],
    /// Path, and the first text of the line that is found.
    at: (&'static str, &'static str),
    /// Part of the help.
    help: &'static str,
}

macro_rules! apps {
    ($path:literal) => {
        concat!("kubernetes/apps/", $path)
    };
}

const CERT_MANAGER_KS: &str = apps!("cert-manager/cert-manager/ks.yaml");
const CILIUM: &str = apps!("kube-system/cilium/app/helmrelease.yaml");
const ENVOY_KS: &str = apps!("network/envoy-gateway/ks.yaml");
const FLUX_OPERATOR: &str = apps!("flux-system/flux-operator/app/helmrelease.yaml");
const LOKI: &str = apps!("monitoring/loki/app/helmrelease.yaml");
const MONITORING: &str = apps!("monitoring/namespace.yaml");
const PODMONITOR: &str = apps!("network/envoy-gateway/app/podmonitor.yaml");
const VICTORIA_METRICS: &str = apps!("monitoring/victoria-metrics/app/helmrelease.yaml");
const VICTORIA_METRICS_KS: &str = apps!("monitoring/victoria-metrics/ks.yaml");

const INCIDENTS: &[Incident] = &[
    Incident {
        id: "L-01",
        rule: "missing-dependency",
        fixture: Some("missing-dependency/pass/waits-directly-or-through-others.yaml"),
        edits: &[(apps!("kube-system/proxmox-ccm/ks.yaml"), "{name: cilium}", "")],
        at: (apps!("kube-system/proxmox-ccm/ks.yaml"), "dependsOn"),
        help: "add `- {name: cilium}` to `spec.dependsOn`",
    },
    Incident {
        id: "L-02",
        rule: "missing-dependency",
        fixture: Some("missing-dependency/pass/waits-directly-or-through-others.yaml"),
        edits: &[(
            apps!("csi-proxmox/proxmox-csi/ks.yaml"),
            ", {name: proxmox-ccm, namespace: kube-system}",
            "",
        )],
        at: (apps!("csi-proxmox/proxmox-csi/ks.yaml"), "dependsOn"),
        help: "add `- {name: proxmox-ccm, namespace: kube-system}`",
    },
    Incident {
        id: "L-03",
        rule: "missing-dependency",
        fixture: None,
        edits: &[(
            CERT_MANAGER_KS,
            "  dependsOn:\n    - name: coredns\n      namespace: kube-system\n",
            "",
        )],
        at: (CERT_MANAGER_KS, "name: cert-manager"),
        help: "add `- {name: coredns, namespace: kube-system}`",
    },
    Incident {
        id: "L-03, health checks",
        rule: "unchecked-dependency",
        fixture: None,
        edits: &[(
            CERT_MANAGER_KS,
            "    - apiVersion: cert-manager.io/v1\n      kind: ClusterIssuer\n      name: letsencrypt-production\n",
            "",
        )],
        at: (CERT_MANAGER_KS, "healthChecks:"),
        help: "kind: ClusterIssuer, name: letsencrypt-production}` to `spec.healthChecks`",
    },
    Incident {
        id: "L-04",
        rule: "missing-dependency",
        fixture: None,
        edits: &[(
            VICTORIA_METRICS_KS,
            "    - name: coredns\n      namespace: kube-system\n",
            "    []\n",
        )],
        at: (VICTORIA_METRICS_KS, "dependsOn"),
        help: "add `- {name: coredns, namespace: kube-system}`",
    },
    Incident {
        id: "L-05",
        rule: "unordered-certificate",
        fixture: Some("unordered-certificate/pass/waits.yaml"),
        edits: &[(
            apps!("network/tunnel/ks.yaml"),
            "{name: cert-manager, namespace: cert-manager}",
            "",
        )],
        at: (apps!("network/tunnel/app/certificate.yaml"), "kind: Certificate"),
        help: "add `- {name: cert-manager, namespace: cert-manager}`",
    },
    Incident {
        id: "L-06",
        rule: "dangling-depends-on",
        fixture: None,
        edits: &[(ENVOY_KS, "namespace: cert-manager", "namespace: flux-system")],
        at: (ENVOY_KS, "- name: cert-manager"),
        help: "set `namespace: cert-manager`",
    },
    Incident {
        id: "L-07",
        rule: "crd-race",
        fixture: None,
        edits: &[
            (
                apps!("system-upgrade/tuppr/app/kustomization.yaml"),
                "resources:\n",
                "resources:\n  - ./upgrade.yaml\n",
            ),
            (
                apps!("system-upgrade/tuppr/app/upgrade.yaml"),
                "",
                "apiVersion: tuppr.home-operations.com/v1alpha1\nkind: TalosUpgrade\nmetadata:\n  name: talos\n",
            ),
        ],
        at: (
            apps!("system-upgrade/tuppr/app/upgrade.yaml"),
            "kind: TalosUpgrade",
        ),
        help: "move it into a Kustomization of its own",
    },
    Incident {
        id: "L-08",
        rule: "persistence-without-storage-class",
        fixture: None,
        edits: &[(LOKI, "        storageClass: ", "        class: ")],
        at: (LOKI, "persistence:"),
        help: "set `singleBinary.persistence.storageClass: ",
    },
    Incident {
        id: "L-09",
        rule: "dashboard-sidecar-conflict",
        fixture: None,
        edits: &[(
            VICTORIA_METRICS,
            "      extraInitContainers:\n",
            "      dashboards: {network: {}}\n      extraInitContainers:\n",
        )],
        at: (
            VICTORIA_METRICS,
            "          enabled: true\n          folderAnnotation:",
        ),
        help: "ship them as ConfigMaps with the label `grafana_dashboard: \"1\"`",
    },
    Incident {
        id: "L-10",
        rule: "unprivileged-node-exporter",
        fixture: None,
        edits: &[(MONITORING, "enforce: privileged", "enforce: baseline")],
        at: (MONITORING, "enforce: baseline"),
        help: "set `pod-security.kubernetes.io/enforce: privileged`",
    },
    Incident {
        id: "L-11",
        rule: "mixed-loki-modes",
        fixture: None,
        edits: &[(LOKI, "    bloomGateway:\n      replicas: 0\n", "")],
        at: (LOKI, "deploymentMode:"),
        help: "set `bloomGateway.replicas: 0`",
    },
    Incident {
        id: "L-12",
        rule: "misspelled-storage-class",
        fixture: None,
        edits: &[(LOKI, "        storageClass: ", "        storageClassName: ")],
        at: (LOKI, "        storageClassName:"),
        help: "rename it to `storageClass`",
    },
    Incident {
        id: "L-13",
        rule: "yaml-1-1-trap",
        fixture: None,
        edits: &[(LOKI, "from: \"2024-01-01\"", "from: 2024-01-01")],
        at: (LOKI, "from: 2024-01-01"),
        help: "write `\"2024-01-01\"`",
    },
    Incident {
        id: "L-14",
        rule: "doubtful-unifi-settings",
        fixture: Some("doubtful-unifi-settings/pass/default.yaml"),
        edits: &[(
            apps!("network/unifi-dns/app/helmrelease.yaml"),
            "value: default",
            "value: Matherly-UDM",
        )],
        at: (apps!("network/unifi-dns/app/helmrelease.yaml"), "Matherly-UDM"),
        help: "GET https://192.168.23.254/proxy/network/v2/api/site/default/static-dns/",
    },
    Incident {
        id: "L-15",
        rule: "ingress",
        fixture: None,
        edits: &[(
            VICTORIA_METRICS,
            "      ingress:\n        enabled: false\n",
            "      ingress:\n        enabled: true # planted\n",
        )],
        at: (VICTORIA_METRICS, "enabled: true # planted"),
        help: "set `grafana.ingress.enabled: false` and add an HTTPRoute",
    },
    Incident {
        id: "L-15, route",
        rule: "grafana-without-route",
        fixture: None,
        edits: &[(
            apps!("monitoring/victoria-metrics/app/httproute.yaml"),
            "victoria-metrics-k8s-stack-grafana",
            "grafana",
        )],
        at: (VICTORIA_METRICS, "    grafana:"),
        help: "backendRef `victoria-metrics-k8s-stack-grafana` port 80",
    },
    Incident {
        id: "L-16",
        rule: "grafana-default-login",
        fixture: None,
        edits: &[(
            VICTORIA_METRICS,
            "existingSecret: grafana-admin-secret",
            "existingSecret: grafana-admin",
        )],
        at: (VICTORIA_METRICS, "existingSecret: grafana-admin"),
        help: "set `grafana.admin.existingSecret: grafana-admin-secret`",
    },
    Incident {
        id: "L-17",
        rule: "missing-prometheus-datasource",
        fixture: None,
        edits: &[(
            VICTORIA_METRICS,
            "        - name: Prometheus\n",
            "        - name: Metrics\n",
        )],
        at: (VICTORIA_METRICS, "      extra:"),
        help: "svc:8429, isDefault: false}` to `defaultDatasources.extra`",
    },
    Incident {
        id: "L-18",
        rule: "unscrapable-control-plane",
        fixture: None,
        edits: &[(
            VICTORIA_METRICS,
            "serverName: \"127.0.0.1\"",
            "serverName: kubernetes",
        )],
        at: (VICTORIA_METRICS, "serverName: kubernetes"),
        help: "set `tlsConfig.serverName: \"127.0.0.1\"`",
    },
    Incident {
        id: "L-18, Talos",
        rule: "unscrapable-control-plane",
        fixture: Some("unscrapable-control-plane/pass/both-stacks.yaml"),
        edits: &[(
            "talos/patches/controller/cluster.yaml",
            "  controllerManager:\n    extraArgs:\n      bind-address: 0.0.0.0\n",
            "",
        )],
        at: ("talos/patches/controller/cluster.yaml", "cluster:"),
        help: "set `cluster.controllerManager.extraArgs.bind-address: 0.0.0.0`",
    },
    Incident {
        id: "L-19",
        rule: "unscrapable-etcd",
        fixture: None,
        edits: &[(
            VICTORIA_METRICS,
            "        targetPort: 2381",
            "        targetPort: 2379",
        )],
        at: (VICTORIA_METRICS, "targetPort: 2379"),
        help: "set `kubeEtcd.service.targetPort: 2381`",
    },
    Incident {
        id: "L-19, controllers",
        rule: "unscrapable-etcd",
        fixture: Some("unscrapable-etcd/pass/both-stacks.yaml"),
        edits: &[(
            apps!("monitoring/vm/helmrelease.yaml"),
            "[10.0.0.12, 10.0.0.11]",
            "[10.0.0.11]",
        )],
        at: (apps!("monitoring/vm/helmrelease.yaml"), "endpoints:"),
        help: "add `- 10.0.0.12` to `kubeEtcd.endpoints`",
    },
    Incident {
        id: "L-20",
        rule: "blocked-flux-operator-metrics",
        fixture: None,
        edits: &[(FLUX_OPERATOR, "    web:\n", "    webui:\n")],
        at: (FLUX_OPERATOR, "    webui:"),
        help: "rename it to `web`",
    },
    Incident {
        id: "L-21",
        rule: ALLOWED,
        fixture: Some("l7-metrics-without-policy/fail/dns-only.yaml"),
        edits: &[],
        at: (CILIUM, "- http"),
        help: "add a policy with a layer 7 rule",
    },
    Incident {
        id: "L-22",
        rule: "incomplete-envoy-metrics",
        fixture: None,
        edits: &[(
            PODMONITOR,
            "app.kubernetes.io/name: gateway-helm",
            "app.kubernetes.io/name: envoy-gateway",
        )],
        at: (PODMONITOR, "app.kubernetes.io/name: envoy-gateway"),
        help: "set `app.kubernetes.io/name: gateway-helm`",
    },
];

#[test]
fn each_is_found_at_its_line_with_its_fix() {
    let everything = tree(EVERYTHING);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    for incident in INCIDENTS {
        let id = incident.id;
        let mut files = match incident.fixture {
            Some(fixture) => read(&fixtures.join(fixture)),
            None => everything.clone(),
        };
        for (path, from, to) in incident.edits {
            let text = files.entry((*path).to_owned()).or_default();
            assert!(text.contains(from), "{id}: {path} holds no {from:?}");
            *text = if from.is_empty() {
                (*to).to_owned()
            } else {
                text.replace(from, to)
            };
        }
        let (path, needle) = incident.at;
        let before = files[path]
            .find(needle)
            .unwrap_or_else(|| panic!("{id}: {path} holds no {needle:?}"));
        let line = files[path][..before].matches('\n').count() + 1;
        let place = format!("{} {path}:{line} ", incident.rule);
        let found = findings(&files, ALL);
        assert!(
            found
                .iter()
                .any(|finding| finding.starts_with(&place) && finding.contains(incident.help)),
            "{id}: no {place} with {:?} in {found:#?}",
            incident.help
        );
        if incident.fixture.is_some() {
            // Fixtures are short, and other rules miss much in them.
            continue;
        }
        // Nothing else is made of it, but that an object which was planted beside its original is there twice.
        let others: Vec<&String> = found
            .iter()
            .filter(|finding| !finding.starts_with(incident.rule) && !finding.starts_with(ALLOWED))
            .filter(|finding| !finding.starts_with("duplicate-object"))
            .collect();
        assert!(others.is_empty(), "{id}: {others:#?}");
    }
}

#[test]
fn all_22_are_planted() {
    let ids = INCIDENTS.iter().map(|incident| incident.id);
    let planted: Vec<&str> = ids.filter(|id| !id.contains(',')).collect();
    let all: Vec<String> = (1..=22).map(|number| format!("L-{number:02}")).collect();
    assert_eq!(planted, all);
}

#[test]
fn our_own_trees_are_clean() {
    let configs = VARIANTS.iter().map(|(name, lines)| (*name, with_minimal(lines)));
    let whole = [
        ("everything", EVERYTHING.to_owned()),
        ("minimal", MINIMAL.to_owned()),
    ];
    for (name, config) in whole.into_iter().chain(configs) {
        let mut found = findings(&tree(&config), ALL);
        found.retain(|finding| !finding.starts_with(ALLOWED));
        assert_eq!(found, [""; 0], "{name}");
    }
}
