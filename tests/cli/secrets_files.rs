//! `secrets encrypt`, `decrypt`, `status` and `explain` on the files of any repository.

use crate::support::{AGE_KEY, MINIMAL, RECIPIENT, Repo};

pub(super) const CANARY: &str = "canary-8f3a1c-in-clear";
pub(super) const SECRET: &str = "# a head\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  # about it\n  password: canary-8f3a1c-in-clear\n  user: admin\n";

/// A repository with a rule, a key and a Secret in clear, and no `cluster.yaml`.
pub(super) fn repo() -> Repo {
    let repo = Repo::empty();
    repo.write("age.key", AGE_KEY);
    repo.write(
        ".sops.yaml",
        &format!(
            "creation_rules:\n  - path_regex: ^never/\n    age: {RECIPIENT}\n  - path_regex: \\.sops\\.yaml$\n    encrypted_regex: ^(data|stringData)$\n    mac_only_encrypted: true\n    age: {RECIPIENT}\n"
        ),
    );
    repo.write("apps/x.sops.yaml", SECRET);
    repo
}

pub(super) fn encrypted() -> Repo {
    let repo = repo();
    repo.ok(&["secrets", "encrypt", "-i", "apps/x.sops.yaml"]);
    repo
}

#[test]
fn encrypt_follows_the_rule_and_decrypt_gives_the_file_back() {
    let repo = repo();
    let printed = repo.ok(&["secrets", "encrypt", "apps/x.sops.yaml"]).stdout;
    assert!(
        printed.contains("# a head") && printed.contains("  # about it"),
        "{printed}"
    );
    assert!(!printed.contains(CANARY) && printed.contains("name: x"));
    assert_eq!(repo.read("apps/x.sops.yaml"), SECRET, "printed, not written");

    let run = repo.ok(&["secrets", "encrypt", "-i", "apps/x.sops.yaml"]);
    assert_eq!(run.stdout, "");
    assert!(!repo.read("apps/x.sops.yaml").contains(CANARY));
    assert_eq!(
        repo.ok(&["secrets", "decrypt", "apps/x.sops.yaml"]).stdout,
        SECRET
    );
    let again = repo.fails(&["secrets", "encrypt", "-i", "apps/x.sops.yaml"]);
    assert!(again.stderr.contains("secrets edit"), "{}", again.stderr);
}

#[test]
fn a_selector_that_hides_nothing_writes_nothing() {
    let repo = repo();
    for (option, value) in [
        ("--encrypted-regex", "^nothing$"),
        ("--encrypted-regex", "(["),
        ("--encrypted-suffix", "_none"),
        ("--unencrypted-regex", ""),
    ] {
        let run = repo.fails(&["secrets", "encrypt", "-i", option, value, "apps/x.sops.yaml"]);
        assert!(
            !run.stderr.contains(CANARY) && run.stderr.contains("seal/sops"),
            "{}",
            run.stderr
        );
        assert_eq!(repo.read("apps/x.sops.yaml"), SECRET, "{option} {value}");
    }
}

#[test]
fn several_files_are_encrypted_together_or_not_at_all() {
    let repo = repo();
    repo.write("apps/y.sops.yaml", "kind: Secret\nstringData: [\n");
    let files = ["secrets", "encrypt", "-i", "apps/x.sops.yaml", "apps/y.sops.yaml"];
    repo.fails(&files);
    assert_eq!(repo.read("apps/x.sops.yaml"), SECRET);
    repo.write("apps/y.sops.yaml", "kind: Secret\nstringData: {a: b}\n");
    repo.fails(&["secrets", "encrypt", "apps/x.sops.yaml", "apps/y.sops.yaml"]);
    repo.ok(&files);
    repo.ok(&["secrets", "status"]);
}

#[test]
fn the_command_line_stands_in_for_a_rule() {
    let repo = Repo::empty();
    repo.write("age.key", AGE_KEY);
    repo.write("plain.yaml", "a: canary-8f3a1c-in-clear\nb_unencrypted: shown\n");
    let run = repo.fails(&["secrets", "encrypt", "plain.yaml"]);
    assert!(run.stderr.contains("secrets/no-rule"), "{}", run.stderr);
    let out = repo
        .ok(&["secrets", "encrypt", "--age", RECIPIENT, "plain.yaml"])
        .stdout;
    assert!(
        !out.contains(CANARY) && out.contains("b_unencrypted: shown"),
        "{out}"
    );
    let env = [("SOPS_AGE_RECIPIENTS", RECIPIENT)];
    let run = repo.run_with(
        &["secrets", "encrypt", "--encrypted-suffix", "a", "plain.yaml"],
        &env,
    );
    assert!(
        run.code == 0 && run.stdout.contains("encrypted_suffix: a"),
        "{}",
        run.stderr
    );
    repo.fails(&["secrets", "encrypt", "--age", "age1nonsense", "plain.yaml"]);
}

