//! `diff` against a revision and against the work tree.

use crate::support::{GITIGNORE, MINIMAL, PRIVATE, Repo};

fn committed() -> Repo {
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.ok(&["configure", "--yes"]);
    repo.git(&["init", "-q", "-b", "main"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "one"]);
    repo
}

#[test]
fn shows_what_a_change_of_the_configuration_does() {
    let repo = committed();
    let clean = repo.ok(&["diff", "--exit-code"]);
    assert!(!clean.stdout.contains("@@"), "{}", clean.stdout);
    repo.edit(
        "cluster.yaml",
        "cloudflare_domain: example.com",
        "cloudflare_domain: example.com\ncilium_loadbalancer_mode: snat",
    );
    let run = repo.run(&["diff", "--exit-code"]);
    assert_eq!(run.code, 2);
    assert!(
        run.stdout.contains("-      mode: dsr") && run.stdout.contains("+      mode: snat"),
        "{}",
        run.stdout
    );
    let json = repo.ok(&["diff", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["changes"].as_array().expect("changes").len(), 1);
    assert_eq!(json["changes"][0]["change"], "update");
}

#[test]
fn secrets_show_as_keys_without_values() {
    let repo = committed();
    repo.edit("cluster.yaml", "test-cloudflare-token", "other-cloudflare-token");
    let run = repo.ok(&["diff"]);
    assert!(run.stdout.contains("stringData.api-token"), "{}", run.stdout);
    assert!(
        !run.stdout.contains("ENC[") && !run.stdout.contains("cloudflare-token\""),
        "{}",
        run.stdout
    );
}

#[test]
fn an_edit_that_stays_is_no_difference_but_a_revision_without_it_is() {
    let repo = committed();
    let file = "kubernetes/apps/default/echo/app/helmrelease.yaml";
    repo.write(file, &format!("{}# mine\n", repo.read(file)));
    let run = repo.ok(&["diff", "--exit-code"]);
    assert!(!run.stdout.contains("# mine"), "{}", run.stdout);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("kept as you edited"), "{}", run.stdout);
    assert!(repo.read(file).ends_with("# mine\n"));
}

#[test]
fn works_on_a_detached_head_and_in_a_shallow_clone() {
    let repo = committed();
    repo.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    repo.git(&["checkout", "-q", "--detach"]);
    repo.ok(&["diff", "--exit-code"]);
    let url = format!("file://{}", repo.root().display());
    repo.git(&["clone", "-q", "--depth", "1", &url, "clone"]);
    for file in ["cluster.yaml"].into_iter().chain(PRIVATE) {
        repo.write(&format!("clone/{file}"), &repo.read(file));
    }
    repo.ok(&["-C", "clone", "diff", "--exit-code"]);
    let run = repo.ok(&["-C", "clone", "configure", "--yes"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);
}

#[test]
fn without_git_it_says_so_and_the_work_tree_still_compares() {
    let repo = Repo::with(MINIMAL);
    let run = repo.fails(&["diff"]);
    assert!(
        run.stderr.contains("git/none") && run.stderr.contains("--worktree"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.run(&["diff", "--worktree", "--exit-code"]).code, 2);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stdout.contains("created"),
        "works without git: {}",
        run.stdout
    );
}

#[test]
fn an_unknown_revision_is_named() {
    let repo = committed();
    let run = repo.fails(&["diff", "no-such-branch"]);
    assert!(run.stderr.contains("no-such-branch"), "{}", run.stderr);
}
