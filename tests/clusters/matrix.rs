//! Every combination of the flags that change the graph: exactly the Kustomizations that apply, in an order that can be
//! carried out, and no finding.

use std::collections::{BTreeMap, BTreeSet};

use clusterwright::catalog::{BUILT_IN, Catalog};
use clusterwright::check::{self, Checked};
use clusterwright::config::{Decrypted, Vocabulary, parse};
use clusterwright::context;
use clusterwright::diag::{Diagnostics, human};
use clusterwright::plan::{self, PerApp, Plan};
use clusterwright::render::{self};
use clusterwright::sys::{FixedEntropy, SecretText};
use clusterwright::tree::Tree;
use clusterwright::world::Added;
use clusterwright::world::side::Reported;
use clusterwright::{config::Vault, validate};
use yaml::Node;

use crate::support::{MINIMAL, RECIPIENT};

/// What is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Flags {
    second_node: bool,
    backup: bool,
    ccm: bool,
    csi: bool,
    unifi: bool,
    bgp: bool,
    /// The stack, Loki, tracing.
    monitoring: Option<(&'static str, bool, bool)>,
    external_secrets: Option<&'static str>,
    policies: Option<&'static str>,
}

impl Flags {
    fn config(self) -> String {
        let mut out = "storage_class_external: true\n".to_owned();
        let mut add = |on: bool, lines: &str| {
            if on {
                out.push_str(lines);
            }
        };
        add(
            self.backup,
            "backup_s3_endpoint: https://s3.example.com\nbackup_s3_bucket: etcd\nbackup_s3_access_key: test\n\
             backup_s3_secret_key: test\n\
             backup_age_public_key: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n",
        );
        add(
            self.ccm || self.csi,
            "proxmox_endpoint: https://pve.example.com:8006\n",
        );
        add(
            self.ccm,
            "proxmox_ccm_enabled: true\nproxmox_ccm_token_id: a@pve!ccm\nproxmox_ccm_token_secret: test\n",
        );
        add(
            self.csi,
            "proxmox_csi_enabled: true\nproxmox_csi_token_id: a@pve!csi\nproxmox_csi_token_secret: test\n\
             proxmox_csi_storage: local-zfs\n",
        );
        add(
            self.unifi,
            "unifi_host: https://10.10.10.1\nunifi_api_key: test\n",
        );
        add(
            self.bgp,
            "cilium_bgp_router_addr: 10.10.10.1\ncilium_bgp_router_asn: \"64513\"\ncilium_bgp_node_asn: \"64514\"\n",
        );
        if let Some((stack, loki, tracing)) = self.monitoring {
            add(
                true,
                "monitoring_enabled: true\ngrafana_admin_password: test-password\n",
            );
            add(true, &format!("monitoring_stack: {stack}\n"));
            add(loki, "loki_enabled: true\n");
            add(tracing, "tracing_enabled: true\n");
        }
        if let Some(provider) = self.external_secrets {
            add(
                true,
                &format!("external_secrets_enabled: true\nexternal_secrets_provider: {provider}\n"),
            );
            add(
                true,
                match provider {
                    "1password" => {
                        "onepassword_connect_host: http://connect.example.com\nonepassword_connect_token: test\n\
                         onepassword_vaults: [Homelab]\n"
                    }
                    "bitwarden" => {
                        "bitwarden_access_token: test\n\
                         bitwarden_organization_id: 5688ce2e-1f1c-4f2b-8a6f-b1a300d3a9f1\n\
                         bitwarden_project_id: 0b4c1f6e-7f0a-4c1e-9d55-b1a300d3e6aa\n"
                    }
                    _ => "vault_server: https://vault.example.com:8200\n",
                },
            );
        }
        if let Some(mode) = self.policies {
            add(
                true,
                &format!("network_policies_enabled: true\nnetwork_policies_mode: {mode}\n"),
            );
        }
        out.push_str(MINIMAL.trim_end());
        let host = if self.csi && !self.ccm {
            "\n    proxmox_host: pve-1"
        } else {
            ""
        };
        out.push_str(host);
        if self.second_node {
            out.push_str(
                "\n  - name: k8s-2\n    address: 10.10.10.12\n    controller: false\n    disk: /dev/sda\n    \
                 mac_addr: bc:24:11:0a:00:02\n    \
                 schematic_id: 376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba",
            );
            out.push_str(host);
        }
        out.push('\n');
        out
    }

