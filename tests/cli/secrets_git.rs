//! `secrets diff`, `textconv`, `merge` and `install-git`, with the real git where there is one.

use super::secrets_files::{CANARY, SECRET, encrypted};
use crate::support::{RECIPIENT, Repo};

const FILE: &str = "apps/x.sops.yaml";

/// An encrypted file, committed.
fn committed() -> Repo {
    let repo = encrypted();
    repo.git(&["init", "-q", "-b", "main"]);
    repo.write(".gitignore", "/age.key\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "one"]);
    repo
}

#[test]
fn diff_names_keys_and_shows_values_only_when_asked() {
    let repo = committed();
    assert!(
        repo.ok(&["secrets", "diff", FILE])
            .stdout
            .contains("no differences")
    );
    repo.ok(&["secrets", "set", FILE, "stringData.password", "canary-another"]);
    repo.ok(&["secrets", "unset", FILE, "stringData.user"]);
    let run = repo.run(&["secrets", "diff", "--exit-code", FILE]);
    assert_eq!(run.code, 2);
    assert_eq!(
        run.stdout,
        "~ stringData.password changed\n~ stringData.user removed\n"
    );
    let shown = repo.ok(&["secrets", "diff", "--reveal", FILE]).stdout;
    assert!(
        shown.contains(&format!("-  password: {CANARY}")) && shown.contains("+  password: canary-another"),
        "{shown}"
    );

    // Without the key the ciphertext tells the same.
    repo.git(&["stash", "-q"]);
    repo.write("old.yaml", &repo.read(FILE));
    repo.git(&["stash", "pop", "-q"]);
    let key = repo.read("age.key");
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let out = repo.ok(&["secrets", "diff", "old.yaml", FILE]).stdout;
    assert_eq!(out, "~ stringData.password changed\n~ stringData.user removed\n");
    repo.fails(&["secrets", "diff", "--reveal", FILE]);
    repo.fails(&["secrets", "diff", "--rev", "no-such-revision", FILE]);
    repo.write("age.key", &key);

    // A rotation changes every ciphertext and no value.
    repo.ok(&["secrets", "rotate", "-i", FILE]);
    repo.write("b.yaml", &repo.read(FILE));
    repo.ok(&["secrets", "rotate", "-i", FILE]);
    let out = repo.ok(&["secrets", "diff", "b.yaml", FILE]).stdout;
    assert_eq!(out, "~ data key or encryption settings changed\n");
}

#[test]
fn textconv_is_stable_and_hides_values() {
    let repo = encrypted();
    let out = repo.ok(&["secrets", "textconv", FILE]).stdout;
    assert!(
        out.contains("metadata.name: \"x\"\n") && out.contains("stringData.password: <encrypted str "),
        "{out}"
    );
    assert!(
        !out.contains(CANARY) && !out.contains("lastmodified") && !out.contains("mac:"),
        "{out}"
    );
    repo.ok(&["secrets", "set", FILE, "stringData.user", "root"]);
    let new = repo.ok(&["secrets", "textconv", FILE]).stdout;
    let changed = out
        .lines()
        .zip(new.lines())
        .filter(|(old, new)| old != new)
        .count();
    assert_eq!(changed, 1, "{out}\n{new}");
    assert_eq!(
        repo.ok(&["secrets", "textconv", "--reveal", FILE]).stdout,
        SECRET.replace("admin", "root")
    );
    for text in [
        SECRET,
        "- canary-8f3a1c-in-clear\n",
        "canary-8f3a1c-in-clear",
        "a: [",
        "",
    ] {
        repo.write("plain.yaml", text);
        assert!(
            !repo
                .ok(&["secrets", "textconv", "plain.yaml"])
                .stdout
                .contains(CANARY),
            "{text}"
        );
    }
    let sealed = repo.read(FILE);
    let line = sealed
        .lines()
        .find(|line| line.starts_with("  user: "))
        .expect("a line");
    repo.write(FILE, &sealed.replace(line, "  user: canary-8f3a1c-in-clear"));
    let out = repo.ok(&["secrets", "textconv", FILE]).stdout;
    assert!(
        out.contains("stringData.user: <not encrypted>") && !out.contains(CANARY),
        "{out}"
    );
}

#[test]
fn git_merges_by_value_once_it_is_told_to() {
    let repo = committed();
    let before = repo.files();
    let shown = repo.ok(&["secrets", "install-git", "--dry-run"]).stdout;
    assert!(
        shown.contains("merge=clusterwright") && shown.contains("textconv"),
        "{shown}"
    );
    assert_eq!(repo.files(), before);
    repo.ok(&["secrets", "install-git"]);
    assert!(repo.ok(&["secrets", "install-git"]).stdout.contains("already"));
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "attributes"]);
    // The driver as git starts it, by the path of the binary under test.
    let binary = env!("CARGO_BIN_EXE_clusterwright");
    for (key, command) in [
        ("merge.clusterwright.driver", "secrets merge -- %O %A %B %P"),
        ("diff.clusterwright.textconv", "secrets textconv --"),
    ] {
        let configured = repo.git(&["config", key]);
        assert_eq!(configured.trim(), format!("clusterwright {command}"));
        repo.git(&["config", key, &format!("'{binary}' {command}")]);
    }

    repo.git(&["checkout", "-qb", "other"]);
    repo.ok(&["secrets", "set", FILE, "stringData.user", "root"]);
    repo.ok(&["secrets", "set", FILE, "stringData.token", "canary-token"]);
    repo.git(&["commit", "-qam", "theirs"]);
    repo.git(&["checkout", "-q", "main"]);
    repo.ok(&["secrets", "set", FILE, "stringData.password", "canary-ours"]);
    repo.git(&["commit", "-qam", "ours"]);
    let diff = repo.git(&["diff", "HEAD~1", "HEAD"]);
    assert!(
        diff.contains("-stringData.password: <encrypted") && !diff.contains("canary"),
        "{diff}"
    );
    repo.git(&["merge", "-q", "--no-edit", "other"]);
    let expected = SECRET.replace(CANARY, "canary-ours").replace("admin", "root") + "  token: canary-token\n";
    assert_eq!(repo.ok(&["secrets", "decrypt", FILE]).stdout, expected);
    assert!(!repo.read(FILE).contains("canary"));
}

