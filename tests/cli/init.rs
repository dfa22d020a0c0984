//! `init` creates what is missing and replaces nothing.

use crate::support::{MINIMAL, RECIPIENT, Repo};

#[test]
fn creates_everything_and_then_nothing() {
    let repo = Repo::empty();
    repo.ok(&["init", "--yes"]);
    for file in [
        "cluster.yaml",
        "age.key",
        "github-push-token.txt",
        "github-deploy.key",
        "github-deploy.key.pub",
        ".clusterwright/cluster.schema.json",
    ] {
        assert!(repo.path(file).exists(), "{file}");
    }
    assert!(
        repo.read("cluster.yaml")
            .starts_with("# yaml-language-server: $schema=.clusterwright/cluster.schema.json\n")
    );
    let before = repo.files();
    let again = repo.ok(&["init", "--yes"]);
    assert!(
        again.stderr.contains("is there already") && again.stderr.contains("cloudflared tunnel create"),
        "{}",
        again.stderr
    );
    assert_eq!(repo.files(), before);
}

#[test]
fn keeps_what_is_there() {
    let repo = Repo::empty();
    repo.write("cluster.yaml", "mine: true\n");
    repo.write(".gitignore", "*.bak");
    repo.ok(&["init", "--yes"]);
    assert_eq!(repo.read("cluster.yaml"), "mine: true\n");
    let ignore = repo.read(".gitignore");
    assert!(
        ignore.starts_with("*.bak\n") && ignore.contains("\n/age.key\n"),
        "{ignore}"
    );
}

#[test]
fn placeholders_are_refused_with_the_list_of_what_to_fill_in() {
    let repo = Repo::empty();
    repo.ok(&["init", "--yes"]);
    let before = repo.files();
    let run = repo.fails(&["configure"]);
    for key in ["node_cidr", "cloudflare_token", "repository_name"] {
        assert!(run.stderr.contains(key), "{key} is not named: {}", run.stderr);
    }
    assert_eq!(repo.files(), before);
}

#[test]
fn never_makes_a_new_key_for_a_repository_that_another_key_seals() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let run = repo.fails(&["init", "--yes"]);
    assert!(run.stderr.contains("init/key-elsewhere"), "{}", run.stderr);
    assert!(!repo.path("age.key").exists());
}

#[test]
fn the_key_in_the_environment_is_no_second_recipient() {
    let repo = Repo::with(MINIMAL);
    let key = repo.path("age.key");
    let run = repo.run_with(
        &["configure", "--yes"],
        &[("SOPS_AGE_KEY_FILE", key.to_str().expect("UTF-8"))],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        repo.read(".sops.yaml").matches(RECIPIENT).count(),
        2,
        "once in each rule"
    );
}