    /// The names that the requirements' table of Kustomizations gives for these flags.
    fn expected(self) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::from([
            "cilium",
            "coredns",
            "flux-operator",
            "flux-instance",
            "reloader",
            "metrics-server",
            "cloudflare-tunnel",
            "cloudflare-dns",
            "cert-manager",
            "echo",
            "tuppr",
            "tuppr-upgrades",
            "envoy-gateway",
        ]);
        let mut add = |on: bool, name: &'static str| {
            if on {
                names.insert(name);
            }
        };
        add(self.second_node, "spegel");
        add(self.backup, "talos-backup");
        add(self.ccm, "proxmox-ccm");
        add(self.csi, "proxmox-csi");
        add(!self.unifi, "k8s-gateway");
        add(self.unifi, "unifi-dns");
        let (stack, loki, tracing) = self.monitoring.unwrap_or_default();
        add(stack == "victoriametrics", "victoria-metrics");
        add(stack == "prometheus", "kube-prometheus-stack");
        add(loki, "loki");
        add(loki || tracing, "alloy");
        add(tracing, "tempo");
        add(self.external_secrets.is_some(), "external-secrets");
        add(self.external_secrets.is_some(), "external-secrets-stores");
        add(self.external_secrets == Some("bitwarden"), "bitwarden-sdk-server");
        for name in [
            "cluster-network-policies",
            "kube-system-network-policies",
            "flux-system-network-policies",
            "network-namespace-policies",
            "cert-manager-network-policies",
        ] {
            add(self.policies.is_some(), name);
        }
        add(
            self.policies.is_some() && self.monitoring.is_some(),
            "monitoring-network-policies",
        );
        names
    }
}

fn catalog() -> Catalog {
    Catalog::load(BUILT_IN.iter().copied(), &mut Diagnostics::default()).expect("the library loads")
}

/// Plans a configuration, with `rendered` renders and checks it as well; no finding of any level.
fn examine(catalog: &Catalog, flags: Flags, rendered: bool) -> usize {
    let mut diags = Diagnostics::default();
    let mut vault = Vault::new(&mut FixedEntropy::new(3));
    let side = Reported {
        deploy_key: true,
        tunnel_id: Some("6ff42ae2-765d-4adf-8112-31c55c1551ef".to_owned()),
        keyless: false,
        without_tunnel: false,
    };
    let clean = |diags: &Diagnostics| {
        // An audit without Hubble is warned of; without monitoring there is no Hubble.
        let mut found = diags.sorted().into_iter();
        assert!(
            found.all(|finding| finding.code == "config/blind-audit"),
            "{flags:?}\n{}",
            human::render(diags)
        );
    };
    let document = parse(
        &[("cluster.yaml", flags.config())],
        &Vocabulary::built_in(),
        &|_| Ok(Decrypted::NoIdentity),
        &mut diags,
    );
    let document = document.expect("YAML");
    let cluster = validate::validate(&document, &side, &mut vault, &mut diags);
    clean(&diags);
    let cluster = cluster.expect("valid");
    for name in context::COMPUTED_SECRETS {
        vault.insert_computed(name, Some(SecretText::new("test".to_owned())));
    }
    let values = context::values(
        &cluster,
        &vault,
        &[RECIPIENT.to_owned()],
        &[RECIPIENT.to_owned()],
        side.tunnel_id.as_deref(),
        &Vocabulary::built_in(),
    );
    let plan = plan::plan(catalog, &values.map, &PerApp::default(), &mut diags);
    clean(&diags);
    let plan = plan.expect("plans");
    examine_plan(&plan, flags);
    if !rendered {
        return 0;
    }
    let tree = render::render(catalog, &plan, &values, &vault, &Added::default(), &mut diags);
    clean(&diags);
    let tree = check::check(
        tree.expect("renders"),
        &check::allow::exceptions(catalog),
        &mut diags,
    );
    clean(&diags);
    let tree = tree.expect("passes");
    examine_timeouts(&tree);
    tree.len()
}

