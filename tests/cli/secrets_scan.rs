//! `secrets scan`: the hook.

use super::secrets_files::{CANARY, SECRET, encrypted};
use crate::support::{AGE_KEY, DEPLOY_KEY, EVERYTHING, GITIGNORE, MINIMAL, Repo};

fn identity() -> &'static str {
    AGE_KEY
        .lines()
        .find(|line| line.starts_with("AGE-SECRET"))
        .expect("a key")
}

#[test]
fn findings_have_file_and_line_and_never_the_value() {
    use base64::Engine as _;
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["secrets", "scan"]);
    let encoded = base64::engine::general_purpose::STANDARD.encode("x test-cloudflare-token");
    for (name, text, code, line) in [
        ("kubernetes/a.yaml", SECRET, "secrets/plain-secret", 7),
        (
            "kubernetes/a.sops.yaml",
            "a: canary-8f3a1c-in-clear\n",
            "secrets/not-encrypted",
            1,
        ),
        (
            "docs/notes.md",
            &format!("# keys\n\n`{}`\n", identity()),
            "secrets/age-identity",
            3,
        ),
        ("key", DEPLOY_KEY, "secrets/private-key", 1),
        (
            "docs/a.md",
            "one\ntwo test-cloudflare-token\n",
            "secrets/known-value",
            2,
        ),
        ("docs/b.md", encoded.as_str(), "secrets/known-value", 1),
    ] {
        repo.write(name, text);
        let run = repo.fails(&["-o", "concise", "secrets", "scan"]);
        let expected = format!("{name}:{line}:");
        assert!(
            run.stderr.contains(&expected) && run.stderr.contains(code),
            "{expected} {code}: {}",
            run.stderr
        );
        let human = repo.fails(&["secrets", "scan", name]);
        assert!(!human.stderr.contains("-i FILE"), "{}", human.stderr);
        for text in [&run.stderr, &human.stderr, &human.stdout] {
            for value in [
                CANARY,
                identity(),
                "test-cloudflare-token",
                encoded.as_str(),
                "b3BlbnNzaC1rZXk",
            ] {
                assert!(!text.contains(value), "{name}: {text}");
            }
        }
        std::fs::remove_file(repo.path(name)).expect("removed");
    }
    repo.ok(&["secrets", "scan"]);
}

#[test]
fn staged_looks_at_the_index_and_not_at_the_work_tree() {
    let repo = encrypted();
    repo.git(&["init", "-q"]);
    repo.write(".gitignore", "/age.key\n");
    repo.git(&["add", "-A"]);
    repo.ok(&["secrets", "scan", "--staged"]);
    repo.git(&["commit", "-qm", "one"]);

    let sealed = repo.read("apps/x.sops.yaml");
    repo.write("apps/x.sops.yaml", SECRET);
    repo.ok(&["secrets", "scan", "--staged"]);
    repo.fails(&["secrets", "scan"]);
    repo.git(&["add", "-A"]);
    repo.write("apps/x.sops.yaml", &sealed);
    repo.ok(&["secrets", "scan"]);
    let run = repo.fails(&["secrets", "scan", "--staged"]);
    assert!(
        run.stderr.contains("apps/x.sops.yaml") && !run.stderr.contains(CANARY),
        "{}",
        run.stderr
    );
    std::fs::create_dir(repo.path("other")).expect("works");
    repo.ok(&["secrets", "scan", "--staged", "other"]);
    let root = repo.root().display().to_string();
    let absolute = format!("{root}/apps");
    for path in ["apps", "./apps/", "apps/../apps", absolute.as_str()] {
        let run = repo.fails(&["secrets", "scan", "--staged", path]);
        assert!(run.stderr.contains("secrets/"), "{path}: {}", run.stderr);
    }
    let run = repo.fails(&["secrets", "scan", "--staged", "nowhere"]);
    assert!(run.stderr.contains("io/not-found"), "{}", run.stderr);

    // What is committed already is not the business of the next commit.
    repo.git(&["commit", "-qm", "two"]);
    repo.ok(&["secrets", "scan", "--staged"]);
}

#[test]
fn a_plain_cluster_yaml_in_the_index_is_found() {
    let repo = Repo::with(MINIMAL);
    repo.git(&["init", "-q"]);
    repo.git(&["add", "cluster.yaml", "age.key"]);
    let run = repo.fails(&["secrets", "scan", "--staged"]);
    assert!(
        run.stderr.contains("secrets/known-value") && run.stderr.contains("secrets/age-identity"),
        "{}",
        run.stderr
    );
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    repo.git(&["rm", "-q", "--cached", "age.key"]);
    repo.git(&["add", "cluster.yaml"]);
    repo.ok(&["secrets", "scan", "--staged"]);
}

