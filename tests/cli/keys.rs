//! Keys of every kind, from every place.

use crate::support::{AGE_KEY, GITIGNORE, MINIMAL, RECIPIENT, Repo};

#[test]
fn a_repository_with_a_post_quantum_key_is_sealed_and_opened() {
    let repo = Repo::with(MINIMAL);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let run = repo.ok(&["init", "--yes", "--pq"]);
    assert!(
        run.stderr.contains("init/post-quantum-flux") && run.stderr.contains("2.9"),
        "it says so before: {}",
        run.stderr
    );
    let key = repo.read("age.key");
    assert!(key.contains("AGE-SECRET-KEY-PQ-1") && key.contains("# public key: age1pq1"));
    // The Flux that is rendered could open nothing.
    let run = repo.fails(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("config/post-quantum-flux") && run.stderr.contains("2.9"),
        "{}",
        run.stderr
    );
    assert!(!repo.path("kubernetes").exists());
    let newer = "apps: {flux-instance: {values: {instance: {distribution: {version: 2.9.0}}}}}\n";
    repo.write("cluster.yaml", &format!("{newer}{MINIMAL}"));
    repo.ok(&["configure", "--yes"]);
    let rules = repo.read(".sops.yaml");
    assert!(rules.contains("age1pq1") && !rules.contains(RECIPIENT));
    let sealed = "bootstrap/sops-age.sops.yaml";
    assert!(repo.read(sealed).contains("recipient: age1pq1"));
    let opened = repo.ok(&["secrets", "decrypt", sealed]);
    assert!(opened.stdout.contains("AGE-SECRET-KEY-PQ-1"));
    let before = repo.files();
    repo.ok(&["configure", "--yes", "--check"]);
    assert_eq!(repo.files(), before, "the second run writes nothing");
}