#[test]
fn a_conflict_is_named_by_key_and_leaks_nothing() {
    let repo = encrypted();
    repo.write("base", &repo.read(FILE));
    repo.ok(&["secrets", "set", FILE, "stringData.password", "canary-ours"]);
    repo.write("ours", &repo.read(FILE));
    repo.write(FILE, &repo.read("base"));
    repo.ok(&["secrets", "set", FILE, "stringData.password", "canary-theirs"]);
    repo.write("theirs", &repo.read(FILE));
    let run = repo.fails(&["secrets", "merge", "base", "ours", "theirs", FILE]);
    assert!(
        run.stderr.contains("`stringData.password`") && run.stderr.contains("secrets/conflict"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("canary") && !run.stdout.contains("canary"));
    assert!(
        repo.ok(&["secrets", "decrypt", "ours"])
            .stdout
            .contains("canary-ours")
    );
    for (name, bytes) in repo.files() {
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "{name}");
    }

    // Without the key nothing can be merged: the file stays ours, encrypted.
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let ours = repo.read("ours");
    repo.fails(&["secrets", "merge", "base", "ours", "theirs", FILE]);
    assert_eq!(repo.read("ours"), ours);
}

#[test]
fn names_that_begin_with_a_dash_are_files_to_git_and_to_every_command() {
    let repo = committed();
    let binary = env!("CARGO_BIN_EXE_clusterwright");
    repo.ok(&["secrets", "install-git"]);
    for end_of_options in ["-- ", ""] {
        // Without it, as an earlier release wrote the lines.
        let driver = format!("'{binary}' secrets merge {end_of_options}%O %A %B %P");
        let textconv = format!("'{binary}' secrets textconv {end_of_options}");
        repo.git(&["config", "merge.clusterwright.driver", &driver]);
        repo.git(&["config", "diff.clusterwright.textconv", textconv.trim()]);
        for name in ["-h.sops.yaml", "-V.sops.yaml", "--help.sops.yaml"] {
            repo.write(name, SECRET);
            repo.ok(&["secrets", "encrypt", "-i", "--", name]);
            repo.ok(&["secrets", "status", "--", name]);
            repo.git(&["add", "-A"]);
            repo.git(&["commit", "-qm", "base"]);
            repo.git(&["checkout", "-qB", "other"]);
            repo.ok(&["secrets", "set", "--", name, "stringData.user", "theirs"]);
            repo.git(&["commit", "-qam", "theirs"]);
            repo.git(&["checkout", "-q", "main"]);
            repo.ok(&["secrets", "set", "--", name, "stringData.password", "ours"]);
            let diff = repo.git(&["diff", "--", name]);
            assert!(
                diff.contains("-stringData.password: <encrypted"),
                "{name}: {diff}"
            );
            repo.git(&["commit", "-qam", "ours"]);
            repo.git(&["merge", "-q", "--no-edit", "other"]);
            let clear = repo.ok(&["secrets", "decrypt", "--", name]).stdout;
            assert!(
                clear.contains("user: theirs") && clear.contains("password: ours"),
                "{name}: {clear}"
            );
            repo.git(&["rm", "-q", "--", name]);
            repo.git(&["commit", "-qm", "away"]);
        }
    }
}

