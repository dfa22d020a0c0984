//! `secrets set`, `unset`, `rotate` and `updatekeys`.

use super::secrets_files::{CANARY, SECRET, encrypted};
use crate::support::{RECIPIENT, Repo};

const FILE: &str = "apps/x.sops.yaml";
/// Somebody else's public half.
const OTHER: &str = "age1f65mlqqqt6nls9p57u3jf86ydnztm8d5g5893a0hy65lzjecy55s5l2dz0";

/// The lines of the file that are not in `old`.
fn new_lines(repo: &Repo, old: &str) -> Vec<String> {
    let old: Vec<&str> = old.lines().collect();
    let new = repo.read(FILE);
    new.lines()
        .filter(|line| !old.contains(line))
        .map(str::to_owned)
        .collect()
}

#[test]
fn set_changes_one_line_and_the_stamps_and_nothing_when_equal() {
    let repo = encrypted();
    let old = repo.read(FILE);
    let run = repo.ok(&[
        "secrets",
        "set",
        FILE,
        r#"["stringData"]["password"]"#,
        "canary-another",
    ]);
    assert!(!run.stdout.contains("canary-another") && !run.stderr.contains("canary-another"));
    let changed = new_lines(&repo, &old);
    assert!(
        changed.len() <= 3 && changed[0].starts_with("  password: ENC["),
        "{changed:?}"
    );
    assert_eq!(
        repo.ok(&["secrets", "decrypt", FILE]).stdout,
        SECRET.replace(CANARY, "canary-another")
    );
    let now = repo.read(FILE);
    let run = repo.ok(&["secrets", "set", FILE, "stringData.password", "canary-another"]);
    assert!(run.stderr.contains("nothing changes"), "{}", run.stderr);
    assert_eq!(repo.read(FILE), now);
}

