//! Apps that a person has added by hand.

use crate::support::{MINIMAL, Repo};

const KS: &str = "\
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: homepage
spec:
  dependsOn:
    - name: cert-manager
      namespace: cert-manager
  interval: 1h
  path: ./kubernetes/apps/NAMESPACE/homepage/app
  postBuild:
    substituteFrom:
      - name: cluster-secrets
        kind: Secret
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
    namespace: flux-system
  targetNamespace: NAMESPACE
  wait: false
";

const KUSTOMIZATION: &str = "\
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ./configmap.yaml
";

const CONFIGMAP: &str = "\
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: homepage
data:
  title: \"Home of ${SECRET_DOMAIN}\"
";

/// Writes the worked example of `docs/apps.md` into a namespace.
fn add(repo: &Repo, namespace: &str) {
    let dir = format!("kubernetes/apps/{namespace}/homepage");
    repo.write(&format!("{dir}/ks.yaml"), &KS.replace("NAMESPACE", namespace));
    repo.write(&format!("{dir}/app/kustomization.yaml"), KUSTOMIZATION);
    repo.write(&format!("{dir}/app/configmap.yaml"), CONFIGMAP);
}

fn configured() -> Repo {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    repo
}

#[test]
fn an_app_in_a_known_namespace_is_wired_checked_drawn_and_unwired() {
    let repo = configured();
    let before = repo.files_without_record();
    add(&repo, "default");
    repo.ok(&["configure", "--yes"]);
    let list = repo.read("kubernetes/apps/default/kustomization.yaml");
    assert!(list.contains("  - ./homepage/ks.yaml\n"), "{list}");
    assert!(
        !repo.read("clusterwright.lock").contains("homepage"),
        "it stays theirs"
    );
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );

    let graph = repo.ok(&["graph"]).stdout;
    assert!(graph.contains("    default.homepage(homepage)\n"), "{graph}");
    assert!(
        graph.contains("  cert-manager.cert-manager --> default.homepage\n"),
        "{graph}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&repo.ok(&["graph", "--output", "json"]).stdout).expect("JSON");
    let nodes = json["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.iter().filter(|node| node["by_hand"] == true).count(), 1);

    std::fs::remove_dir_all(repo.path("kubernetes/apps/default/homepage")).expect("removed");
    repo.ok(&["configure", "--yes"]);
    assert_eq!(repo.files_without_record(), before);
}

#[test]
fn a_namespace_that_only_added_apps_use_gets_what_it_needs() {
    let repo = configured();
    let before = repo.files_without_record();
    add(&repo, "media");
    repo.ok(&["configure", "--yes"]);
    let list = repo.read("kubernetes/apps/media/kustomization.yaml");
    assert!(
        list.contains("namespace: media\n")
            && list.contains("../../components/sops")
            && list.contains("./namespace.yaml")
            && list.contains("./homepage/ks.yaml"),
        "{list}"
    );
    assert!(
        repo.read("kubernetes/apps/media/namespace.yaml")
            .contains("name: media\n")
    );
    assert!(
        repo.read("kubernetes/apps/kustomization.yaml")
            .contains("./media\n")
    );
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
    std::fs::remove_dir_all(repo.path("kubernetes/apps/media/homepage")).expect("removed");
    repo.ok(&["configure", "--yes"]);
    assert_eq!(repo.files_without_record(), before);
}

#[test]
fn a_namespace_with_files_of_its_own_keeps_them() {
    let namespace = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: media\n";
    let repo = configured();
    add(&repo, "media");
    repo.write("kubernetes/apps/media/ns.yaml", namespace);
    repo.ok(&["configure", "--yes"]);
    let list = repo.read("kubernetes/apps/media/kustomization.yaml");
    assert!(list.contains("./ns.yaml"), "{list}");
    assert!(!repo.path("kubernetes/apps/media/namespace.yaml").exists());

    let repo = configured();
    add(&repo, "media");
    let own = "---\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: media\ncomponents:\n  - \
               ../../components/sops\nresources:\n  - ./ns.yaml\n  - ./homepage/ks.yaml\n";
    repo.write("kubernetes/apps/media/ns.yaml", namespace);
    repo.write("kubernetes/apps/media/kustomization.yaml", own);
    repo.ok(&["configure", "--yes"]);
    assert_eq!(repo.read("kubernetes/apps/media/kustomization.yaml"), own);
    assert!(
        repo.read("kubernetes/apps/kustomization.yaml")
            .contains("./media\n")
    );
    assert!(repo.ok(&["graph"]).stdout.contains("media.homepage"));
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
}

#[test]
fn dependencies_that_lead_nowhere_or_in_a_circle_point_into_the_file() {
    let repo = configured();
    add(&repo, "default");
    let ks = "kubernetes/apps/default/homepage/ks.yaml";
    repo.edit(ks, "name: cert-manager", "name: cert-manger");
    let run = repo.fails(&["check"]);
    assert!(
        run.stderr.contains("error[dangling-depends-on]"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(&format!("{ks}:8:13")), "{}", run.stderr);
    assert!(run.stderr.contains("the file is yours"), "{}", run.stderr);
    repo.edit(
        ks,
        "name: cert-manger\n      namespace: cert-manager",
        "name: homepage",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("error[dependency-cycle]"), "{}", run.stderr);
    assert!(run.stderr.contains(ks), "{}", run.stderr);
}

#[test]
fn style_is_a_warning_and_can_be_allowed_with_a_reason() {
    let deployment = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: homepage\nspec:\n  selector:\n    \
                      matchLabels: {app: homepage}\n  template:\n    metadata:\n      labels: {app: homepage}\n    spec:\n      \
                      containers:\n        - name: app\n          image: ghcr.io/gethomepage/homepage:latest\n";
    let repo = configured();
    add(&repo, "default");
    let file = "kubernetes/apps/default/homepage/app/configmap.yaml";
    repo.write(file, deployment);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stderr.contains("warning[unpinned-version]"), "{}", run.stderr);
    assert!(run.stderr.contains(&format!("{file}:15:")), "{}", run.stderr);
    repo.edit(
        file,
        "---\n",
        "---\n# clusterwright: allow unpinned-version: it is tested in place\n",
    );
    let run = repo.ok(&["check"]);
    assert!(!run.stderr.contains("unpinned-version"), "{}", run.stderr);
    repo.edit(
        file,
        "unpinned-version: it is tested in place",
        "unpinned-version:",
    );
    let run = repo.ok(&["check"]);
    assert!(
        run.stderr.contains("unpinned-version"),
        "a reason is needed: {}",
        run.stderr
    );
}

#[test]
fn errors_of_kinds_are_found_in_added_files_too() {
    let repo = configured();
    add(&repo, "default");
    repo.edit(
        "kubernetes/apps/default/homepage/app/configmap.yaml",
        "data:",
        "datas:",
    );
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("error[unknown-field]"), "{}", run.stderr);
    assert!(
        run.stderr.contains("homepage/app/configmap.yaml:6:1"),
        "{}",
        run.stderr
    );
}