#[test]
fn what_counts_is_the_flux_of_the_tree_and_the_own_key() {
    let (_, pq) = sops::generate_post_quantum_identity();
    // Flux opens files by its own key: a person may have one of another kind beside it.
    let repo = Repo::with(&format!("age_recipients: [{RECIPIENT}, {pq}]\n{MINIMAL}"));
    repo.ok(&["configure", "--yes"]);
    // A newer Flux that stands in the tree is kept, and counts.
    let flux = "kubernetes/apps/flux-system/flux-instance/app/helmrelease.yaml";
    repo.edit(flux, "version: \"2.7.5\"", "version: \"2.9.1\"");
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    for file in [".sops.yaml", "bootstrap/sops-age.sops.yaml"] {
        std::fs::remove_file(repo.path(file)).expect("removed");
    }
    repo.write("cluster.yaml", MINIMAL);
    repo.ok(&["init", "--yes", "--pq"]);
    let run = repo.run(&["validate"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = repo.run(&["render", "--list"]);
    assert!(!run.stderr.contains("config/post-quantum-flux"), "{}", run.stderr);
    repo.edit(flux, "version: \"2.9.1\"", "version: \"2.8.2\"");
    let run = repo.fails(&["render", "--list"]);
    assert!(
        run.stderr.contains("config/post-quantum-flux") && run.stderr.contains("Flux 2.8.2"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_key_in_the_persons_home_opens_and_is_never_sealed_for_the_cluster() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let home = Repo::empty();
    home.write(".config/sops/age/keys.txt", AGE_KEY);
    home.write("xdg/sops/age/keys.txt", AGE_KEY);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let (at_home, xdg) = (
        home.root().display().to_string(),
        home.path("xdg").display().to_string(),
    );
    let sealed = ["secrets", "decrypt", "bootstrap/sops-age.sops.yaml"];
    for env in [[("HOME", at_home.as_str())], [("XDG_CONFIG_HOME", xdg.as_str())]] {
        let run = repo.run_with(&sealed, &env);
        if cfg!(target_os = "macos") && env[0].0 == "HOME" {
            continue;
        }
        assert_eq!(run.code, 0, "{}", run.stderr);
        // Without age.key there is no key for the cluster: that of the home is not taken for it.
        let run = repo.run_with(&["validate"], &env);
        assert!(
            run.code == 1 && run.stderr.contains("`age.key` is missing"),
            "{}",
            run.stderr
        );
    }
}

/// A key of `age`'s, behind the passphrase `correct horse`.
const LOCKED: &str = include_str!("../../crates/sops/tests/fixtures/locked-key.age");

#[test]
fn when_no_key_fits_every_place_is_listed() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let other = Repo::empty();
    other.ok(&["init", "--yes"]);
    std::fs::copy(other.path("age.key"), repo.path("age.key")).expect("copied");
    other.write("sops/age/keys.txt", LOCKED);
    let home = other.root().display().to_string();
    let sealed = ["secrets", "decrypt", "bootstrap/sops-age.sops.yaml"];
    let run = repo.run_with(
        &sealed,
        &[
            ("XDG_CONFIG_HOME", home.as_str()),
            ("SOPS_AGE_KEY", AGE_KEY.trim()),
        ],
    );
    assert_eq!(run.code, 0, "the variable still opens it: {}", run.stderr);
    let run = repo.run_with(&sealed, &[("XDG_CONFIG_HOME", home.as_str())]);
    assert_eq!(run.code, 1);
    for part in [
        "none of the identities opens the file",
        "`age.key` holds the key of age1",
        "keys.txt` is protected by a passphrase, and there is no terminal to ask for it",
    ] {
        assert!(run.stderr.contains(part), "{part}\n{}", run.stderr);
    }
    assert!(!run.stderr.contains("AGE-SECRET-KEY"));
}

/// What starts over, between backticks behind a word of the help.
fn command(text: &str, behind: &str) -> String {
    let rest = text.split_once(behind).expect("the help").1;
    rest.split('`').nth(1).expect("a command").to_owned()
}

/// Does what a command of the help does.
fn carry_out(repo: &Repo, command: &str) {
    for part in command.split(" && ") {
        let mut words = part.split(' ');
        match words.next() {
            Some("rm") => words.for_each(|name| std::fs::remove_file(repo.path(name)).expect("removed")),
            Some("git") if part.contains(" commit ") => {
                let message = part.split('"').nth(1).expect("a message");
                let files = part.split_once(" -- ").expect("its files alone").1;
                let command = ["commit", "-qm", message, "--"];
                let command: Vec<&str> = command.into_iter().chain(files.split(' ')).collect();
                repo.git(&command);
            }
            Some("git") => {
                repo.git(&words.collect::<Vec<_>>());
            }
            _ => panic!("{part}"),
        }
    }
}

#[test]
fn a_key_that_opens_nothing_is_told_once_and_in_the_same_words() {
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "x"]);
    let other = Repo::empty();
    other.ok(&["init", "--yes"]);
    std::fs::copy(other.path("age.key"), repo.path("age.key")).expect("copied");
    let said = "`.sops.yaml` names other keys than the one here, which cannot open what is sealed";
    let mended = "copy the right age.key here, or have someone add yours to `age_recipients`";
    let mut help = String::new();
    for command in ["validate", "configure", "diff"] {
        let run = repo.fails(&[command]);
        assert_eq!(
            run.stderr.matches("error[").count(),
            1,
            "{command}: {}",
            run.stderr
        );
        assert!(
            run.stderr.contains(said) && run.stderr.contains(mended),
            "{command}: {}",
            run.stderr
        );
        help = run.stderr;
    }
    let doctor = repo.fails(&["doctor"]).stdout;
    assert_eq!(doctor.matches("broken").count(), 1, "{doctor}");
    assert!(doctor.contains(&format!("{said}: {mended}")), "{doctor}");

    // The key of before beside it still opens everything.
    let old = [("SOPS_AGE_KEY", AGE_KEY.trim())];
    let run = repo.run_with(&["validate"], &old);
    assert!(!run.stderr.contains("seal/other-key"), "{}", run.stderr);

    // From elsewhere, it is typed where the run was started.
    let root = repo.root().to_str().expect("UTF-8");
    let run = other.fails(&["-C", root, "validate"]);
    let elsewhere = command(&run.stderr, "start over with the key here");
    let begin = format!("git -C {root} rm -qf .sops.yaml ");
    assert!(elsewhere.starts_with(&begin), "{elsewhere}");
    assert!(
        elsewhere.contains(&format!("&& git -C {root} commit ")),
        "{elsewhere}"
    );

    // Starting over takes one command, with git and without.
    carry_out(&repo, &command(&help, "start over with the key here"));
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["secrets", "status"]);
    repo.ok(&["doctor"]);
    repo.ok(&["configure", "--check"]);
}

#[test]
fn the_help_to_start_over_names_all_that_is_sealed() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    std::fs::remove_file(repo.path(".sops.yaml")).expect("removed");
    let run = repo.fails(&["init", "--yes"]);
    assert!(run.stderr.contains("init/key-elsewhere"), "{}", run.stderr);
    carry_out(&repo, &command(&run.stderr, "start over with a new key"));
    repo.ok(&["init", "--yes"]);
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["secrets", "status"]);
    repo.ok(&["doctor"]);
}

#[test]
fn an_age_key_behind_a_passphrase_needs_a_terminal() {
    let repo = Repo::with(MINIMAL);
    repo.write("age.key", LOCKED);
    let run = repo.fails(&["validate"]);
    let why = "`age.key` is protected by a passphrase, and there is no terminal to ask for it";
    assert!(run.stderr.contains(why), "{}", run.stderr);
}

#[cfg(unix)]
#[test]
fn a_command_can_give_the_key() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    std::fs::rename(repo.path("age.key"), repo.path("elsewhere")).expect("renamed");
    let sealed = ["secrets", "decrypt", "bootstrap/sops-age.sops.yaml"];
    let path = ("PATH", "/usr/bin:/bin");
    let run = repo.run_with(&sealed, &[path, ("SOPS_AGE_KEY_CMD", "cat elsewhere")]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = repo.run_with(&sealed, &[path, ("SOPS_AGE_KEY_CMD", "false")]);
    assert!(
        run.code == 1 && run.stderr.contains("ended with exit code 1"),
        "{}",
        run.stderr
    );
}
