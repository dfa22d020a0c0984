//! `adopt`: an existing repository under the lock, as much of it as its owner wants.

use std::collections::BTreeMap;

use clusterwright::sys::OsEntropy;
use clusterwright::sys::disk::OsDisk;
use clusterwright::sys::root::Root;
use clusterwright::write::RunLock;
use serde_json::Value;
use sops::{EncryptionRule, Recipient, encrypt};

use crate::support::{MINIMAL, RECIPIENT, Repo};

const LOCK: &str = "clusterwright.lock";
const ECHO: &str = "kubernetes/apps/default/echo/app/helmrelease.yaml";
const ECHO_KS: &str = "kubernetes/apps/default/echo/ks.yaml";
const CERT: &str = "kubernetes/apps/cert-manager/cert-manager/app/helmrelease.yaml";
const SECRET: &str = "kubernetes/apps/cert-manager/cert-manager/app/secret.sops.yaml";
const CORE_DNS: &str = "kubernetes/apps/kube-system/coredns/app/helmrelease.yaml";

/// An app that a person has added.
const JELLYFIN: &str = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: jellyfin}
spec:
  interval: 1h
  path: ./kubernetes/apps/media/jellyfin/app
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
  targetNamespace: media
";

/// A repository that somebody made with the same templates and another tool, and lives with: no lock.
fn existing() -> Repo {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path(LOCK)).expect("removed");
    std::fs::remove_dir_all(repo.path(".clusterwright")).expect("removed");
    repo.write(ECHO, &format!("# mine\n{}", repo.read(ECHO)));
    repo.edit(CERT, "spec:\n", "spec:\n  timeout: 3m\n");
    repo.edit(CORE_DNS, "spec:\n", "spec:\n  timeout: 4m\n");
    for (path, text) in [
        (
            "kubernetes/apps/media/kustomization.yaml",
            "resources: [./jellyfin/ks.yaml]\n",
        ),
        ("kubernetes/apps/media/jellyfin/ks.yaml", JELLYFIN),
        (
            "kubernetes/apps/media/jellyfin/app/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [./configmap.yaml]\n",
        ),
        (
            "kubernetes/apps/media/jellyfin/app/configmap.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: jellyfin}\ndata: {mine: \"yes\"}\n",
        ),
    ] {
        repo.write(path, text);
    }
    std::fs::remove_dir_all(repo.path("kubernetes/apps/network/k8s-gateway")).expect("removed");
    repo
}

fn json(repo: &Repo, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--output", "json"]).collect();
    serde_json::from_str(&repo.ok(&args).stdout).expect("JSON")
}

fn states(result: &Value) -> BTreeMap<String, String> {
    let files = result["files"].as_array().expect("files");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    files
        .iter()
        .map(|file| (text(&file["path"]), text(&file["state"])))
        .collect()
}

/// The paths that the lock lists.
fn locked(repo: &Repo) -> Vec<String> {
    let lines = repo.read(LOCK);
    let lines = lines.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit("  ").next().expect("a path").to_owned())
        .collect()
}

/// The files but our own records, which no git sees.
fn files(repo: &Repo) -> BTreeMap<String, Vec<u8>> {
    let mut files = repo.files_without_record();
    files.remove(".clusterwright/run.lock");
    files
}

#[test]
fn without_arguments_it_tells_everything_and_writes_nothing() {
    let repo = existing();
    let before = repo.files();
    let run = repo.ok(&["adopt"]);
    for text in [
        "default/echo: 3 identical; 1 same content, other layout",
        "  same content  kubernetes/apps/default/echo/app/helmrelease.yaml",
        "cert-manager/cert-manager: 6 identical; 1 differs",
        "-  timeout: 3m",
        "network/k8s-gateway: 4 to be created",
        "kubernetes/apps/media/jellyfin: 3 files, listed in the rendered kustomization.yaml",
        "3 differ",
    ] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
    let result = json(&repo, &["adopt"]);
    let states = states(&result);
    assert_eq!(states[ECHO], "same-content");
    assert_eq!(states[CERT], "differs");
    assert_eq!(states[SECRET], "identical");
    assert_eq!(
        (
            &result["ours"],
            &result["written"],
            &result["foreign"][1]["wired_in"]
        ),
        (&0.into(), &false.into(), &true.into())
    );
    assert_eq!(repo.files(), before, "not even a directory of ours");
}