/// Minutes of a Go duration as the library writes it.
fn minutes(duration: &str) -> u32 {
    let number = duration.strip_suffix('m').expect("minutes");
    number.parse().expect("a number")
}

/// Every Kustomization has a timeout, which is longer than that of each HelmRelease it waits for.
fn examine_timeouts(tree: &Tree<Checked>) {
    let documents: Vec<(&str, Node)> = tree
        .iter()
        .filter(|artifact| artifact.path.is_yaml())
        .flat_map(|artifact| {
            let nodes = yaml::parse(artifact.text()).expect("YAML");
            nodes.into_iter().map(|node| (artifact.path.as_str(), node))
        })
        .collect();
    let of_kind = |group: &'static str, kind: &'static str| {
        documents.iter().filter(move |(_, node)| {
            let version = node.str_at(&["apiVersion"]);
            version.is_some_and(|v| v.starts_with(group)) && node.str_at(&["kind"]) == Some(kind)
        })
    };
    let mut seen = 0;
    for (path, node) in of_kind("kustomize.toolkit.fluxcd.io/", "Kustomization") {
        let timeout = node.str_at(&["spec", "timeout"]);
        let timeout = minutes(timeout.unwrap_or_else(|| panic!("{path}: no timeout")));
        seen += 1;
        let waits = node.str_at(&["spec", "wait"]) == Some("true");
        let checked = node.path(&["spec", "healthChecks"]).map(Node::items);
        let folder = format!(
            "{}/",
            node.str_at(&["spec", "path"])
                .expect("a path")
                .trim_start_matches("./")
        );
        for (file, release) in of_kind("helm.toolkit.fluxcd.io/", "HelmRelease") {
            let name = release.str_at(&["metadata", "name"]);
            let named = checked.unwrap_or_default().iter().any(|check| {
                check.str_at(&["kind"]) == Some("HelmRelease") && check.str_at(&["name"]) == name
            });
            if file.starts_with(&folder) && (waits || named) {
                // Without one, helm-controller gives each action five minutes.
                let own = minutes(release.str_at(&["spec", "timeout"]).unwrap_or("5m"));
                assert!(timeout > own, "{path}: {timeout}m, and {file} has {own}m");
            }
        }
    }
    assert!(seen > 10, "{seen} Kustomizations");
}