#[test]
fn a_recipient_that_only_theirs_names_is_left_out_unless_our_rule_knows_him() {
    let repo = committed();
    let base = repo.read(FILE);
    repo.write("base", &base);
    repo.ok(&["secrets", "set", FILE, "stringData.password", "canary-ours"]);
    let ours = repo.read(FILE);
    repo.write("ours", &ours);
    let (_, stranger) = sops::generate_identity();
    repo.write(FILE, &base);
    let told = repo
        .ok(&["secrets", "rotate", "-i", "--add-age", &stranger, FILE])
        .stderr;
    assert!(told.contains("secrets/other-recipients"), "{told}");
    repo.ok(&["secrets", "set", FILE, "stringData.user", "root"]);
    repo.write("theirs", &repo.read(FILE));
    let merge = ["secrets", "merge", "base", "ours", "theirs", FILE];

    // Git takes the 1 for a conflict.
    let run = repo.fails(&merge);
    assert!(
        run.stderr.contains("error[secrets/new-recipient]"),
        "{}",
        run.stderr
    );
    assert_eq!(run.code, 1);
    let merged = repo.read("ours");
    assert!(!merged.contains(&stranger));
    let clear = repo.ok(&["secrets", "decrypt", "ours"]).stdout;
    assert!(
        clear.contains("password: canary-ours") && clear.contains("user: root"),
        "{clear}"
    );

    // Where our side has him already it only warns; he may open our version.
    let told = repo
        .ok(&["secrets", "merge", "base", "theirs", "ours", FILE])
        .stderr;
    assert!(
        repo.read("theirs").contains(&stranger) && told.contains("secrets/other-recipients"),
        "{told}"
    );

    // Our rule knows him: he comes in.
    repo.edit(".sops.yaml", RECIPIENT, &format!("{RECIPIENT},{stranger}"));
    repo.write("ours", &ours);
    let told = repo.ok(&merge).stderr;
    assert!(
        repo.read("ours").contains(&stranger) && !told.contains("recipient"),
        "{told}"
    );
}

#[test]
fn a_git_that_cannot_be_read_is_not_one_that_has_nothing() {
    let repo = committed();
    let sealed = repo.read(FILE);
    let line = |key: &str| {
        let mut lines = sealed.split_inclusive('\n');
        lines
            .find(|line| line.contains(key))
            .expect("encrypted")
            .to_owned()
    };
    let typed = sealed.replace(&line("user: ENC["), "  user: typed\n");
    // A value in clear, and another one gone.
    repo.write(FILE, &typed.replace(&line("password: ENC["), ""));
    let run = repo.fails(&["secrets", "encrypt", "-i", FILE]);
    assert!(
        run.stderr.contains("nor with what git has in its place"),
        "{}",
        run.stderr
    );

    repo.write(FILE, &typed);
    repo.write(".git/index", "DIRCgarbage");
    std::fs::rename(repo.path(".git/objects"), repo.path(".git/gone")).expect("moved");
    std::fs::create_dir(repo.path(".git/objects")).expect("made");
    let run = repo.fails(&["secrets", "encrypt", "-i", FILE]);
    for part in [
        "error[secrets/plain-value]",
        "what git has in its place is not known: cannot read the git index",
        "`git reset` rebuilds the index",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("nor with what git has"), "{}", run.stderr);
}
