//! `undo`: the last `configure` back.

use std::collections::BTreeMap;

use crate::support::{GITIGNORE, MINIMAL, Repo};

fn configured() -> Repo {
    let repo = Repo::with(&format!(
        "monitoring_enabled: true\ngrafana_admin_password: test-grafana-password\n{MINIMAL}"
    ));
    repo.ok(&["configure", "--yes"]);
    repo
}

/// What a run can change: everything but the configuration.
fn output(repo: &Repo) -> BTreeMap<String, Vec<u8>> {
    let mut files = repo.files_without_record();
    files.remove("cluster.yaml");
    files
}

#[test]
fn takes_back_what_the_last_run_created_changed_and_deleted() {
    let repo = configured();
    let before = output(&repo);
    repo.edit(
        "cluster.yaml",
        "monitoring_enabled: true",
        "monitoring_enabled: false",
    );
    repo.edit(
        "cluster.yaml",
        "grafana_admin_password: test-grafana-password\n",
        "",
    );
    repo.edit("cluster.yaml", "example.com", "example.org");
    repo.ok(&["configure", "--yes"]);
    let after = output(&repo);
    assert_ne!(before, after);

    let shown = repo.ok(&["undo", "--dry-run"]);
    assert_eq!(output(&repo), after, "--dry-run writes nothing");
    for text in [
        "restore      kubernetes/apps/monitoring/",
        "Nothing was taken back",
        "reverted",
    ] {
        assert!(shown.stdout.contains(text), "{text}: {}", shown.stdout);
    }
    let json = repo.ok(&["undo", "--dry-run", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["undone"], false);
    let changes = json["changes"].as_array().expect("changes");
    let secret = changes
        .iter()
        .find(|change| change["keys"].is_array())
        .expect("a secret");
    assert!(
        secret["path"]
            .as_str()
            .is_some_and(|path| path.contains(".sops.")),
        "{secret}"
    );
    assert!(
        changes.iter().all(|change| change["app"].is_string()),
        "{changes:?}"
    );

    let run = repo.ok(&["undo", "--yes"]);
    assert!(run.stdout.contains("Taken back"), "{}", run.stdout);
    assert_eq!(output(&repo), before, "secrets included, byte for byte");
    assert!(
        repo.read("cluster.yaml").contains("example.org"),
        "the configuration is the user's"
    );

    let again = repo.fails(&["undo", "--yes"]);
    assert!(again.stderr.contains("undo/nothing"), "{}", again.stderr);
    repo.ok(&["configure", "--yes"]);
    assert_eq!(
        output(&repo).len(),
        after.len(),
        "the next run follows the configuration again"
    );
}

#[test]
fn the_first_run_goes_with_all_its_directories() {
    let repo = Repo::with(MINIMAL);
    let before = repo.files();
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["undo", "--yes"]);
    let mut after = repo.files();
    assert_eq!(after.remove(".clusterwright/run.lock"), Some(Vec::new()));
    assert_eq!(after, before);
    for dir in ["kubernetes", "talos", "bootstrap"] {
        assert!(!repo.path(dir).exists(), "{dir}");
    }
}

#[test]
fn a_file_that_changed_since_stops_it_and_a_run_without_changes_does_not() {
    let repo = configured();
    repo.edit("cluster.yaml", "example.com", "example.org");
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["configure", "--yes"]);
    let run = repo.ok(&["undo", "--dry-run"]);
    let path = run
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("--- a/"))
        .expect("a changed file")
        .to_owned();
    repo.write(&path, &format!("{}# mine\n", repo.read(&path)));
    let before = repo.files();
    let run = repo.fails(&["undo", "--yes"]);
    assert!(
        run.stderr.contains("undo/changed-since") && run.stderr.contains(&path),
        "{}",
        run.stderr
    );
    assert_eq!(repo.files(), before);
    repo.write(&path, &repo.read(&path).replace("# mine\n", ""));
    repo.ok(&["undo", "--yes"]);
}

#[test]
fn nobody_to_ask_means_no() {
    let repo = configured();
    let before = repo.files();
    for args in [&["undo"][..], &["undo", "--output", "json"]] {
        let run = repo.fails(args);
        assert!(
            format!("{}{}", run.stdout, run.stderr).contains("usage/unconfirmed"),
            "{run:?}"
        );
    }
    assert_eq!(repo.files(), before);
    let run = Repo::empty().fails(&["undo"]);
    assert!(
        run.stderr.contains("undo/nothing"),
        "needs no configuration: {}",
        run.stderr
    );
}

#[test]
fn git_never_sees_the_record() {
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    assert!(repo.path(".clusterwright/undo/record").exists());
    let status = repo.git(&["status", "--porcelain", "-uall"]);
    assert!(status.contains(".clusterwright/.gitignore"), "{status}");
    assert!(!status.contains("undo/"), "{status}");
}