fn examine_plan(plan: &Plan, flags: Flags) {
    let names: BTreeSet<&str> = plan.kustomizations.iter().map(|k| k.id.name.as_str()).collect();
    assert_eq!(names, flags.expected(), "{flags:?}");
    assert_eq!(names.len(), plan.kustomizations.len(), "{flags:?}: a name twice");
    let mut done = BTreeSet::new();
    for kustomization in &plan.kustomizations {
        for before in &kustomization.depends_on {
            assert!(
                done.contains(before),
                "{flags:?}: {before} comes after {}",
                kustomization.id
            );
        }
        done.insert(kustomization.id.clone());
    }
    let edges: BTreeMap<&str, BTreeSet<&str>> = plan
        .kustomizations
        .iter()
        .map(|k| {
            (
                k.id.name.as_str(),
                k.depends_on.iter().map(|id| id.name.as_str()).collect(),
            )
        })
        .collect();
    let waits = |name: &str, expected: &[&str]| {
        if let Some(edges) = edges.get(name) {
            assert_eq!(*edges, expected.iter().copied().collect(), "{flags:?}: {name}");
        }
    };
    let backend = match flags.monitoring {
        Some(("prometheus", ..)) => "kube-prometheus-stack",
        _ => "victoria-metrics",
    };
    waits("cilium", &[]);
    waits("cert-manager", &["coredns"]);
    waits("proxmox-ccm", &["cilium"]);
    waits(
        "proxmox-csi",
        if flags.ccm {
            &["coredns", "proxmox-ccm"]
        } else {
            &["coredns"]
        },
    );
    waits(backend, &["coredns"]);
    waits("loki", &[backend]);
    waits(
        "alloy",
        if edges.contains_key("loki") {
            &["loki"]
        } else {
            &[]
        },
    );
    waits("tempo", &[backend, "alloy"]);
    waits("envoy-gateway", &["cert-manager"]);
    waits(
        "network-namespace-policies",
        &["cluster-network-policies", "envoy-gateway"],
    );
    let bootstrap: Vec<&str> = plan
        .bootstrap
        .iter()
        .map(|release| release.app.as_str())
        .collect();
    let mut expected = vec![
        "cilium",
        "coredns",
        "spegel",
        "cert-manager",
        "flux-operator",
        "flux-instance",
    ];
    expected.retain(|name| edges.contains_key(name));
    // Of one level, sorted by namespace and name.
    assert_eq!(bootstrap, expected, "{flags:?}");
}

const MONITORING: [Option<(&str, bool, bool)>; 9] = [
    None,
    Some(("victoriametrics", false, false)),
    Some(("victoriametrics", false, true)),
    Some(("victoriametrics", true, false)),
    Some(("victoriametrics", true, true)),
    Some(("prometheus", false, false)),
    Some(("prometheus", false, true)),
    Some(("prometheus", true, false)),
    Some(("prometheus", true, true)),
];
const PROVIDERS: [&str; 3] = ["1password", "bitwarden", "vault"];

#[test]
fn every_combination_has_its_kustomizations_and_an_order() {
    let catalog = catalog();
    let mut count = 0;
    for bits in 0..1 << 7 {
        let bit = |index: i32| bits >> index & 1 == 1;
        for (index, monitoring) in MONITORING.into_iter().enumerate() {
            let flags = Flags {
                second_node: bit(0),
                backup: bit(1),
                ccm: bit(2),
                csi: bit(3),
                unifi: bit(4),
                bgp: bit(0),
                monitoring,
                external_secrets: bit(5).then_some(PROVIDERS[index % PROVIDERS.len()]),
                policies: bit(6).then_some(["audit", "enforce"][index % 2]),
            };
            examine(&catalog, flags, false);
            count += 1;
        }
    }
    assert_eq!(count, 1152);
}

#[test]
fn combinations_render_without_a_finding() {
    let catalog = catalog();
    let mut sizes = Vec::new();
    for monitoring in MONITORING {
        let alone = Flags {
            monitoring,
            ..Flags::default()
        };
        let all = Flags {
            second_node: true,
            backup: true,
            ccm: true,
            csi: true,
            unifi: monitoring.is_some_and(|(_, loki, _)| loki),
            bgp: true,
            monitoring,
            external_secrets: Some("bitwarden"),
            policies: Some("enforce"),
        };
        let audit = Flags {
            policies: Some("audit"),
            external_secrets: Some("1password"),
            ..all
        };
        sizes.extend([alone, all, audit].map(|flags| examine(&catalog, flags, true)));
    }
    let default = Flags::default();
    for flags in [
        Flags {
            second_node: true,
            ..default
        },
        Flags {
            backup: true,
            ..default
        },
        Flags { ccm: true, ..default },
        Flags { csi: true, ..default },
        Flags {
            unifi: true,
            ..default
        },
        Flags { bgp: true, ..default },
        Flags {
            external_secrets: Some("vault"),
            ..default
        },
        Flags {
            policies: Some("audit"),
            ..default
        },
    ] {
        sizes.push(examine(&catalog, flags, true));
    }
    assert!(sizes.iter().all(|size| *size > 100), "{sizes:?}");
}