#[test]
fn values_come_from_files_and_standard_input_without_showing_up() {
    let repo = encrypted();
    repo.write("value", "canary-from-file\n");
    repo.ok(&[
        "secrets",
        "set",
        FILE,
        "stringData.token",
        "--value-file",
        "value",
    ]);
    repo.write("lines", "canary-one\ncanary-two\n");
    repo.ok(&[
        "secrets",
        "set",
        FILE,
        "stringData.lines",
        "--value-file",
        "lines",
    ]);
    let run = repo.run_piped(
        &["secrets", "set", FILE, "stringData.piped", "--value-stdin"],
        "canary-piped\n",
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    let text = repo.read(FILE);
    assert!(!text.contains("canary"), "{text}");
    for (path, value) in [
        ("token", "canary-from-file"),
        ("lines", "canary-one\ncanary-two\n"),
        ("piped", "canary-piped"),
    ] {
        let run = repo.ok(&[
            "secrets",
            "decrypt",
            "--extract",
            &format!("stringData.{path}"),
            FILE,
        ]);
        assert_eq!(run.stdout, value);
    }
    repo.ok(&["secrets", "set", FILE, "stringData.json", "--text", "{\"a\": 1}"]);
    let run = repo.ok(&["secrets", "decrypt", "--extract", "stringData.json", FILE]);
    assert_eq!(run.stdout, "{\"a\": 1}");
    repo.fails(&["secrets", "set", FILE, "stringData.none"]);
    let large = "x".repeat((1 << 20) + 1);
    let run = repo.run_piped(
        &["secrets", "set", FILE, "stringData.large", "--value-stdin"],
        &large,
    );
    assert!(run.code == 1 && run.stderr.contains("1 MiB"), "{}", run.stderr);
    repo.fails(&["secrets", "set", FILE, "sops.mac", "x"]);
}

#[test]
fn unset_takes_the_key_out() {
    let repo = encrypted();
    repo.ok(&["secrets", "unset", FILE, "stringData.user"]);
    assert_eq!(
        repo.ok(&["secrets", "decrypt", FILE]).stdout,
        SECRET.replace("  user: admin\n", "")
    );
    let old = repo.read(FILE);
    let run = repo.fails(&["secrets", "unset", FILE, "stringData.user"]);
    assert!(run.stderr.contains("stringData.user"), "{}", run.stderr);
    assert_eq!(repo.read(FILE), old);
}

#[test]
fn a_file_that_was_tampered_with_is_not_changed_further() {
    let repo = encrypted();
    let stamp = repo
        .read(FILE)
        .lines()
        .find(|line| line.contains("lastmodified"))
        .expect("stamped")
        .to_owned();
    repo.edit(FILE, &stamp, "  lastmodified: \"2020-01-01T00:00:00Z\"");
    let old = repo.read(FILE);
    repo.fails(&["secrets", "set", FILE, "stringData.password", "x"]);
    repo.fails(&["secrets", "unset", FILE, "stringData.password"]);
    repo.fails(&["secrets", "rotate", "-i", FILE]);
    assert_eq!(repo.read(FILE), old);
}

#[test]
fn rotate_gives_every_value_a_new_ciphertext() {
    let repo = encrypted();
    let old = repo.read(FILE);
    let printed = repo.ok(&["secrets", "rotate", FILE]).stdout;
    assert_eq!(repo.read(FILE), old);
    assert!(!printed.contains(CANARY));
    repo.ok(&["secrets", "rotate", "-i", "--add-age", OTHER, FILE]);
    for line in old.lines().filter(|line| line.contains("ENC[")) {
        assert!(!repo.read(FILE).contains(line));
    }
    assert!(repo.read(FILE).contains(OTHER));
    assert_eq!(repo.ok(&["secrets", "decrypt", FILE]).stdout, SECRET);
    repo.ok(&["secrets", "rotate", "-i", "--rm-age", OTHER, FILE]);
    assert!(!repo.read(FILE).contains(OTHER));
    repo.fails(&["secrets", "rotate", "-i", "--rm-age", RECIPIENT, FILE]);
}

#[test]
fn updatekeys_wraps_for_new_recipients_and_rotates_for_those_that_go() {
    let repo = encrypted();
    let old = repo.read(FILE);
    repo.ok(&["secrets", "updatekeys", "--yes"]);
    assert_eq!(repo.read(FILE), old, "up to date: nothing is written");
    repo.ok(&["secrets", "updatekeys", "--check"]);

    repo.edit(
        ".sops.yaml",
        &format!("    age: {RECIPIENT}\n"),
        &format!("    age: {RECIPIENT},{OTHER}\n"),
    );
    let keyless = [("SOPS_AGE_KEY_FILE", "")];
    assert_eq!(
        repo.run_with(&["secrets", "updatekeys", "--check"], &keyless)
            .code,
        2
    );
    repo.fails(&["secrets", "updatekeys"]);
    assert_eq!(repo.read(FILE), old, "nobody answered");
    repo.ok(&["secrets", "updatekeys", "--yes"]);
    let both = repo.read(FILE);
    assert!(
        both.contains(OTHER) && old.lines().all(|line| both.contains(line)),
        "{both}"
    );
    assert_eq!(repo.run(&["secrets", "updatekeys", "--check", FILE]).code, 0);

    repo.edit(".sops.yaml", &format!(",{OTHER}"), "");
    let run = repo.ok(&["secrets", "updatekeys", "--yes", "apps"]);
    assert!(
        run.stdout.contains("new data key") && run.stderr.contains("change the secrets themselves"),
        "{run:?}"
    );
    assert!(!repo.read(FILE).contains(OTHER));
    assert!(
        !both
            .lines()
            .filter(|line| line.contains("ENC["))
            .any(|line| repo.read(FILE).contains(line))
    );
    assert_eq!(repo.ok(&["secrets", "decrypt", FILE]).stdout, SECRET);
}

#[test]
fn a_value_for_a_place_that_is_not_encrypted_is_refused() {
    let repo = encrypted();
    let before = repo.read(FILE);
    for (path, near) in [
        ("stringdata.password", "stringData.password"),
        ("pasword", "stringData.password"),
        ("zzz", "stringData.zzz"),
    ] {
        let run = repo.fails(&["secrets", "set", FILE, path, "zqcanaryzq"]);
        assert!(
            run.stderr.contains("error[secrets/out-of-scope]")
                && run.stderr.contains(&format!("did you mean `{near}`?"))
                && run.stderr.contains("encrypted_regex"),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("zqcanaryzq"), "{}", run.stderr);
        assert_eq!(repo.read(FILE), before);
    }
    // What stands in clear may be changed, and is told of.
    let run = repo.ok(&["secrets", "set", FILE, "metadata.name", "other"]);
    assert!(
        run.stderr.contains("warning[secrets/out-of-scope]"),
        "{}",
        run.stderr
    );
    assert!(repo.read(FILE).contains("\n  name: other\n"));
    let run = repo.ok(&["secrets", "set", FILE, "stringData.new", "12"]);
    assert!(!run.stderr.contains("out-of-scope"), "{}", run.stderr);
    // Kubernetes takes text alone there.
    let plain = repo.ok(&["secrets", "decrypt", FILE]).stdout;
    assert!(plain.contains("new: \"12\""), "{plain}");
}

#[test]
fn nothing_is_sealed_for_others_alone() {
    let repo = encrypted();
    repo.write("new.sops.yaml", SECRET);
    let rules = repo.read(".sops.yaml").replace(RECIPIENT, OTHER);
    repo.write(".sops.yaml", &rules);
    let before = repo.files();
    for args in [
        &["secrets", "encrypt", "-i", "new.sops.yaml"][..],
        &["secrets", "updatekeys", "--yes"],
    ] {
        let run = repo.fails(args);
        assert!(
            run.stderr.contains("error[config/own-key-missing]")
                && run.stderr.contains("rule 2 of `.sops.yaml`")
                && run.stderr.contains(RECIPIENT),
            "{args:?}: {}",
            run.stderr
        );
        assert_eq!(repo.files(), before);
    }
    // Whoever names them means them; without a key, nobody is locked out.
    repo.ok(&["secrets", "encrypt", "--age", OTHER, "new.sops.yaml"]);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    repo.ok(&["secrets", "encrypt", "-i", "new.sops.yaml"]);
}

#[test]
fn below_the_root_the_help_leads_to_the_root() {
    let repo = encrypted();
    repo.git(&["init", "-q"]);
    let run = repo.fails(&["-C", "apps", "secrets", "decrypt", "x.sops.yaml"]);
    assert!(
        run.stderr
            .contains("it is in `apps/..`: run it with `-C apps/..`")
            && !run.stderr.contains("copy it"),
        "{}",
        run.stderr
    );
    repo.write("cluster.yaml", crate::support::MINIMAL);
    let run = repo.fails(&["-C", "apps", "validate"]);
    assert!(
        run.stderr
            .contains("it is in `apps/..`: run the command with `-C apps/..`")
            && !run.stderr.contains("clusterwright init"),
        "{}",
        run.stderr
    );
    repo.ok(&["-C", "apps/..", "secrets", "decrypt", FILE]);
}
