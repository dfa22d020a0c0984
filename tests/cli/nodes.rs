//! The nodes' configuration: what Kubernetes versions need, and what must reach the nodes before Flux changes the cluster.

use crate::support::{MINIMAL, Repo};

const KUBELET: &str = "talos/patches/global/machine-kubelet.yaml";
const CONTROL_PLANE: &str = "talos/patches/controller/cluster.yaml";
const GATE: &str = "feature-gates: ImageVolume=true";

fn configured(lines: &str) -> Repo {
    let repo = Repo::with(&format!("{lines}{MINIMAL}"));
    repo.ok(&["configure", "--yes"]);
    repo
}

fn gates(repo: &Repo) -> [bool; 2] {
    [KUBELET, CONTROL_PLANE].map(|file| repo.read(file).contains(GATE))
}

#[test]
fn the_gate_of_image_volumes_goes_by_the_version_of_the_configuration() {
    let repo = configured("kubernetes_version: 1.34.3\n");
    assert_eq!(gates(&repo), [true, true]);
    repo.edit(
        "cluster.yaml",
        "kubernetes_version: 1.34.3",
        "kubernetes_version: 1.35.1",
    );
    repo.ok(&["configure", "--yes"]);
    assert_eq!(gates(&repo), [false, false]);
    repo.edit(
        "cluster.yaml",
        "kubernetes_version: 1.35.1",
        "kubernetes_version: 1.34.3",
    );
    repo.ok(&["configure", "--yes"]);
    assert_eq!(
        gates(&repo),
        [true, true],
        "back, as the file is the render's own"
    );
}

#[test]
fn the_gate_of_image_volumes_goes_by_the_version_that_is_kept_in_the_tree() {
    let repo = configured("kubernetes_version: 1.34.3\n");
    // Renovate.
    repo.edit("talos/talenv.yaml", "v1.34.3", "v1.35.2");
    repo.edit(
        "kubernetes/apps/system-upgrade/tuppr/upgrades/kubernetesupgrade.yaml",
        "v1.34.3",
        "v1.35.2",
    );
    repo.ok(&["configure", "--yes"]);
    assert_eq!(gates(&repo), [false, false]);
    assert!(repo.read("talos/talenv.yaml").contains("v1.35.2"));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);

    repo.ok(&["configure", "--yes", "--overwrite", "talos/talenv.yaml"]);
    assert!(repo.read("talos/talenv.yaml").contains("v1.34.3"));
    assert_eq!(gates(&repo), [true, true], "the version that was asked for");
}

#[test]
fn talos_comes_first_where_flux_counts_on_the_nodes() {
    let first = "apply Talos first";
    let repo = Repo::with(MINIMAL);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stdout.contains(first), "no node runs yet: {}", run.stdout);

    repo.write(
        "cluster.yaml",
        &format!("kubelet_serving_certificates: true\n{MINIMAL}"),
    );
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains(first), "{}", run.stdout);
    assert!(repo.read(KUBELET).contains("serverTLSBootstrap: true"));
    let metrics = "kubernetes/apps/kube-system/metrics-server/app/helmrelease.yaml";
    assert!(!repo.read(metrics).contains("--kubelet-insecure-tls"));
    assert!(
        repo.files()
            .contains_key("kubernetes/apps/kube-system/talos-ccm/ks.yaml")
    );

    repo.edit(
        "cluster.yaml",
        "kubelet_serving_certificates: true",
        "talos_version: 1.12.1",
    );
    let run = repo.ok(&["configure", "--dry-run"]);
    assert!(run.stdout.contains(first), "the certificates go: {}", run.stdout);
    repo.ok(&["configure", "--yes"]);
    repo.edit("cluster.yaml", "talos_version: 1.12.1", "talos_version: 1.12.2");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        !run.stdout.contains(first),
        "an upgrade is tuppr's work: {}",
        run.stdout
    );
    assert!(!repo.read(KUBELET).contains("serverTLSBootstrap"));
}

#[test]
fn nodes_tell_their_proxmox_host_unless_the_cloud_controller_manager_does() {
    let csi = "proxmox_endpoint: https://pve.example.com:8006\nproxmox_csi_enabled: true\nproxmox_region: home\n\
               proxmox_csi_token_id: a@pve!csi\nproxmox_csi_token_secret: test\nproxmox_csi_storage: local-zfs\n";
    let host = "    proxmox_host: pve-1\n    secureboot: true\n    encrypt_disk: true\n";
    let repo = Repo::with(&format!("{csi}{MINIMAL}{host}"));
    repo.ok(&["configure", "--yes"]);
    let labels = "        machine:\n          nodeLabels:\n            topology.kubernetes.io/region: \"home\"\n            \
                  topology.kubernetes.io/zone: \"pve-1\"\n";
    let talconfig = repo.read("talos/talconfig.yaml");
    assert!(talconfig.contains(labels), "{talconfig}");
    assert_eq!(
        talconfig.matches("    patches:\n      #").count(),
        1,
        "{talconfig}"
    );
    assert!(talconfig.contains("systemDiskEncryption"), "{talconfig}");

    let ccm = "proxmox_ccm_enabled: true\nproxmox_ccm_token_id: a@pve!ccm\nproxmox_ccm_token_secret: test\n";
    repo.write("cluster.yaml", &format!("{ccm}{csi}{MINIMAL}{host}"));
    repo.ok(&["configure", "--yes"]);
    assert!(!repo.read("talos/talconfig.yaml").contains("nodeLabels"));
}
