//! Addresses and DNS owners that a running cluster rests on, when the tree was rendered by an earlier version.

use clusterwright::world::lock::Sha256;

use crate::support::{GITIGNORE, MINIMAL, Repo};

const POOL: &str = "kubernetes/apps/kube-system/cilium/app/networks.yaml";
const DNS: &str = "kubernetes/apps/network/cloudflare-dns/app/helmrelease.yaml";
const UNIFI: &str = "kubernetes/apps/network/unifi-dns/app/helmrelease.yaml";

/// A configured and committed repository.
fn configured(config: &str) -> Repo {
    let repo = Repo::with(config);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    commit(&repo);
    repo
}

fn commit(repo: &Repo) {
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "x"]);
}

/// Makes a file what an earlier version rendered, and the lock with it.
fn aged(repo: &Repo, file: &str, now: &str, before: &str) {
    let text = repo.read(file);
    let old = text.replace(now, before);
    assert_ne!(text, old, "{file} holds no {now:?}");
    let hash = |text: &str| Sha256::of_text(text.as_bytes()).to_string();
    repo.edit("clusterwright.lock", &hash(&text), &hash(&old));
    repo.write(file, &old);
    commit(repo);
}

/// A repository whose pool is the whole node network.
fn with_old_pool(config: &str) -> Repo {
    let repo = configured(config);
    let blocks = "    - start: \"10.10.10.2\"\n      stop: \"10.10.10.10\"\n    - start: \"10.10.10.12\"\n      stop: \"10.10.10.253\"\n";
    aged(&repo, POOL, blocks, "    - cidr: \"10.10.10.0/24\"\n");
    repo
}

/// Adds an app by hand: a Service of type `LoadBalancer`.
fn service(repo: &Repo, annotations: &str) {
    let folder = "kubernetes/apps/default/mine";
    repo.write(
        &format!("{folder}/ks.yaml"),
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata:\n  name: mine\nspec:\n  interval: 1h\n  \
         path: ./kubernetes/apps/default/mine/app\n  prune: true\n  targetNamespace: default\n  sourceRef:\n    \
         kind: GitRepository\n    name: flux-system\n    namespace: flux-system\n",
    );
    repo.write(
        &format!("{folder}/app/kustomization.yaml"),
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - ./service.yaml\n",
    );
    repo.write(
        &format!("{folder}/app/service.yaml"),
        &format!(
            "apiVersion: v1\nkind: Service\nmetadata:\n  name: mine\n  annotations: {{{annotations}}}\nspec:\n  \
             type: LoadBalancer\n  ports:\n    - port: 53\n"
        ),
    );
}

#[test]
fn a_narrower_pool_names_each_service_once() {
    let repo = with_old_pool(MINIMAL);
    service(&repo, "");
    let run = repo.ok(&["configure", "--yes"]);
    for part in [
        "warning[pool/changes]",
        "from 10.10.10.1–10.10.10.254 to 10.10.10.2–10.10.10.10, 10.10.10.12–10.10.10.253",
        "Service `default/mine` asks for no address",
        "Gateway `network/envoy-internal` keeps 10.10.10.252",
        "Gateway `network/envoy-external` keeps 10.10.10.251",
        "HelmRelease `network/k8s-gateway` keeps 10.10.10.253",
        "lbipam.cilium.io/ips",
    ] {
        assert!(run.stderr.contains(part), "{part}:\n{}", run.stderr);
    }
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stdout.contains("Nothing changes") && !run.stderr.contains("pool/"),
        "{run:?}"
    );
}

#[test]
fn an_address_in_use_that_falls_out_stops_the_run() {
    let repo = with_old_pool(MINIMAL);
    service(&repo, "lbipam.cilium.io/ips: 10.10.10.1");
    let before = repo.files();
    let run = repo.fails(&["configure", "--yes"]);
    for part in [
        "error[pool/address-falls-out]",
        "Service `default/mine` has 10.10.10.1 today",
        "it is the address of the router",
        "service.yaml:5",
        "node_default_gateway",
    ] {
        assert!(run.stderr.contains(part), "{part}:\n{}", run.stderr);
    }
    assert_eq!(before, repo.files());
}

#[test]
fn a_pool_that_was_written_by_hand_over_the_old_default_stays() {
    let repo = with_old_pool(MINIMAL);
    let own = "    - start: \"10.10.10.200\"\n      stop: \"10.10.10.253\"\n";
    repo.edit(POOL, "    - cidr: \"10.10.10.0/24\"\n", own);
    for _ in 0..2 {
        let run = repo.ok(&["configure", "--yes"]);
        assert!(repo.read(POOL).contains(own), "{run:?}");
        assert!(!repo.read(POOL).contains("10.10.10.10\""), "{run:?}");
        commit(&repo);
    }
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
}

#[test]
fn overwriting_takes_an_edit_back_and_not_its_old_default_along() {
    let repo = with_old_pool(MINIMAL);
    aged(&repo, DNS, "txtOwnerId: \"talos-cluster\"", "txtOwnerId: former");
    repo.edit(
        POOL,
        "    - cidr: \"10.10.10.0/24\"\n",
        "    - start: \"10.10.10.200\"\n      stop: \"10.10.10.253\"\n",
    );
    repo.edit(DNS, "txtOwnerId: former", "txtOwnerId: mine");
    let run = repo.ok(&["configure", "--yes", "--overwrite", POOL, "--overwrite", DNS]);
    let pool = repo.read(POOL);
    assert!(
        pool.contains("10.10.10.2\"") && !pool.contains("10.10.10.200") && !pool.contains("10.10.10.0/24"),
        "{pool}"
    );
    assert!(
        repo.read(DNS).contains("txtOwnerId: \"talos-cluster\""),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("from `mine` to `talos-cluster`"),
        "{}",
        run.stderr
    );
    let again = repo.ok(&["configure", "--yes"]);
    assert!(again.stdout.contains("Nothing changes"), "{again:?}");
}