#[test]
fn what_is_identical_only_enters_the_lock() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let before = files(&repo);
    std::fs::remove_file(repo.path(LOCK)).expect("removed");
    let run = repo.ok(&["adopt", "--all", "--yes"]);
    assert!(run.stdout.contains("Adopted"), "{}", run.stdout);
    assert_eq!(files(&repo), before, "the lock is the one that configure wrote");
    let run = repo.ok(&["adopt", "--all", "--yes"]);
    assert!(run.stdout.contains("Nothing to adopt"), "{}", run.stdout);
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
}

#[test]
fn nothing_but_what_was_picked_is_touched_and_undo_takes_it_back() {
    let repo = existing();
    let before = files(&repo);
    let dry = repo.ok(&["adopt", "cert-manager/cert-manager", "--dry-run"]);
    assert!(dry.stdout.contains("-  timeout: 3m") && dry.stdout.contains("Nothing was written"));
    assert_eq!(repo.files(), before);

    repo.ok(&["adopt", "cert-manager/cert-manager", "--yes"]);
    let after = files(&repo);
    let changed: Vec<&String> = after
        .keys()
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    assert_eq!(changed, [LOCK, CERT]);
    assert!(!repo.read(CERT).contains("timeout: 3m"));
    let lock = locked(&repo);
    assert_eq!(lock.len(), 7);
    assert!(
        lock.iter()
            .all(|path| path.starts_with("kubernetes/apps/cert-manager/cert-manager/"))
    );

    repo.ok(&["undo", "--yes"]);
    assert_eq!(files(&repo), before);
}

#[test]
fn the_same_content_keeps_its_bytes_unless_told_otherwise() {
    let repo = existing();
    let mine = repo.read(ECHO);
    repo.ok(&["adopt", "echo", "--yes"]);
    assert_eq!(repo.read(ECHO), mine);
    assert!(locked(&repo).iter().any(|path| path == ECHO));
    assert_eq!(states(&json(&repo, &["adopt"]))[ECHO], "kept");
    // Named itself, a kept file can still be had as it is rendered.
    repo.ok(&["adopt", ECHO, "--yes"]);
    assert_eq!(format!("# mine\n{}", repo.read(ECHO)), mine);

    let repo = existing();
    repo.ok(&["adopt", "echo", "--rewrite", "--yes"]);
    assert!(!repo.read(ECHO).contains("# mine"));
}

#[test]
fn a_whole_repository_comes_over_step_by_step() {
    let repo = existing();
    let refused = repo.fails(&["configure", "--yes"]);
    for text in ["diff/foreign", "clusterwright adopt"] {
        assert!(refused.stderr.contains(text), "{text}: {}", refused.stderr);
    }
    repo.ok(&["adopt", "cert-manager", "kubernetes/apps/default", "--yes"]);
    repo.fails(&["configure", "--yes"]);
    repo.ok(&["adopt", "--all", "--keep", CORE_DNS, "--yes"]);
    assert!(repo.read(CORE_DNS).contains("timeout: 4m"), "mine stays");
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("8 created"), "{}", run.stdout);
    assert!(repo.path("kubernetes/apps/network/k8s-gateway/ks.yaml").exists());
    let root = repo.read("kubernetes/apps/kustomization.yaml");
    assert!(root.contains("./media"), "the foreign app is wired in: {root}");
    assert_eq!(repo.read("kubernetes/apps/media/jellyfin/ks.yaml"), JELLYFIN);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);
    assert!(repo.read(CORE_DNS).contains("timeout: 4m"), "and stays");
}

#[test]
fn with_a_lock_only_what_is_not_in_it_is_adopted() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let whole = repo.read(LOCK);
    let less: String = whole
        .lines()
        .filter(|line| !line.ends_with(ECHO_KS) && !line.ends_with(CERT))
        .map(|line| format!("{line}\n"))
        .collect();
    repo.write(LOCK, &less);
    repo.edit(CERT, "spec:\n", "spec:\n  timeout: 3m\n");
    repo.edit(CORE_DNS, "spec:\n", "spec:\n  timeout: 4m\n");
    let result = json(&repo, &["adopt"]);
    let states = states(&result);
    assert_eq!(
        (states[ECHO_KS].as_str(), states[CERT].as_str()),
        ("identical", "differs")
    );
    assert_eq!(
        states[CORE_DNS], "kept",
        "an edit of ours is no matter of adopting"
    );
    repo.ok(&["adopt", "--all", "--yes"]);
    assert_eq!(repo.read(LOCK), whole);
    assert!(repo.read(CORE_DNS).contains("timeout: 4m"));
}

