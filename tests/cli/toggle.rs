//! Switching features off and on, and changing secrets.

use std::collections::BTreeSet;

use crate::support::{GITIGNORE, MINIMAL, Repo};

const ON: &str = "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\nloki_enabled: true\ntracing_enabled: true\n";

fn configured() -> Repo {
    let repo = Repo::with(&format!("{ON}{MINIMAL}"));
    repo.ok(&["configure", "--yes"]);
    repo
}

#[test]
fn a_second_run_changes_nothing_at_all() {
    let repo = configured();
    let before = repo.files();
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);
    assert_eq!(repo.files(), before);
    assert_eq!(repo.run(&["configure", "--check"]).code, 0);
}

#[test]
fn loki_and_tracing_off_deletes_exactly_their_files_and_on_again_restores_the_same_bytes() {
    let repo = configured();
    let before = repo.files_without_record();
    repo.edit(
        "cluster.yaml",
        "loki_enabled: true\ntracing_enabled: true",
        "loki_enabled: false\ntracing_enabled: false",
    );

    let check = repo.run(&["configure", "--check"]);
    assert_eq!(check.code, 2, "changes are pending");
    assert!(
        check.stdout.contains("delete       monitoring/loki"),
        "{}",
        check.stdout
    );
    assert!(
        check.stdout.contains("loki_enabled: false"),
        "the key that decided: {}",
        check.stdout
    );
    assert!(check.stdout.contains("Flux prunes"), "{}", check.stdout);
    let mut same = repo.files_without_record();
    same.insert("cluster.yaml".to_owned(), before["cluster.yaml"].clone());
    assert_eq!(same, before, "--check writes nothing");

    repo.ok(&["configure", "--yes"]);
    let off = repo.files_without_record();
    let gone: BTreeSet<&String> = before.keys().filter(|path| !off.contains_key(*path)).collect();
    let theirs = |path: &str| {
        ["loki", "tempo", "alloy"]
            .iter()
            .any(|app| path.starts_with(&format!("kubernetes/apps/monitoring/{app}/")))
    };
    let expected: BTreeSet<&String> = before.keys().filter(|path| theirs(path)).collect();
    assert_eq!(gone, expected);
    assert!(expected.len() >= 10);
    assert!(
        !repo.path("kubernetes/apps/monitoring/loki").exists(),
        "no empty directory stays"
    );

    repo.edit(
        "cluster.yaml",
        "loki_enabled: false\ntracing_enabled: false",
        "loki_enabled: true\ntracing_enabled: true",
    );
    repo.ok(&["configure", "--yes"]);
    assert_eq!(repo.files_without_record(), before);
}

#[test]
fn a_changed_secret_changes_three_lines_of_one_file() {
    let repo = configured();
    let before = repo.files_without_record();
    repo.edit(
        "cluster.yaml",
        "test-grafana-password",
        "another-grafana-password",
    );
    repo.ok(&["configure", "--yes"]);
    let after = repo.files_without_record();
    let changed: Vec<&String> = before
        .keys()
        .filter(|path| before[*path] != after[*path])
        .collect();
    let secret = "kubernetes/apps/monitoring/victoria-metrics/app/secret.sops.yaml";
    assert_eq!(changed, ["cluster.yaml", "clusterwright.lock", secret]);
    let lines = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
        String::from_utf8_lossy(&files[secret])
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (old, new) = (lines(&before), lines(&after));
    assert_eq!(old.len(), new.len());
    let keys: Vec<&str> = old
        .iter()
        .zip(&new)
        .filter(|(old, new)| old != new)
        .map(|(old, _)| old.trim().split(':').next().unwrap_or_default())
        .collect();
    // lastmodified has whole seconds, so it may be the same.
    assert!(
        keys == ["admin-password", "lastmodified", "mac"] || keys == ["admin-password", "mac"],
        "{keys:?}"
    );
}