#[test]
fn rules_are_found_from_the_directory_of_the_file() {
    let repo = repo();
    repo.write(
        "apps/.sops.yaml",
        &format!("creation_rules:\n  - encrypted_regex: ^user$\n    age: {RECIPIENT}\n"),
    );
    repo.write("apps/y.sops.yaml", "user: canary-8f3a1c-in-clear\nother: shown\n");
    let out = repo.ok(&["secrets", "encrypt", "apps/y.sops.yaml"]).stdout;
    assert!(out.contains("other: shown") && !out.contains(CANARY), "{out}");
    let path = [
        "-C",
        "apps",
        "secrets",
        "encrypt",
        "--config",
        "../.sops.yaml",
        "x.sops.yaml",
    ];
    assert!(repo.ok(&path).stdout.contains("mac_only_encrypted: true"));
}

#[test]
fn decrypt_hands_out_what_was_asked_for() {
    let repo = encrypted();
    let file = "apps/x.sops.yaml";
    let sealed = repo.read(file);
    for path in [r#"["stringData"]["password"]"#, "stringData.password"] {
        assert_eq!(
            repo.ok(&["secrets", "decrypt", "--extract", path, file]).stdout,
            CANARY
        );
    }
    repo.fails(&["secrets", "decrypt", "--extract", "stringData.none", file]);
    repo.fails(&["secrets", "decrypt", "--extract", "[[", file]);

    repo.write("there.yaml", "mine\n");
    let run = repo.fails(&["secrets", "decrypt", "--to", "there.yaml", file]);
    assert!(run.stderr.contains("secrets/exists"), "{}", run.stderr);
    assert_eq!(repo.read("there.yaml"), "mine\n");
    repo.ok(&["secrets", "decrypt", "--to", "out.yaml", file]);
    assert_eq!(repo.read("out.yaml"), SECRET);
    assert_eq!(repo.read(file), sealed);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(repo.path("out.yaml"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let stamp = sealed
        .lines()
        .find(|line| line.contains("lastmodified"))
        .expect("stamped")
        .to_owned();
    repo.edit(file, &stamp, "  lastmodified: \"2020-01-01T00:00:00Z\"");
    assert!(!repo.fails(&["secrets", "decrypt", file]).stdout.contains(CANARY));
    assert_eq!(
        repo.ok(&["secrets", "decrypt", "--ignore-mac", file]).stdout,
        SECRET
    );
    repo.ok(&["secrets", "decrypt", "-i", "--ignore-mac", file]);
    assert_eq!(repo.read(file), SECRET);
    let json = repo.run(&["-o", "json", "secrets", "decrypt", file]);
    serde_json::from_str::<serde_json::Value>(&json.stdout).expect("one document");
}

#[test]
fn status_needs_no_key_and_names_what_is_in_clear() {
    let repo = encrypted();
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let run = repo.ok(&["secrets", "status"]);
    assert!(run.stdout.contains("ok  apps/x.sops.yaml"), "{}", run.stdout);

    let sealed = repo.read("apps/x.sops.yaml");
    let line = sealed
        .lines()
        .find(|line| line.starts_with("  password: "))
        .expect("a line")
        .to_owned();
    for (what, text, code) in [
        (
            "a value in clear",
            sealed.replace(&line, "  password: canary-8f3a1c-in-clear"),
            "secrets/plain-value",
        ),
        (
            "a second document",
            format!("{sealed}---\nkind: Secret\nstringData: {{a: canary-8f3a1c-in-clear}}\n"),
            "secrets/no-block",
        ),
        (
            "a file that was never encrypted",
            SECRET.to_owned(),
            "secrets/not-encrypted",
        ),
        (
            "a selector that does not compile",
            sealed.replace("^(data|stringData)$", "^(data"),
            "seal/sops",
        ),
        (
            "a selector that hides nothing",
            "kind: Secret\na: 1\n".to_owned() + &sealed[sealed.find("sops:").expect("a block")..],
            "secrets/nothing-encrypted",
        ),
        (
            "other recipients",
            sealed.replace(RECIPIENT, "age1other"),
            "secrets/other-recipients",
        ),
    ] {
        repo.write("apps/x.sops.yaml", &text);
        let run = repo.fails(&["secrets", "status"]);
        assert!(run.stderr.contains(code), "{what}: {}", run.stderr);
        assert!(
            !run.stderr.contains(CANARY) && !run.stdout.contains(CANARY),
            "{what}"
        );
        let json = repo.fails(&["-o", "json", "secrets", "status", "apps"]).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(json["files"][0]["ok"], false, "{what}");
        let codes = json["findings"].as_array().expect("a list");
        assert!(
            codes.iter().any(|finding| finding["code"] == code),
            "{what}: {json}"
        );
    }
}

#[test]
fn what_is_wrong_with_the_rules_is_told_of_the_rules_with_its_line() {
    let repo = encrypted();
    let sealed = repo.read("apps/x.sops.yaml");
    repo.write("apps/y.sops.yaml", &sealed);
    let rules = repo.read(".sops.yaml");
    let above = &rules[..rules.rfind(RECIPIENT).expect("there")];
    let last = format!("`.sops.yaml`, line {}: ", above.matches('\n').count() + 1);
    for (text, line) in [
        (rules.replace(RECIPIENT, "age1nobody"), last.as_str()),
        (
            rules.replacen("creation_rules:", "creation_rules: [", 1),
            "`.sops.yaml`, line ",
        ),
    ] {
        repo.write(".sops.yaml", &text);
        for command in [&["secrets", "status"][..], &["secrets", "updatekeys", "--check"]] {
            let run = repo.fails(command);
            assert!(run.stderr.contains(line), "{command:?}: {}", run.stderr);
            assert_eq!(
                run.stderr.matches("error[").count(),
                1,
                "{command:?}: {}",
                run.stderr
            );
        }
    }
}

#[test]
fn status_leaves_ignored_and_other_files_alone() {
    let repo = encrypted();
    repo.write("notes.txt", "sops: is a program\n");
    repo.write("build/x.sops.yaml", "a: 1\n");
    repo.git(&["init", "-q"]);
    repo.write(".gitignore", "build/\n");
    let run = repo.ok(&["secrets", "status"]);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    repo.fails(&["secrets", "status", "build/x.sops.yaml"]);
    repo.fails(&["secrets", "status", "no-such-path"]);
}

#[test]
fn status_tells_of_a_time_without_quotes_and_updatekeys_gives_them_back() {
    let repo = encrypted();
    let file = "apps/x.sops.yaml";
    let sealed = repo.read(file);
    let stamp = sealed
        .lines()
        .find(|line| line.contains("lastmodified"))
        .expect("stamped");
    repo.write(file, &sealed.replace(stamp, &stamp.replace('"', "")));
    let run = repo.fails(&["secrets", "status"]);
    assert!(
        run.stderr.contains("secrets/unquoted-time") && run.stderr.contains("updatekeys apps/x.sops.yaml"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.run(&["secrets", "updatekeys", "--check"]).code, 2);
    let run = repo.ok(&["secrets", "updatekeys", "--yes"]);
    assert!(run.stdout.contains("quotes around the time"), "{}", run.stdout);
    assert_eq!(repo.read(file), sealed);
    repo.ok(&["secrets", "status"]);
    repo.ok(&["secrets", "updatekeys", "--check"]);
}

#[test]
fn a_broad_rule_reports_only_what_it_would_encrypt() {
    let repo = encrypted();
    let rule = |keys: &str| {
        let text = format!(
            "creation_rules:\n  - path_regex: .*.yaml\n    encrypted_regex: ^(data|stringData|password)$\n    {keys}\n"
        );
        repo.write(".sops.yaml", &text);
    };
    let looked = |repo: &Repo| -> Vec<String> {
        let json = repo.run(&["-o", "json", "secrets", "status"]).stdout;
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        let files = json["files"].as_array().expect("a list").iter();
        let bad = files.filter(|file| file["ok"] == false);
        bad.map(|file| file["path"].as_str().expect("a path").to_owned())
            .collect()
    };
    rule(&format!("age: {RECIPIENT}"));
    for i in 0..20 {
        let text = format!("kind: HelmRelease\nmetadata:\n  name: a{i}\nspec:\n  values: {{replicas: 1}}\n");
        repo.write(&format!("apps/a{i}/helmrelease.yaml"), &text);
    }
    repo.write("apps/config.yaml", "kind: ConfigMap\ndata:\n  a: b\n");
    repo.write("apps/empty.yaml", "kind: Secret\nstringData:\n  a: \"\"\n");
    repo.write(
        "apps/t.sops.yaml.tera",
        "kind: Secret\nstringData:\n  a: #{ b }#\n",
    );
    repo.write("apps/not.yaml", "a: [\n");
    repo.write("README.md", "password: none\n");
    assert_eq!(looked(&repo), [""; 0]);
    // What holds a key that the rule would encrypt is reported, whatever its kind.
    repo.write("apps/plain.yaml", SECRET);
    repo.write(
        "apps/values.yaml",
        "kind: HelmRelease\nspec:\n  values:\n    password: x\n",
    );
    let wanted = ["apps/plain.yaml", "apps/values.yaml"];
    assert_eq!(looked(&repo), wanted);
    // A rule with keys of other kinds beside age can be looked at: what is encrypted for its age keys is as it should be.
    rule(&format!("age: {RECIPIENT}\n    pgp: ABCDEF"));
    assert_eq!(looked(&repo), wanted);
    repo.ok(&["secrets", "updatekeys", "--check", "apps/x.sops.yaml"]);
    rule("age: age1other\n    kms: arn:aws:kms:x");
    assert_eq!(
        looked(&repo),
        ["apps/plain.yaml", "apps/values.yaml", "apps/x.sops.yaml"]
    );
}

#[test]
fn an_encrypted_file_is_known_by_what_is_in_it() {
    let repo = encrypted();
    for name in ["apps/x.enc.yaml", "apps/plainly.yaml"] {
        repo.write(name, &repo.read("apps/x.sops.yaml"));
    }
    // On one line as well; a manual that shows one is none.
    repo.write("apps/compact", &compact(&repo, "apps/a.json"));
    repo.write(
        "docs/sops.md",
        &format!("# Secrets\n\n```yaml\n{}```\n", repo.read("apps/x.sops.yaml")),
    );
    let run = repo.ok(&["secrets", "status"]);
    assert_eq!(run.stdout.lines().count(), 4, "{}", run.stdout);
    repo.ok(&["secrets", "updatekeys", "--check"]);
    repo.ok(&["secrets", "scan"]);
}

/// A JSON file, encrypted, without a line break.
fn compact(repo: &Repo, name: &str) -> String {
    repo.write(name, "{\"a\": \"canary\"}");
    repo.ok(&["secrets", "encrypt", "-i", "--age", RECIPIENT, name]);
    let text = repo.read(name).replace('\n', "");
    std::fs::remove_file(repo.path(name)).expect("removed");
    text
}

#[test]
fn explain_tells_rule_recipients_and_keys() {
    let repo = encrypted();
    let out = repo.ok(&["secrets", "explain", "apps/x.sops.yaml"]).stdout;
    for expected in [
        "1. path_regex ^never/: does not match",
        "2. path_regex \\.sops\\.yaml$: matches",
        "encrypted_regex: ^(data|stringData)$",
        RECIPIENT,
        "it opens, and its MAC agrees",
        "`age.key` holds the key of",
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    let secret = AGE_KEY
        .lines()
        .find(|line| line.starts_with("AGE-SECRET"))
        .expect("a key");
    assert!(!out.contains(secret) && !out.contains(CANARY));
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let env = [("SOPS_AGE_KEY", "nonsense"), ("SOPS_AGE_KEY_FILE", "none.txt")];
    let run = repo.run_with(&["secrets", "explain", "apps/x.sops.yaml"], &env);
    assert!(
        run.stdout.contains("does not open") && run.stdout.contains("`SOPS_AGE_KEY_FILE` is not there"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("nonsense"));
    repo.write("y.yaml", "a: b\n");
    assert!(
        repo.ok(&["secrets", "explain", "y.yaml"])
            .stdout
            .contains("no creation rule")
    );
}

#[test]
fn cluster_yaml_is_encrypted_in_its_secret_keys_alone() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let before = repo.files();
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    let sealed = repo.read("cluster.yaml");
    assert!(!sealed.contains("test-cloudflare-token") && sealed.contains("cloudflare_domain: example.com"));
    repo.ok(&["secrets", "status", "cluster.yaml"]);
    assert!(
        repo.ok(&["configure", "--yes"])
            .stdout
            .contains("Nothing changes")
    );
    assert_eq!(repo.ok(&["secrets", "decrypt", "cluster.yaml"]).stdout, MINIMAL);

    repo.ok(&[
        "secrets",
        "set",
        "cluster.yaml",
        "cloudflare_token",
        "another-token-value",
    ]);
    assert!(!repo.read("cluster.yaml").contains("another-token-value"));
    let run = repo.run(&["configure", "--check"]);
    assert_eq!(
        run.code, 2,
        "the token stands in sealed files: {}{}",
        run.stdout, run.stderr
    );
    repo.ok(&[
        "secrets",
        "set",
        "cluster.yaml",
        "cloudflare_token",
        "test-cloudflare-token",
    ]);
    repo.ok(&["configure", "--check"]);
    repo.ok(&["secrets", "rotate", "-i", "cluster.yaml"]);
    repo.ok(&["secrets", "updatekeys", "--check", "cluster.yaml"]);
    repo.ok(&["configure", "--check"]);
    let mut after = repo.files();
    after.insert("cluster.yaml".to_owned(), before["cluster.yaml"].clone());
    assert_eq!(after, before);
}

#[test]
fn every_format_of_sops_goes_there_and_back() {
    let repo = Repo::empty();
    repo.write("age.key", AGE_KEY);
    for (name, plain) in [
        ("a.yaml", "a: canary-value # c\n"),
        ("a.json", "{\n\t\"a\": \"canary-value\"\n}\n"),
        ("a.env", "# c\nA=canary-value\n"),
        ("a.ini", "[s]\na = canary-value\n"),
        ("notes.txt", "canary-value\n"),
    ] {
        repo.write(name, plain);
        repo.ok(&["secrets", "encrypt", "-i", "--age", RECIPIENT, name]);
        let sealed = repo.read(name);
        assert!(
            sealed.contains("ENC[AES256_GCM") && !sealed.contains("canary"),
            "{name}: {sealed}"
        );
        assert_eq!(repo.ok(&["secrets", "decrypt", name]).stdout, plain, "{name}");
        let told = repo.ok(&["secrets", "explain", name]).stdout;
        assert!(told.contains("it opens, and its MAC agrees"), "{name}: {told}");
    }
    repo.write("odd", "A=canary-value\n");
    repo.ok(&[
        "secrets", "encrypt", "-i", "--type", "dotenv", "--age", RECIPIENT, "odd",
    ]);
    assert!(repo.read("odd").starts_with("A=ENC["));
    assert_eq!(
        repo.ok(&["secrets", "decrypt", "--type", "dotenv", "odd"]).stdout,
        "A=canary-value\n"
    );
}

#[test]
fn a_number_that_older_releases_read_differently_is_told() {
    let repo = Repo::empty();
    repo.write("age.key", AGE_KEY);
    let plain = "{\n  \"open_unencrypted\": {\n    \"id\": 9007199254740993\n  },\n  \"secret\": \"x\"\n}\n";
    repo.write("a.json", plain);
    let run = repo.ok(&["secrets", "encrypt", "-i", "--age", RECIPIENT, "a.json"]);
    assert!(
        run.stderr.contains("sops` before 3.13.2 will not open `a.json`: it reads the number `open_unencrypted.id` differently (line 3)"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.ok(&["secrets", "decrypt", "a.json"]).stdout, plain);
    let run = repo.ok(&["secrets", "set", "a.json", "secret", "y"]);
    assert!(!run.stderr.contains("3.13.2"), "told once: {}", run.stderr);
    let run = repo.ok(&["secrets", "set", "a.json", "n_unencrypted", "9007199254740995"]);
    assert!(
        run.stderr.contains("the number `n_unencrypted` differently"),
        "{}",
        run.stderr
    );
    repo.write("b.json", plain);
    let run = repo.ok(&[
        "secrets",
        "encrypt",
        "-i",
        "--mac-only-encrypted",
        "--age",
        RECIPIENT,
        "b.json",
    ]);
    assert!(!run.stderr.contains("3.13.2"), "{}", run.stderr);
}