#[test]
fn sealed_files_are_compared_by_value_and_never_shown() {
    let other = Repo::empty();
    other.ok(&["init", "--yes"]);
    let other_key = other.read("age.key");
    let public = other_key
        .lines()
        .find_map(|line| line.split_once("public key: "))
        .expect("told")
        .1;

    // Sealed for two, rendered for one.
    let repo = existing();
    let one = repo.read(SECRET);
    let config = repo.read("cluster.yaml");
    repo.write(
        "cluster.yaml",
        &format!("age_recipients: [{RECIPIENT}, {public}]\n{config}"),
    );
    repo.ok(&["adopt", "--all", "--rewrite", "--yes"]);
    repo.ok(&["configure", "--yes"]);
    assert_ne!(repo.read(SECRET), one);
    std::fs::remove_file(repo.path(LOCK)).expect("removed");
    repo.edit("cluster.yaml", &format!(", {public}]"), "]");
    assert_eq!(states(&json(&repo, &["adopt"]))[SECRET], "same-values");
    let run = repo.ok(&["adopt"]);
    assert!(
        run.stdout
            .contains("1 same values, other recipients or ciphertext"),
        "{}",
        run.stdout
    );

    // Sealed for somebody else alone: nothing is opened, nothing shown, and configure says what it is about.
    let clear = repo.ok(&["secrets", "decrypt", SECRET]).stdout;
    let clear = clear.replace("test-cloudflare-token", "canary-of-somebody-else");
    let rule = EncryptionRule::secrets(Recipient::list([public]).expect("a recipient"));
    repo.write(SECRET, &encrypt(&clear, &rule, &mut OsEntropy).expect("sealed"));
    repo.edit("cluster.yaml", &format!("age_recipients: [{RECIPIENT}]\n"), "");
    let theirs = repo.read(SECRET);
    let result = json(&repo, &["adopt"]);
    assert_eq!(states(&result)[SECRET], "locked");
    let run = repo.ok(&["adopt", SECRET, "--yes"]);
    for text in [&run.stdout, &run.stderr, &result.to_string()] {
        assert!(!text.contains("canary-of") && !text.contains("ENC["), "{text}");
    }
    assert!(run.stdout.contains("recipients changed"), "{}", run.stdout);
    assert_ne!(repo.read(SECRET), theirs);
    let clear = repo.ok(&["secrets", "decrypt", SECRET]);
    assert!(clear.stdout.contains("test-cloudflare-token"));
}

#[test]
fn an_app_that_lives_elsewhere_is_pointed_out() {
    let repo = existing();
    let mine = "kubernetes/apps/default/echo-server/hr.yaml";
    let tools = "kubernetes/apps/tools/cm/hr.yaml";
    repo.write(mine, &repo.read(ECHO));
    repo.write(tools, &repo.read(CERT));
    let run = repo.ok(&["adopt"]);
    for text in [
        format!("your HelmRelease `echo` lives at `{mine}`; ours renders to `{ECHO}`"),
        format!("your HelmRelease `cert-manager` lives at `{tools}`; ours renders to `{CERT}`"),
        "yours is in the namespace `tools`, ours in `cert-manager`".to_owned(),
        format!("then delete yours, `rm {mine}`"),
    ] {
        assert!(run.stderr.contains(&text), "{text}: {}", run.stderr);
    }
    std::fs::remove_file(repo.path(ECHO)).expect("removed");
    let run = repo.ok(&["adopt"]);
    assert!(
        run.stderr.contains(&format!("mv {mine} {ECHO}")),
        "{}",
        run.stderr
    );
    std::fs::rename(repo.path(mine), repo.path(ECHO)).expect("moved");
    repo.ok(&["adopt", "echo", "--yes"]);
    assert!(locked(&repo).iter().any(|path| path == ECHO));
}