#[test]
fn a_removed_recipient_rotates_the_data_key_and_an_added_one_does_not() {
    let repo = configured();
    let file = "kubernetes/apps/cert-manager/cert-manager/app/secret.sops.yaml";
    let value = |text: &str| {
        text.lines()
            .find(|line| line.contains("api-token"))
            .expect("there")
            .to_owned()
    };
    let one = repo.read(file);
    let second = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudac9h5sdqz3sr";
    let second = if repo.run(&["validate"]).code == 0 {
        second
    } else {
        ""
    };
    let both = format!("age_recipients: [{}, {second}]\n", crate::support::RECIPIENT);
    let alone = format!("age_recipients: [{}]\n", crate::support::RECIPIENT);
    repo.write("cluster.yaml", &format!("{both}{}", repo.read("cluster.yaml")));
    if repo.run(&["configure", "--yes"]).code != 0 {
        // The second recipient above is not a valid key: take one that clusterwright made.
        let other = Repo::empty();
        other.ok(&["init", "--yes"]);
        let public = other.read("age.key");
        let public = public
            .lines()
            .find_map(|line| line.split_once("age1"))
            .expect("public key")
            .1;
        repo.edit("cluster.yaml", second, &format!("age1{public}"));
        repo.ok(&["configure", "--yes"]);
    }
    let two = repo.read(file);
    assert_eq!(value(&one), value(&two), "adding keeps the ciphertext");
    assert_eq!(two.matches("recipient: age1").count(), 2);
    let line = repo
        .read("cluster.yaml")
        .lines()
        .next()
        .expect("a line")
        .to_owned()
        + "\n";
    repo.edit("cluster.yaml", &line, &alone);
    repo.ok(&["configure", "--yes"]);
    let three = repo.read(file);
    assert_ne!(value(&two), value(&three), "removing rotates");
    assert_eq!(three.matches("recipient: age1").count(), 1);
}

#[test]
fn deleted_ciphertext_is_taken_from_git() {
    let repo = configured();
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "one"]);
    let file = "kubernetes/components/sops/cluster-secrets.sops.yaml";
    let before = repo.read(file);
    std::fs::remove_file(repo.path(file)).expect("removed");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stderr.contains("diff/recreated"), "{}", run.stderr);
    assert_eq!(repo.read(file), before);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

/// Switches spegel off after its chart was raised, and after `more` was done to the file.
fn switched_off_after_renovate(more: impl Fn(&Repo, &str)) -> (Repo, crate::support::Run) {
    let repo = Repo::with(&format!("spegel_enabled: true\n{MINIMAL}"));
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", "configured"]);
    let source = "kubernetes/apps/kube-system/spegel/app/ocirepository.yaml";
    repo.edit(source, "0.6.0", "0.6.1");
    more(&repo, source);
    repo.git(&["commit", "-q", "-a", "-m", "raised"]);
    repo.edit("cluster.yaml", "spegel_enabled: true", "spegel_enabled: false");
    let run = repo.run(&["configure", "--yes"]);
    (repo, run)
}

#[test]
fn a_chart_that_renovate_raised_goes_with_its_app_and_other_edits_are_asked_about() {
    let (repo, run) = switched_off_after_renovate(|_, _| ());
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    assert!(!repo.files().keys().any(|path| path.contains("/spegel/")));
    assert_eq!(repo.run(&["configure", "--check"]).code, 0);

    let edit = |repo: &Repo, source: &str| repo.edit(source, "interval: 30m", "interval: 5m");
    let (repo, run) = switched_off_after_renovate(edit);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stderr.contains("diff/edited-delete"), "{}", run.stderr);
    assert!(repo.files().keys().any(|path| path.contains("/spegel/")));
}

#[test]
#[cfg(unix)]
fn the_drafts_of_killed_commands_go_with_the_next_run_that_writes() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let name = ".clusterwright-0123456789abcdef";
    let (ours, other) = (
        format!("kubernetes/apps/network/cloudflare-dns/app/{name}"),
        format!("mine/{name}"),
    );
    for draft in [&ours, &other] {
        repo.write(draft, "half");
    }
    repo.ok(&["configure", "--yes"]);
    assert!(repo.path(&ours).exists(), "nothing is written, nothing is swept");
    repo.write("cluster.yaml", &format!("cluster_name: other\n{MINIMAL}"));
    repo.ok(&["configure", "--yes"]);
    assert!(
        !repo.path(&ours).exists() && repo.path(&other).exists(),
        "only where our files are"
    );
}
