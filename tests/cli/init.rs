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
    assert!(
        ignore.contains("\n.clusterwright-*\n"),
        "what a kill leaves: {ignore}"
    );
}

#[test]
fn what_a_killed_run_left_of_a_key_goes_with_the_next_run_that_writes() {
    let repo = Repo::with(MINIMAL);
    let left = ".clusterwright-0123456789abcdef";
    repo.write(left, "AGE-SECRET-KEY-1");
    repo.ok(&["configure", "--dry-run"]);
    assert!(repo.path(left).exists(), "a look changes nothing");
    repo.ok(&["configure", "--yes"]);
    assert!(!repo.path(left).exists());
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
    // Nobody is sent there and back.
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("side/missing")
            && !run.stderr.contains("run `clusterwright init`, which creates"),
        "{}",
        run.stderr
    );
    // What needs no key is made all the same.
    let schema = ".clusterwright/cluster.schema.json";
    for name in [schema, "github-push-token.txt", "github-deploy.key"] {
        std::fs::remove_file(repo.path(name)).expect("removed");
    }
    let run = repo.fails(&["init", "--yes"]);
    assert!(run.stderr.contains("init/key-elsewhere"), "{}", run.stderr);
    assert!(repo.path(schema).exists());
    for name in ["age.key", "github-push-token.txt", "github-deploy.key"] {
        assert!(!repo.path(name).exists(), "{name}");
    }
}

#[test]
fn an_encrypted_configuration_is_not_put_back_into_the_ignore_file() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    repo.write(".gitignore", "");
    repo.ok(&["init", "--yes"]);
    let ignore = repo.read(".gitignore");
    assert!(
        !ignore.contains("cluster.yaml") && ignore.contains("/age.key"),
        "{ignore}"
    );
    repo.write("cluster.yaml", MINIMAL);
    repo.ok(&["init", "--yes"]);
    assert!(repo.read(".gitignore").contains("/cluster.yaml"));
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
        3,
        "once in each rule"
    );
}

#[test]
fn an_empty_key_is_none() {
    let repo = Repo::empty();
    repo.ok(&["init", "--yes"]);
    for name in [
        "age.key",
        "github-push-token.txt",
        "github-deploy.key",
        "github-deploy.key.pub",
        "cluster.yaml",
    ] {
        let whole = repo.read(name);
        repo.write(name, "");
        let before = repo.files();
        let run = repo.fails(&["init", "--yes"]);
        assert!(
            run.stderr.contains("side/empty") && run.stderr.contains(&format!("rm {name}")),
            "{name}: {}",
            run.stderr
        );
        assert_eq!(repo.files(), before, "{name}");
        repo.write(name, &whole);
    }
}

/// Runs in a shell that lets no file grow: with the signal ignored, as on a full disk; otherwise killed in the middle of
/// the first write.
#[cfg(unix)]
fn without_room(repo: &Repo, args: &str, is_killed: bool) -> std::process::Output {
    let signal = if is_killed { "" } else { "trap '' XFSZ; " };
    let binary = env!("CARGO_BIN_EXE_clusterwright");
    let script = format!("{signal}ulimit -c 0; ulimit -f 0; exec {binary} {args}");
    std::process::Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(repo.root())
        .env_clear()
        .output()
        .expect("a shell")
}

#[cfg(unix)]
#[test]
fn without_room_on_the_disk_no_file_is_half() {
    let repo = Repo::empty();
    repo.ok(&["init", "--yes"]);
    repo.ok(&["new-app", "media/one"]);
    repo.write(
        "own/.sops.yaml",
        &format!("creation_rules:\n  - age: {RECIPIENT}\n"),
    );
    repo.write("own/x.sops.yaml", "a: b\n");
    let names = [
        ".gitignore",
        "cluster.yaml",
        ".clusterwright/cluster.schema.json",
        "age.key",
        "github-push-token.txt",
        "github-deploy.key",
    ];
    for is_killed in [false, true] {
        for name in names {
            let whole = repo.read(name);
            std::fs::remove_file(repo.path(name)).expect("removed");
            if name == "github-deploy.key" {
                std::fs::remove_file(repo.path("github-deploy.key.pub")).expect("removed");
            }
            let run = without_room(&repo, "init --yes", is_killed);
            assert!(!run.status.success(), "{name}");
            assert_eq!(run.status.code().is_none(), is_killed, "{name}: {run:?}");
            assert!(!repo.path(name).exists(), "{name} is left behind");
            repo.ok(&["init", "--yes"]);
            assert!(repo.read(name).len() >= whole.len().min(60), "{name} is whole");
            let left = repo
                .files()
                .into_keys()
                .find(|file| file.starts_with(".clusterwright-"));
            assert_eq!(left, None, "{name}");
        }
        for (args, name) in [
            ("new-app media/two", "templates/apps/media/two/app.yaml"),
            ("secrets encrypt -i own/x.sops.yaml", "own/x.sops.yaml"),
            ("secrets decrypt own/y.sops.yaml --to own/z.yaml", "own/z.yaml"),
            ("demo there", "there/cluster.yaml"),
        ] {
            let before = repo.path(name).exists().then(|| repo.read(name));
            let run = without_room(&repo, args, is_killed);
            assert!(!run.status.success(), "{args}");
            assert_eq!(
                repo.path(name).exists().then(|| repo.read(name)),
                before,
                "{args}"
            );
            let _ = std::fs::remove_dir_all(repo.path("there"));
            let _ = std::fs::remove_dir_all(repo.path("templates/apps/media/two"));
        }
    }
}

#[test]
fn a_directory_that_does_not_exist_is_what_is_said() {
    let repo = Repo::empty();
    for command in ["init", "validate", "doctor"] {
        let run = repo.fails(&["-C", "nodir", command]);
        assert!(
            run.stderr.contains("there is no directory `nodir`"),
            "{}",
            run.stderr
        );
    }
    assert!(!repo.path("nodir").exists());
}