#[test]
fn names_that_mean_nothing_write_nothing() {
    let repo = existing();
    let before = repo.files();
    for (args, code) in [
        (&["adopt", "ecco", "--yes"][..], "adopt/unknown"),
        (&["adopt", "echo", "no-such-app", "--yes"], "adopt/unknown"),
        (
            &["adopt", "kubernetes/apps/media/jellyfin", "--yes"],
            "adopt/not-rendered",
        ),
        (&["adopt", "namespace", "--yes"], "adopt/ambiguous"),
        (&["adopt", "--keep", "/etc/passwd", "--yes"], "adopt/unknown"),
        (&["adopt", "echo"], "usage/unconfirmed"),
        (&["adopt", "--all", "--output", "json"], "usage/unconfirmed"),
    ] {
        let run = repo.fails(args);
        assert!(
            format!("{}{}", run.stdout, run.stderr).contains(code),
            "{args:?}: {run:?}"
        );
        assert_eq!(repo.files(), before, "{args:?}");
    }
    repo.fails(&["adopt", "echo", "--all"]);
}

#[test]
fn a_second_run_at_once_is_refused() {
    let repo = existing();
    let held = RunLock::acquire(&Root::new(repo.root()), &mut OsDisk).expect("free");
    let before = repo.files();
    let run = repo.fails(&["adopt", "--all", "--yes"]);
    assert!(run.stderr.contains("write/another-run"), "{}", run.stderr);
    assert_eq!(repo.files(), before);
    drop(held);
    repo.ok(&["adopt", "--all", "--yes"]);
    let held = RunLock::acquire(&Root::new(repo.root()), &mut OsDisk).expect("free");
    let run = repo.fails(&["undo", "--yes"]);
    assert!(run.stderr.contains("write/another-run"), "{}", run.stderr);
    drop(held);
    repo.ok(&["undo", "--yes"]);
    let mut after = repo.files();
    let mut before = before;
    before.remove(".clusterwright/run.lock");
    after.remove(".clusterwright/run.lock");
    assert_eq!(after, before);
}

/// The page about `adopt`, and what that about edits says of `undo`.
fn chapters() -> String {
    let (_, undo) = include_str!("../../docs/edits.md")
        .split_once("## Take a run back\n")
        .expect("the chapter");
    [include_str!("../../docs/adopt.md"), undo].concat()
}

#[test]
fn the_commands_of_the_documentation_do_what_it_says() {
    let chapters = chapters();
    let repo = existing();
    let before = files(&repo);
    let mut commands = 0;
    let mut output = String::new();
    for line in chapters.lines() {
        if let Some(command) = line.strip_prefix("$ clusterwright ")
            && (command.starts_with("adopt") || command.starts_with("undo") || commands == 6)
        {
            let args: Vec<&str> = command.split_whitespace().collect();
            output = repo.ok(&args).stdout;
            commands += 1;
        } else if line.starts_with("Taken back.") {
            assert!(output.contains(line), "{output}");
        } else if line.starts_with("default/echo:") || line.starts_with("  same content") {
            assert!(output.contains(line), "{line}: {output}");
        }
    }
    assert_eq!(commands, 9, "adopt six times, configure, undo twice");
    let after = files(&repo);
    assert_eq!(after[CORE_DNS], before[CORE_DNS], "kept");
    assert_ne!(after[CERT], before[CERT], "adopted");
    assert_eq!(after[ECHO], before[ECHO], "the same content");
    assert!(
        !repo.path("kubernetes/apps/network/k8s-gateway").exists(),
        "what configure created is taken back"
    );
    for state in [
        "identical",
        "same content",
        "same values",
        "locked",
        "differs",
        "to be created",
    ] {
        assert!(chapters.contains(&format!("| {state} |")), "{state}");
    }
}

#[test]
fn a_secret_in_clear_that_is_replaced_leaves_no_copy_behind() {
    let repo = existing();
    let clear = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: cert-manager\nstringData:\n  api-token: canary-in-clear\n";
    repo.write(SECRET, clear);
    let shown = repo.ok(&["adopt"]);
    assert!(!shown.stdout.contains("canary") && !shown.stderr.contains("canary"));
    let run = repo.ok(&["adopt", "--all", "--yes"]);
    assert!(!run.stdout.contains("canary") && !run.stderr.contains("canary"));
    for (path, bytes) in repo.files() {
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "{path}");
    }
    let undo = repo.fails(&["undo", "--yes"]);
    assert!(undo.stderr.contains("undo/nothing"), "{undo:?}");
}
