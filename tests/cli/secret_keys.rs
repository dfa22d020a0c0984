//! What is secret is asked in one place: keys of own apps, and keys with a slip, count everywhere.

use crate::support::{AGE_KEY, GITIGNORE, MINIMAL, Repo};

const CANARY: &str = "OWNKEY-canary-123456";

/// A repository with an app of its own that brings a secret key.
fn repo() -> Repo {
    let repo = Repo::with(&format!("homepage_token: {CANARY}\n{MINIMAL}"));
    repo.write(
        "templates/apps/default/homepage/app.yaml",
        "summary: Start page\nschema:\n  homepage_token:\n    type: string\n    description: Token.\n    x-secret: true\n",
    );
    repo.write(
        "templates/apps/default/homepage/app/secret.sops.yaml.tera",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: homepage\nstringData:\n  token: \"#{ homepage_token }#\"\n",
    );
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo
}

#[test]
fn the_secret_keys_of_own_apps_are_encrypted_and_looked_for() {
    let repo = repo();
    repo.ok(&["configure", "--yes"]);
    repo.write("docs/notes.md", &format!("x {CANARY}\n"));
    let run = repo.fails(&["secrets", "scan"]);
    assert!(
        run.stderr.contains("secrets/known-value") && run.stderr.contains("homepage_token"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains(CANARY));
    std::fs::remove_file(repo.path("docs/notes.md")).expect("removed");

    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    let text = repo.read("cluster.yaml");
    assert!(
        !text.contains(CANARY) && text.contains("node_cidr: 10.10.10.0/24"),
        "{text}"
    );
    repo.ok(&["secrets", "status", "cluster.yaml"]);
    repo.ok(&["configure", "--check"]);
    // The values are looked for all the same.
    repo.write("docs/notes.md", &format!("x {CANARY}\n"));
    repo.fails(&["secrets", "scan"]);
}

#[test]
fn a_key_that_became_secret_later_is_found_and_brought_up_to_date() {
    let repo = repo();
    let app = repo.read("templates/apps/default/homepage/app.yaml");
    std::fs::remove_dir_all(repo.path("templates")).expect("removed");
    repo.write("cluster.yaml", MINIMAL);
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    repo.write("templates/apps/default/homepage/app.yaml", &app);
    let sealed = repo.read("cluster.yaml");
    repo.write("cluster.yaml", &format!("homepage_token: {CANARY}\n{sealed}"));
    repo.write(".gitignore", GITIGNORE.trim_start_matches("/cluster.yaml\n"));
    let run = repo.fails(&["secrets", "status", "cluster.yaml"]);
    assert!(run.stderr.contains("homepage_token"), "{}", run.stderr);
    let run = repo.run(&["configure", "--dry-run"]);
    assert!(run.stderr.contains("git/not-ignored"), "{}", run.stderr);
    assert!(
        repo.run(&["doctor"])
            .stdout
            .contains("`cluster.yaml` holds secrets in clear")
    );
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    assert!(!repo.read("cluster.yaml").contains(CANARY));
    repo.ok(&["secrets", "status", "cluster.yaml"]);
    let run = repo.ok(&["configure", "--dry-run"]);
    assert!(!run.stderr.contains("git/not-ignored"), "{}", run.stderr);
    // Nor does an edit of one value leave a secret in clear.
    repo.write("cluster.yaml", &sealed);
    let run = repo.fails(&["secrets", "set", "cluster.yaml", "homepage_token", CANARY]);
    assert!(run.stderr.contains("secrets/plain-value"), "{}", run.stderr);
    assert_eq!(repo.read("cluster.yaml"), sealed);
    // Nor any other command that writes the file.
    #[cfg(unix)]
    {
        let script = format!("echo 'homepage_token: {CANARY}' >> \"$1\"");
        let run = super::secrets_edit::edit(&repo, &script, &["cluster.yaml"]);
        assert!(
            run.code == 1 && run.stderr.contains("secrets/plain-value") && !run.stderr.contains(CANARY),
            "{}",
            run.stderr
        );
        assert_eq!(repo.read("cluster.yaml"), sealed);
    }
    let in_clear = format!("homepage_token: {CANARY}\n{sealed}");
    repo.write("cluster.yaml", &in_clear);
    repo.write("theirs.yaml", &in_clear);
    repo.write("ours.yaml", &sealed);
    let driver = [
        "secrets",
        "merge",
        "ours.yaml",
        "ours.yaml",
        "theirs.yaml",
        "cluster.yaml",
    ];
    for command in [&["secrets", "rotate", "-i", "cluster.yaml"][..], &driver] {
        let run = repo.fails(command);
        assert!(
            run.stderr.contains("secrets/plain-value") && run.stderr.contains("homepage_token"),
            "{command:?}: {}",
            run.stderr
        );
        assert!(!run.stderr.contains(CANARY), "{}", run.stderr);
    }
    assert_eq!(repo.read("cluster.yaml"), in_clear);
    assert_eq!(repo.read("ours.yaml"), sealed);
}

#[test]
fn unknown_keys_are_refused_as_validate_refuses_them() {
    let repo = repo();
    for (from, to, word) in [
        (
            "cloudflare_token:",
            "cloudflare_tokn:",
            "did you mean `cloudflare_token`?",
        ),
        (
            "homepage_token:",
            "homepage_tokn:",
            "did you mean `homepage_token`?",
        ),
        (
            "node_cidr:",
            "bogus: canary-value-77\nnode_cidr:",
            "not a key of the configuration",
        ),
    ] {
        let good = repo.read("cluster.yaml");
        repo.edit("cluster.yaml", from, to);
        let wrong = repo.read("cluster.yaml");
        for command in [
            &["secrets", "encrypt", "-i", "cluster.yaml"][..],
            &["secrets", "status", "cluster.yaml"],
        ] {
            let run = repo.fails(command);
            assert!(
                run.stderr.contains("config/unknown-key") && run.stderr.contains(word),
                "{command:?}: {}",
                run.stderr
            );
            for value in [CANARY, "test-cloudflare-token", "canary-value-77"] {
                assert!(!run.stderr.contains(value) && !run.stdout.contains(value));
            }
        }
        assert_eq!(repo.read("cluster.yaml"), wrong, "nothing was written");
        repo.write("cluster.yaml", &good);
    }
    // With a template that nobody can read, nobody knows what is secret.
    repo.write("templates/apps/default/homepage/app.yaml", "summary: [\n");
    let before = repo.read("cluster.yaml");
    let run = repo.fails(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    assert!(run.stderr.contains("secrets/keys-unknown"), "{}", run.stderr);
    assert_eq!(repo.read("cluster.yaml"), before);
}

#[test]
fn secrets_in_nodes_yaml_count_as_those_in_cluster_yaml() {
    let token = "cloudflare_token: test-cloudflare-token\n";
    assert!(MINIMAL.contains(token));
    let repo = Repo::with(&MINIMAL.replace(token, ""));
    repo.write("nodes.yaml", token);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("git/not-ignored") && run.stderr.contains("nodes.yaml"),
        "{}",
        run.stderr
    );
    repo.write("docs/notes.md", "x test-cloudflare-token\n");
    let run = repo.fails(&["secrets", "scan", "docs"]);
    assert!(run.stderr.contains("secrets/known-value"), "{}", run.stderr);
    repo.ok(&["secrets", "encrypt", "-i", "nodes.yaml"]);
    assert!(!repo.read("nodes.yaml").contains("test-cloudflare-token"));
    let run = repo.ok(&["configure", "--check"]);
    assert!(!run.stderr.contains("git/not-ignored"), "{}", run.stderr);
}

#[test]
fn in_raw_mode_own_keys_are_the_templates_own_and_slips_are_refused() {
    let repo = Repo::empty();
    repo.write("age.key", AGE_KEY);
    repo.write(
        "makejinja.toml",
        "[makejinja]\ninputs = [\"./templates/config\"]\noutput = \"./\"\n",
    );
    repo.write(
        "cluster.yaml",
        "cloudflare_token: test-cloudflare-token\nmy_own_key: 1\n",
    );
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    repo.write(
        "cluster.yaml",
        "cloudflare_tokn: test-cloudflare-token\ncluster_name: a\n",
    );
    let run = repo.fails(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    assert!(run.stderr.contains("config/unknown-key"), "{}", run.stderr);
}