#[test]
fn half_made_apps_get_a_finding_with_a_place() {
    let ks = "kubernetes/apps/default/homepage/ks.yaml";
    let dir = "kubernetes/apps/default/homepage/app";

    let repo = configured();
    add(&repo, "default");
    std::fs::remove_file(repo.path(&format!("{dir}/kustomization.yaml"))).expect("removed");
    let run = repo.ok(&["check"]);
    assert!(
        run.stderr.contains("warning[foreign/no-kustomization-file]"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(&format!("{ks}:11:9")), "{}", run.stderr);

    std::fs::remove_dir_all(repo.path(dir)).expect("removed");
    let run = repo.fails(&["check"]);
    assert!(
        run.stderr.contains("error[foreign/missing-folder]"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(&format!("{ks}:11:9")), "{}", run.stderr);

    repo.write(ks, "");
    let run = repo.fails(&["check"]);
    assert!(
        run.stderr.contains("error[foreign/no-kustomization]"),
        "{}",
        run.stderr
    );

    for text in [
        "a: [1\n",
        "a: 1\na: 2\n",
        "\tx: 1\n",
        "{{ x }}: 1\n",
        "- \u{0}\n",
        "&a [*a]\n",
    ] {
        let repo = configured();
        add(&repo, "default");
        let before = repo.files_without_record();
        for file in [
            format!("{dir}/configmap.yaml"),
            ks.to_owned(),
            format!("{dir}/kustomization.yaml"),
        ] {
            let was = repo.read(&file);
            repo.write(&file, text);
            let run = repo.fails(&["configure"]);
            assert!(
                run.stderr.contains(&format!("{file}:")),
                "{text:?} in {file}: {}",
                run.stderr
            );
            let graph = repo.run(&["graph"]);
            assert_eq!(graph.code, 1, "{}", graph.stderr);
            repo.write(&file, &was);
        }
        assert_eq!(repo.files_without_record(), before);
    }
    let repo = configured();
    add(&repo, "default");
    std::fs::write(repo.path(&format!("{dir}/configmap.yaml")), b"\xff\xfe").expect("written");
    assert!(repo.fails(&["check"]).stderr.contains("foreign/not-text"));
}

#[test]
fn folders_that_nothing_applies_are_noted() {
    let repo = configured();
    repo.write("kubernetes/apps/default/notes/app/configmap.yaml", CONFIGMAP);
    repo.write("kubernetes/apps/media/configmap.yaml", CONFIGMAP);
    std::fs::create_dir_all(repo.path("kubernetes/apps/empty/app")).expect("made");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr
            .contains("note[foreign/no-ks]: nothing applies `kubernetes/apps/default/notes`"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("note[foreign/no-app]: `kubernetes/apps/media` holds no app"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("apps/empty"), "{}", run.stderr);
}

#[test]
fn a_folder_that_an_added_app_applies_is_not_idle() {
    let repo = configured();
    add(&repo, "default");
    let shared = "kubernetes/apps/default/shared";
    repo.edit(
        "kubernetes/apps/default/homepage/ks.yaml",
        "default/homepage/app",
        "default/shared",
    );
    std::fs::rename(
        repo.path("kubernetes/apps/default/homepage/app"),
        repo.path(shared),
    )
    .expect("moved");
    let run = repo.ok(&["check"]);
    assert!(!run.stderr.contains("foreign/"), "{}", run.stderr);
}

#[test]
fn secrets_of_others_are_neither_opened_nor_shown() {
    let repo = configured();
    add(&repo, "default");
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: homepage\nstringData:\n  password: zqcanaryzq\n  on: zqcanaryzq\n";
    let dir = "kubernetes/apps/default/homepage/app";
    repo.edit(
        &format!("{dir}/kustomization.yaml"),
        "configmap.yaml",
        "configmap.yaml\n  - ./plain.yaml",
    );
    repo.write(&format!("{dir}/plain.yaml"), secret);
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("error[plain-secret]"), "{}", run.stderr);
    assert!(!run.stderr.contains("zqcanaryzq"), "{}", run.stderr);
    // Only the name says that it is encrypted.
    let from = repo.path(&format!("{dir}/plain.yaml"));
    std::fs::rename(&from, repo.path(&format!("{dir}/plain.sops.yaml"))).expect("renamed");
    repo.edit(
        &format!("{dir}/kustomization.yaml"),
        "plain.yaml",
        "plain.sops.yaml",
    );
    let encrypt = format!("clusterwright secrets encrypt -i {dir}/plain.sops.yaml");
    for command in [&["check"][..], &["configure", "--yes"]] {
        let run = repo.fails(command);
        assert!(
            run.stderr.contains("error[plain-secret]") && run.stderr.contains(&encrypt),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("zqcanaryzq"), "{}", run.stderr);
    }
    let run = repo.fails(&["doctor"]);
    assert!(run.stdout.contains(&encrypt), "{}", run.stdout);
    repo.ok(&["secrets", "encrypt", "-i", &format!("{dir}/plain.sops.yaml")]);
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path(&format!("{dir}/plain.sops.yaml"))).expect("removed");
    repo.edit(
        &format!("{dir}/kustomization.yaml"),
        "plain.sops.yaml",
        "plain.yaml",
    );
    repo.write(
        &format!("{dir}/plain.yaml"),
        &secret.replace("  on: zq", "  on zq"),
    );
    let run = repo.fails(&["check", "--output", "json"]);
    assert!(run.stdout.contains("foreign/not-yaml"), "{}", run.stdout);
    assert!(!run.stdout.contains("zqcanaryzq"), "{}", run.stdout);

    // Sealed for somebody else: nobody here can open it, and nobody has to.
    std::fs::remove_file(repo.path(&format!("{dir}/plain.yaml"))).expect("removed");
    repo.edit(
        &format!("{dir}/kustomization.yaml"),
        "plain.yaml",
        "secret.sops.yaml",
    );
    let sealed = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: homepage\nstringData:\n  password: \
                  ENC[AES256_GCM,data:jIiYoIChjw==,iv:HIhikMt/k3xJH0mFnVN1xAaQIYuTRXiqWsGcqoe/1dA=,tag:8n2kOSaltK4RfRqDG4rnOQ==,type:str]\n\
                  sops:\n  age: []\n  lastmodified: \"2026-01-01T00:00:00Z\"\n  mac: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n  version: 3.13.3\n";
    repo.write(&format!("{dir}/secret.sops.yaml"), sealed);
    let run = repo.ok(&["check"]);
    assert!(!run.stderr.contains("secret.sops.yaml"), "{}", run.stderr);
    let before = repo.read(&format!("{dir}/secret.sops.yaml"));
    repo.ok(&["configure", "--yes"]);
    assert_eq!(repo.read(&format!("{dir}/secret.sops.yaml")), before);
}

#[test]
fn shared_components_of_ones_own_are_followed() {
    let repo = configured();
    add(&repo, "default");
    let file = "kubernetes/apps/default/homepage/app/kustomization.yaml";
    repo.edit(
        file,
        "resources:",
        "components:\n  - ../../../../components/mine\nresources:",
    );
    let run = repo.fails(&["check"]);
    assert!(run.stderr.contains("error[missing-resource]"), "{}", run.stderr);
    repo.write(
        "kubernetes/components/mine/kustomization.yaml",
        "---\napiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources:\n  - ./extra.yaml\n",
    );
    repo.write(
        "kubernetes/components/mine/extra.yaml",
        &CONFIGMAP.replace("name: homepage", "name: extra"),
    );
    repo.ok(&["check"]);
}
