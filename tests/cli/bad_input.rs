//! Bad input gets a clear error with exit code 1, and changes nothing.

use crate::support::{MINIMAL, Repo, directory};

/// Runs `configure`, expects the code in the findings, exit 1, and an untouched directory.
#[track_caller]
fn refused(repo: &Repo, expected: &str) -> String {
    let before = repo.files();
    let run = repo.fails(&["configure", "--yes"]);
    assert!(run.stderr.contains(expected), "no {expected} in:\n{}", run.stderr);
    assert!(run.stderr.lines().count() < 60, "too long:\n{}", run.stderr);
    assert_eq!(repo.files(), before, "something changed");
    run.stderr
}

#[test]
fn the_configuration_file() {
    let bomb: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((1..10).map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", "))))
        .collect();
    for (text, expected) in [
        (String::new(), "empty"),
        ("# only a comment\n".to_owned(), "empty"),
        ("\u{0}\u{1}binary".to_owned(), "cluster.yaml"),
        (
            format!("{MINIMAL}node_cdir: 10.0.0.0/8\n"),
            "did you mean `node_cidr`?",
        ),
        (format!("{MINIMAL}cloudflare_domain: example.org\n"), "twice"),
        (bomb, "alias"),
        ("[".repeat(5000), "cluster.yaml:1:"),
        (format!("x:\n\ty: 1\n{MINIMAL}"), "tab"),
        (format!("{MINIMAL}cluster_name: \"home\n"), "cluster.yaml:"),
        ("- a\n- b\n".to_owned(), "cluster.yaml:1:"),
        (format!("{MINIMAL}---\na: b\n"), "cluster.yaml:"),
    ] {
        let repo = Repo::with(&text);
        let shown: String = text.chars().take(40).collect();
        let stderr = refused(&repo, expected);
        assert!(stderr.contains("error"), "{shown}: {stderr}");
    }
}

#[test]
fn a_missing_one() {
    let stderr = refused(&Repo::empty(), "cluster.yaml");
    assert!(stderr.contains("clusterwright init"), "{stderr}");
}

#[test]
fn not_utf_8() {
    let repo = Repo::with(MINIMAL);
    std::fs::write(repo.path("cluster.yaml"), b"a: \xff\xfe\n").expect("written");
    refused(&repo, "UTF-8");
}

#[test]
fn a_hundred_megabytes() {
    let repo = Repo::with(MINIMAL);
    let file = std::fs::File::create(repo.path("cluster.yaml")).expect("created");
    file.set_len(100 << 20).expect("sparse");
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("MiB"), "{}", run.stderr);
}

#[test]
fn a_directory_in_its_place() {
    let repo = Repo::empty();
    std::fs::create_dir(repo.path("cluster.yaml")).expect("created");
    refused(&repo, "directory");
}

#[test]
fn key_files() {
    let repo = Repo::with(MINIMAL);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    refused(&repo, "`age.key` is missing");
    std::fs::create_dir(repo.path("age.key")).expect("created");
    refused(&repo, "age.key");
    std::fs::remove_dir(repo.path("age.key")).expect("removed");
    repo.write("age.key", "not a key\n");
    refused(&repo, "identity");
    repo.write("age.key", "");
    refused(&repo, "age.key");
    let repo = Repo::with(MINIMAL);
    repo.write("github-push-token.txt", "\n");
    refused(&repo, "`github-push-token.txt` is empty");
    std::fs::remove_file(repo.path("github-push-token.txt")).expect("removed");
    refused(&repo, "`github-push-token.txt` is missing");
}

#[cfg(unix)]
#[test]
fn links_in_the_output() {
    let elsewhere = directory();
    let repo = Repo::with(MINIMAL);
    std::os::unix::fs::symlink(elsewhere.path(), repo.path("kubernetes")).expect("linked");
    refused(&repo, "symbolic link");
    assert_eq!(
        std::fs::read_dir(elsewhere.path()).expect("readable").count(),
        0,
        "nothing went through the link"
    );
    let repo = Repo::with(MINIMAL);
    std::os::unix::fs::symlink("cluster.yaml", repo.path(".sops.yaml")).expect("linked");
    refused(&repo, "symbolic link");
}

#[test]
fn a_template_that_leads_out_of_the_repository() {
    let repo = Repo::with(MINIMAL);
    repo.write(
        "templates/apps/default/mine/app.yaml",
        "summary: x\nkustomizations: [{name: mine, path: ../../../../../../outside}]\n",
    );
    refused(&repo, "out of the repository");
}

#[test]
fn a_path_on_the_command_line_that_leads_out() {
    let repo = Repo::with(MINIMAL);
    let run = repo.fails(&["configure", "--overwrite", "../x"]);
    assert!(run.stderr.contains("out of the repository"), "{}", run.stderr);
    let run = repo.fails(&["configure", "--keep", "no/such/file"]);
    assert!(run.stderr.contains("matches no conflict"), "{}", run.stderr);
    assert!(!repo.path("kubernetes").exists());
}

#[test]
fn edited_and_foreign_files_stop_the_run_with_their_choices() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let file = "kubernetes/apps/kube-system/cilium/app/helmrelease.yaml";
    repo.write(file, &format!("{}# mine\n", repo.read(file)));
    repo.edit(
        "cluster.yaml",
        "cloudflare_domain",
        "cilium_loadbalancer_mode: snat\ncloudflare_domain",
    );
    let stderr = refused(&repo, "diff/edited");
    assert!(
        stderr.contains(&format!("--keep {file}")) && stderr.contains(&format!("--overwrite {file}")),
        "{stderr}"
    );
    repo.ok(&["configure", "--yes", "--keep", file]);
    assert!(repo.read(file).ends_with("# mine\n"));
    repo.ok(&["configure", "--yes", "--overwrite", file]);
    assert!(repo.read(file).contains("mode: snat") && !repo.read(file).contains("# mine"));

    let repo = Repo::with(MINIMAL);
    repo.write(".sops.yaml", "creation_rules: []\n");
    refused(&repo, "diff/foreign");
}

#[test]
fn a_broken_lock_and_a_lost_one() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let lock = repo.read("clusterwright.lock");
    repo.write(
        "clusterwright.lock",
        &format!("<<<<<<< ours\n{lock}=======\n{lock}>>>>>>> theirs\n"),
    );
    refused(&repo, "clusterwright.lock:1:1");
    std::fs::remove_file(repo.path("clusterwright.lock")).expect("removed");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("adopted"), "{}", run.stdout);
    assert_eq!(repo.read("clusterwright.lock"), lock, "rebuilt");
}

#[test]
fn private_files_in_git() {
    let repo = Repo::with(MINIMAL);
    repo.git(&["init", "-q"]);
    let run = repo.ok(&["configure", "--dry-run"]);
    assert!(run.stderr.contains("git/not-ignored"), "{}", run.stderr);
    repo.git(&["add", "-f", "age.key"]);
    refused(&repo, "git/private-file");
}

#[test]
fn a_broken_git_repository() {
    let repo = Repo::with(MINIMAL);
    repo.write(".git/HEAD", "garbage\n");
    refused(&repo, "git");
}