#[test]
fn a_whole_tree_of_ours_is_clean_and_without_git_the_private_files_are_left_out() {
    let repo = Repo::with(EVERYTHING);
    repo.ok(&["configure", "--yes"]);
    let run = repo.ok(&["secrets", "scan"]);
    assert!(run.stderr.contains("no secrets in clear text"), "{}", run.stderr);
    repo.ok(&["secrets", "status"]);
    repo.fails(&["secrets", "scan", "cluster.yaml"]);
    let run = repo.fails(&["secrets", "scan", "--staged"]);
    assert!(run.stderr.contains("git/none"), "{}", run.stderr);
}

#[test]
fn the_template_that_the_manual_tells_to_write_is_clean() {
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    let file = "templates/apps/default/homepage/app/secret.sops.yaml.tera";
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: h\nstringData:\n  token: \"#{ cloudflare_token }#\"\n";
    repo.write(file, text);
    // With the delimiters of makejinja's configuration as well.
    repo.write(
        "makejinja.toml",
        "[makejinja.delimiter]\nvariable_start = \"<<\"\nvariable_end = \">>\"\n",
    );
    repo.write(
        "templates/own.sops.yaml.j2",
        "kind: Secret\nstringData:\n  token: << cloudflare_token >>\n",
    );
    repo.git(&["add", "-A"]);
    repo.ok(&["secrets", "scan", "--staged"]);
    repo.ok(&["secrets", "scan"]);
    repo.ok(&["secrets", "status"]);
    repo.write(file, &format!("{text}  other: {CANARY}\n"));
    repo.git(&["add", "-A"]);
    let run = repo.fails(&["secrets", "scan", "--staged"]);
    assert!(
        run.stderr.contains("secrets/plain-secret") && !run.stderr.contains(CANARY),
        "{}",
        run.stderr
    );
}

#[test]
fn large_files_are_not_read_and_their_number_is_told() {
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    // Nothing but a hole: a terabyte that nobody could read.
    let file = std::fs::File::create(repo.path("disk.img")).expect("created");
    if file.set_len(1 << 40).is_err() {
        return;
    }
    let run = repo.ok(&["secrets", "scan"]);
    assert!(
        run.stderr
            .contains("1 file of more than 5 MiB was not looked through: `disk.img`"),
        "{}",
        run.stderr
    );
    std::fs::remove_file(repo.path("disk.img")).expect("removed");
    let large = format!("token: test-cloudflare-token\n{}", "x".repeat(6 << 20));
    repo.write("large.txt", &large);
    repo.git(&["add", "large.txt"]);
    let run = repo.ok(&["secrets", "scan", "--staged"]);
    assert!(
        run.stderr.contains("not looked through: `large.txt`"),
        "{}",
        run.stderr
    );
    let json = repo.ok(&["-o", "json", "secrets", "scan", "--staged"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["too_large"], serde_json::json!(["large.txt"]));
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_that_cannot_be_said_is_told_and_not_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    let odd = |name: &[u8]| repo.root().join(std::ffi::OsStr::from_bytes(name));
    repo.write("a\\b.yaml", SECRET);
    std::fs::write(odd(b"c\xff.yaml"), SECRET).expect("written");
    std::fs::create_dir(odd(b"d\xff")).expect("made");
    std::fs::write(odd(b"d\xff/e.yaml"), SECRET).expect("written");
    repo.git(&["add", "-A"]);
    let told = |run: &crate::support::Run| {
        assert!(!run.stderr.contains(CANARY), "{}", run.stderr);
        run.stderr.matches("secrets/odd-name").count()
    };
    assert_eq!(told(&repo.fails(&["secrets", "scan", "--staged"])), 3);
    // In the work tree as well, where a directory stands for what is in it; tracked files are told one by one.
    let run = repo.fails(&["-o", "concise", "secrets", "scan"]);
    for name in ["a\\\\b.yaml", "c\\xff.yaml", "d\\xff"] {
        assert!(
            run.stderr.contains(&format!("`{name}`")),
            "{name}: {}",
            run.stderr
        );
    }
    assert_eq!(told(&run), 4);
    repo.git(&["rm", "-rq", "--cached", "."]);
    assert_eq!(told(&repo.fails(&["secrets", "scan"])), 3);
    // What git ignores is nobody's business.
    repo.write(".gitignore", &format!("{GITIGNORE}a*b.yaml\nc*.yaml\nd*/\n"));
    assert_eq!(told(&repo.ok(&["secrets", "scan"])), 0);
    std::fs::remove_dir_all(repo.path(".git")).expect("removed");
    let run = repo.fails(&["secrets", "scan"]);
    assert!(
        told(&run) == 2 && run.stderr.contains("secrets/plain-secret"),
        "{}",
        run.stderr
    );
}

#[test]
fn values_that_cannot_be_looked_for_are_told() {
    type Damage = fn(&Repo);
    let cases: [(&str, Damage); 6] = [
        ("cluster.yaml", |repo| {
            std::fs::write(repo.path("cluster.yaml"), b"cloudflare_token: \xff\n").expect("written");
        }),
        ("cluster.yaml", |repo| repo.write("cluster.yaml", "a: [\n")),
        ("cluster.yaml", |repo| {
            repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
            std::fs::remove_file(repo.path("age.key")).expect("removed");
        }),
        ("cloudflare-tunnel.json", |repo| {
            repo.write("cloudflare-tunnel.json", "{}");
        }),
        ("github-push-token.txt", |repo| {
            repo.write("github-push-token.txt", &"x".repeat(2 << 20));
        }),
        ("age.key", |repo| repo.write("age.key", "AGE-SECRET-KEY-1SLIP\n")),
    ];
    for (name, damage) in cases {
        let repo = Repo::with(MINIMAL);
        repo.write("docs/a.md", "nothing\n");
        let run = repo.ok(&["secrets", "scan", "docs"]);
        assert!(!run.stderr.contains("secrets/values-unknown"), "{}", run.stderr);
        damage(&repo);
        let run = repo.ok(&["-o", "concise", "secrets", "scan", "docs"]);
        assert!(
            run.stderr.contains("secrets/values-unknown") && run.stderr.contains(name),
            "{name}: {}",
            run.stderr
        );
    }
}

#[test]
#[cfg(unix)]
fn delimiters_are_not_read_through_a_link() {
    let repo = Repo::empty();
    let outside = Repo::empty();
    outside.write("canary", "[makejinja.delimiter]\nvariable_start = \"canary\"\n");
    repo.write(".gitignore", "/makejinja.toml\n");
    repo.git(&["init", "-q"]);
    std::os::unix::fs::symlink(outside.path("canary"), repo.path("makejinja.toml")).expect("linked");
    let run = repo.fails(&["secrets", "scan"]);
    assert!(run.stderr.contains("path/link"), "{}", run.stderr);
}

/// `git commit -a` and `git commit PATH` show their hooks another index than the repository's.
#[cfg(unix)]
#[test]
fn a_hook_looks_at_what_is_committed() {
    use std::os::unix::fs::PermissionsExt as _;
    let repo = Repo::empty();
    repo.git(&["init", "-q"]);
    repo.write("a.yaml", "a: 1\n");
    repo.git(&["add", "a.yaml"]);
    repo.git(&["commit", "-qm", "one"]);
    let binary = env!("CARGO_BIN_EXE_clusterwright");
    repo.write(
        ".git/hooks/pre-commit",
        &format!("#!/bin/sh\nexec '{binary}' secrets scan --staged\n"),
    );
    let hook = repo.path(".git/hooks/pre-commit");
    std::fs::set_permissions(hook, std::fs::Permissions::from_mode(0o755)).expect("works");
    repo.write(
        "a.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  p: hunter2hunter2\n",
    );
    for arguments in [&["-qam", "two"][..], &["-qm", "two", "a.yaml"]] {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "commit"]);
        let run = git
            .args(arguments)
            .current_dir(repo.root())
            .output()
            .expect("git");
        assert!(!run.status.success(), "{arguments:?}: {run:?}");
        assert_eq!(repo.git(&["show", "HEAD:a.yaml"]), "a: 1\n");
    }
}

