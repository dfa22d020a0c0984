//! `doctor` says what is broken around the configuration, one line each, and how to mend it.

use crate::support::{GITIGNORE, MINIMAL, RECIPIENT, Repo};

/// The lines of a state.
fn lines(stdout: &str, state: &str) -> Vec<String> {
    let of_state = |line: &&str| line.split_whitespace().next() == Some(state);
    stdout.lines().filter(of_state).map(str::to_owned).collect()
}

/// A configured repository in which everything is in order.
fn healthy() -> Repo {
    let repo = Repo::empty();
    repo.git(&["init", "-q"]);
    let full = Repo::with(MINIMAL);
    for (name, bytes) in full.files() {
        repo.write(&name, &String::from_utf8(bytes).expect("text"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(repo.path(&name), private).expect("set");
        }
    }
    repo.write(".gitignore", GITIGNORE);
    repo.ok(&["configure", "--yes"]);
    repo
}

#[test]
fn nothing_to_say_about_a_healthy_repository() {
    let repo = healthy();
    let before = repo.files();
    let run = repo.ok(&["doctor"]);
    assert_eq!(lines(&run.stdout, "broken"), [""; 0], "{}", run.stdout);
    assert_eq!(lines(&run.stdout, "note"), [""; 0], "{}", run.stdout);
    assert!(lines(&run.stdout, "ok").len() >= 8, "{}", run.stdout);
    assert_eq!(repo.files(), before);
}

#[test]
fn each_kind_of_damage_is_named_with_a_way_out() {
    type Damage = fn(&Repo);
    let cases: &[(&str, &str, Damage)] = &[
        ("age.key", "copy it here", |repo| {
            std::fs::remove_file(repo.path("age.key")).expect("removed");
        }),
        ("other keys", "age_recipients", |repo| {
            let other = Repo::empty();
            other.ok(&["init", "--yes"]);
            repo.write("age.key", &other.read("age.key"));
        }),
        ("cloudflare-tunnel.json", "cloudflared tunnel", |repo| {
            repo.write("cloudflare-tunnel.json", "{\"AccountTag\": \"x\"}");
        }),
        ("github-deploy.key", "clusterwright init", |repo| {
            repo.write("github-deploy.key", "ssh-ed25519 AAAA flux\n");
        }),
        ("github-push-token.txt", "clusterwright init", |repo| {
            repo.write("github-push-token.txt", "\n");
        }),
        ("tracked by git", "git rm --cached", |repo| {
            repo.git(&["add", "-f", "age.key"]);
        }),
        ("interrupted", "clusterwright configure", |repo| {
            repo.write(".clusterwright/txn/new/0", "");
        }),
        ("clusterwright.lock", "", |repo| {
            repo.write("clusterwright.lock", "<<<<<<< HEAD\n");
        }),
        ("cluster.yaml has errors", "clusterwright validate", |repo| {
            repo.edit("cluster.yaml", "10.10.10.254", "nowhere");
        }),
    ];
    for (what, mend, damage) in cases {
        let repo = healthy();
        damage(&repo);
        let run = repo.fails(&["doctor"]);
        let broken = lines(&run.stdout, "broken");
        assert!(
            broken
                .iter()
                .any(|line| line.contains(what) && line.contains(mend)),
            "{what}: {}",
            run.stdout
        );
    }
}

#[test]
fn a_journal_that_no_run_carries_out_gets_no_advice_to_run_one() {
    let repo = healthy();
    repo.write(".clusterwright/txn/plan", "not a journal of ours\n");
    let refused = repo.fails(&["configure", "--yes"]).stderr;
    let run = repo.fails(&["doctor"]);
    let broken = lines(&run.stdout, "broken");
    assert!(
        refused.contains("write/") && broken.len() == 1 && broken[0].contains("rm -r .clusterwright/txn"),
        "{refused}{}",
        run.stdout
    );
    assert!(!broken[0].contains("configure"), "{}", run.stdout);
}

#[test]
fn a_key_that_is_missing_before_anything_is_sealed_can_be_made() {
    let repo = Repo::with(MINIMAL);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let broken = lines(&repo.fails(&["doctor"]).stdout, "broken");
    assert!(
        broken
            .iter()
            .any(|line| line.contains("age.key") && line.contains("clusterwright init")),
        "{broken:?}"
    );
    assert!(
        repo.fails(&["configure", "--yes"])
            .stderr
            .contains("clusterwright init")
    );
}

#[test]
fn a_clone_without_the_private_files_is_one_and_not_broken() {
    let repo = healthy();
    repo.write(
        "cluster.yaml",
        &format!(
            "age_recipients: [{RECIPIENT}]\ncloudflare_tunnel_id: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n{MINIMAL}"
        ),
    );
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    let ignored = lines(&repo.ok(&["doctor"]).stdout, "note");
    assert!(
        ignored.len() == 1 && ignored[0].contains("take `/cluster.yaml` out of .gitignore"),
        "{ignored:?}"
    );
    for name in crate::support::PRIVATE {
        std::fs::remove_file(repo.path(name)).expect("removed");
    }
    let run = repo.ok(&["doctor"]);
    let notes = lines(&run.stdout, "note");
    assert!(
        notes.iter().any(|line| line.contains("no private key is here")),
        "{}",
        run.stdout
    );
    // A key or a token is none that `init` could make: those that count are sealed.
    let fails = repo.fails(&["init", "--yes"]);
    assert!(fails.stderr.contains("init/key-elsewhere"), "{}", fails.stderr);
    assert!(!repo.path("github-push-token.txt").exists() && !repo.path("github-deploy.key").exists());
}

#[test]
fn a_repository_of_raw_mode_is_told_as_one() {
    let repo = Repo::empty();
    repo.write(
        "makejinja.toml",
        "[makejinja]\ninputs = [\"./in\"]\noutput = \"./\"\ndata = [\"./cluster.yaml\"]\n",
    );
    repo.write("cluster.yaml", "my_name: one\n");
    repo.write("in/docs/a.md.jinja", "{{ my_name }}\n");
    repo.git(&["init", "-q"]);
    let run = repo.ok(&["doctor"]);
    assert!(
        lines(&run.stdout, "note")
            .iter()
            .any(|line| line.contains("--raw --check")),
        "{}",
        run.stdout
    );
    // Data that hold no secret can be committed.
    let run = repo.ok(&["configure", "--raw", "--yes"]);
    assert!(!run.stderr.contains("git/"), "{}", run.stderr);
    repo.git(&["add", "cluster.yaml"]);
    let run = repo.ok(&["configure", "--raw", "--check"]);
    assert!(!run.stderr.contains("git/"), "{}", run.stderr);
    let run = repo.ok(&["undo", "--yes"]);
    assert!(
        run.stdout.contains("`clusterwright configure --raw`"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_is_only_odd_is_a_note() {
    type Change = fn(&Repo);
    let cases: &[(&str, Change)] = &[
        ("another version", |repo| {
            repo.write(".clusterwright/cluster.schema.json", "{}");
        }),
        ("not git-ignored", |repo| repo.write(".gitignore", "")),
        ("only a private repository", |repo| {
            std::fs::remove_file(repo.path("github-deploy.key")).expect("removed");
        }),
        ("not there yet", |repo| {
            std::fs::remove_file(repo.path("clusterwright.lock")).expect("removed");
        }),
    ];
    for (what, change) in cases {
        let repo = healthy();
        change(&repo);
        let run = repo.ok(&["doctor"]);
        let notes = lines(&run.stdout, "note");
        assert!(
            notes.iter().any(|line| line.contains(what)),
            "{what}: {}",
            run.stdout
        );
    }
}

#[test]
fn machines_get_the_checks_as_json() {
    let repo = Repo::with(MINIMAL);
    let run = repo.ok(&["doctor", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let checks = json["checks"].as_array().expect("checks");
    assert!(
        checks
            .iter()
            .all(|check| check["state"].is_string() && check["what"].is_string())
    );
}