#[test]
fn a_pool_that_was_written_by_hand_outlives_a_new_node() {
    let repo = configured(MINIMAL);
    let own = "    - start: \"10.10.10.200\"\n      stop: \"10.10.10.253\"\n";
    let rendered = "    - start: \"10.10.10.2\"\n      stop: \"10.10.10.10\"\n    - start: \"10.10.10.12\"\n      stop: \"10.10.10.253\"\n";
    repo.edit(POOL, rendered, own);
    commit(&repo);
    let node = "  - name: k8s-2\n    address: 10.10.10.12\n    controller: false\n    disk: /dev/sda\n    \
                mac_addr: bc:24:11:0a:00:02\n    \
                schematic_id: 376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba\n";
    repo.write("cluster.yaml", &format!("{MINIMAL}{node}"));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(repo.read(POOL).contains(own), "{run:?}");
    assert!(repo.read("talos/talconfig.yaml").contains("k8s-2"), "{run:?}");
}

#[test]
fn the_owner_of_an_older_tree_stays_until_it_is_chosen() {
    let repo = configured(MINIMAL);
    aged(&repo, DNS, "txtOwnerId: \"talos-cluster\"", "txtOwnerId: default");
    let run = repo.ok(&["configure", "--yes"]);
    for part in [
        "warning[dns/shared-owner]",
        "`external_dns_owner_id: default`",
        "`external_dns_owner_id: talos-cluster`",
    ] {
        assert!(run.stderr.contains(part), "{part}:\n{}", run.stderr);
    }
    assert!(repo.read(DNS).contains("txtOwnerId: \"default\""));

    repo.write(
        "cluster.yaml",
        &format!("{MINIMAL}external_dns_owner_id: default\n"),
    );
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stdout.contains("Nothing changes") && !run.stderr.contains("dns/"),
        "{run:?}"
    );

    repo.write("cluster.yaml", &format!("{MINIMAL}external_dns_owner_id: home\n"));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("warning[dns/owner-changes]"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("from `default` to `home`"), "{}", run.stderr);
    assert!(repo.read(DNS).contains("txtOwnerId: \"home\""));
    assert!(!repo.ok(&["configure", "--yes"]).stderr.contains("dns/"));
}

#[test]
fn a_new_name_of_the_cluster_is_a_new_owner_and_says_so() {
    let repo = configured(MINIMAL);
    repo.write("cluster.yaml", &format!("cluster_name: other\n{MINIMAL}"));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("`external_dns_owner_id: talos-cluster`"),
        "{}",
        run.stderr
    );
    assert!(repo.read(DNS).contains("txtOwnerId: \"other\""));
}

#[test]
fn an_owner_that_was_written_by_hand_stays() {
    let repo = configured(MINIMAL);
    aged(&repo, DNS, "txtOwnerId: \"talos-cluster\"", "txtOwnerId: default");
    repo.edit(DNS, "txtOwnerId: default", "txtOwnerId: mine");
    for _ in 0..2 {
        let run = repo.ok(&["configure", "--yes"]);
        assert!(!run.stderr.contains("dns/"), "{}", run.stderr);
        assert!(repo.read(DNS).contains("txtOwnerId: mine"), "{run:?}");
        commit(&repo);
    }
}

#[test]
fn the_owner_at_a_unifi_controller_is_kept_by_the_same_line() {
    let config = format!("{MINIMAL}unifi_host: https://10.10.10.1\nunifi_api_key: test-unifi-key\n");
    let repo = configured(&config);
    assert!(repo.read(UNIFI).contains("txtOwnerId: \"talos-cluster\""));
    aged(&repo, UNIFI, "txtOwnerId: \"talos-cluster\"", "txtOwnerId: unifi");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stderr.contains("warning[dns/shared-owner]"), "{}", run.stderr);
    repo.write(
        "cluster.yaml",
        &format!("{config}external_dns_owner_id: default\n"),
    );
    repo.ok(&["configure", "--yes"]);
    assert!(repo.read(UNIFI).contains("txtOwnerId: \"unifi\""));
    assert!(repo.read(DNS).contains("txtOwnerId: \"default\""));
}

#[test]
fn the_line_that_keeps_the_owners_is_one_for_all() {
    let config = format!("{MINIMAL}unifi_host: https://10.10.10.1\nunifi_api_key: test-unifi-key\n");
    let repo = configured(&config);
    aged(&repo, DNS, "txtOwnerId: \"talos-cluster\"", "txtOwnerId: default");
    aged(&repo, UNIFI, "txtOwnerId: \"talos-cluster\"", "txtOwnerId: unifi");
    repo.write("cluster.yaml", &format!("{config}external_dns_owner_id: home\n"));
    let run = repo.ok(&["configure", "--dry-run"]);
    let advice = "to keep the owner, write `external_dns_owner_id: ";
    let lines: Vec<&str> = run.stderr.split(advice).skip(1).collect();
    assert_eq!(lines.len(), 2, "{}", run.stderr);
    assert!(
        lines.iter().all(|line| line.starts_with("default`")),
        "{}",
        run.stderr
    );

    repo.write(
        "cluster.yaml",
        &format!("{config}external_dns_owner_id: default\n"),
    );
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stderr.contains("dns/owner-changes"), "{}", run.stderr);
    assert!(repo.read(DNS).contains("txtOwnerId: \"default\""));
    assert!(repo.read(UNIFI).contains("txtOwnerId: \"unifi\""));
}