#[test]
fn a_key_is_found_in_a_file_that_is_not_utf_8() {
    let repo = Repo::empty();
    let private = AGE_KEY.lines().last().expect("the key");
    // Right before it, so that a place in the text and one in the bytes differ.
    let key = [b"gr\xfc\xdfe ".as_slice(), private.as_bytes(), b"\n"].concat();
    std::fs::write(repo.path("notes.txt"), key).expect("works");
    let run = repo.fails(&["secrets", "scan", "notes.txt"]);
    assert!(run.stderr.contains("age"), "{}", run.stderr);
    assert!(!run.stderr.contains("AGE-SECRET-KEY-1"), "{}", run.stderr);
}

#[test]
fn nothing_that_git_would_commit_hides_a_secret() {
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    // No repository, whatever its name says.
    std::fs::create_dir_all(repo.path("sub/.git")).expect("made");
    repo.write("sub/x.yaml", SECRET);
    let run = repo.fails(&["secrets", "scan"]);
    assert!(
        run.stderr.contains("secrets/plain-secret") && run.stderr.contains("sub/x.yaml"),
        "{}",
        run.stderr
    );
    std::fs::remove_dir_all(repo.path("sub")).expect("removed");
    assert!(
        repo.ok(&["secrets", "scan"])
            .stderr
            .contains("no secrets in clear text")
    );

    // Deeper than anybody looks: told by all who look at the whole tree.
    let deep = vec!["d"; 70].join("/");
    repo.write(&format!("{deep}/x.yaml"), SECRET);
    let run = repo.fails(&["secrets", "scan"]);
    assert!(run.stderr.contains("error[path/too-deep]"), "{}", run.stderr);
    let run = repo.ok(&["secrets", "status"]);
    assert!(run.stderr.contains("warning[path/too-deep]"), "{}", run.stderr);
}
