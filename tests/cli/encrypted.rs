//! An encrypted `cluster.yaml`, and runs without the private key.

use crate::support::{AGE_KEY, GITIGNORE, MINIMAL, PRIVATE, RECIPIENT, Repo};

/// What CI has: the committed files and no private one.
fn without_keys(repo: &Repo) -> Repo {
    let ci = Repo::empty();
    for (name, bytes) in repo.files() {
        if !PRIVATE.contains(&name.as_str()) {
            let path = ci.path(&name);
            std::fs::create_dir_all(path.parent().expect("inside")).expect("created");
            std::fs::write(path, bytes).expect("written");
        }
    }
    ci
}

#[test]
fn recipients_alone_are_enough_to_compare_without_the_key() {
    let repo = Repo::with(&format!(
        "age_recipients: [{RECIPIENT}]\ncloudflare_tunnel_id: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n{MINIMAL}"
    ));
    repo.ok(&["configure", "--yes"]);
    let ci = without_keys(&repo);
    let run = ci.ok(&["configure", "--check"]);
    assert!(
        run.stdout
            .contains("could not be verified without the private key"),
        "{}",
        run.stdout
    );
    ci.edit(
        "cluster.yaml",
        "repository_name: example/home-ops",
        "repository_name: example/other",
    );
    assert_eq!(
        ci.run(&["configure", "--check"]).code,
        2,
        "what is not secret is compared"
    );
}

#[test]
fn without_key_and_recipients_the_missing_file_is_named() {
    let repo = Repo::with(MINIMAL);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let run = repo.fails(&["configure"]);
    assert!(
        run.stderr.contains("side/missing") && run.stderr.contains("age.key"),
        "{}",
        run.stderr
    );
}

#[test]
fn with_the_key_alone_what_is_sealed_of_the_side_files_stays() {
    let config = format!("cloudflare_tunnel_id: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n{MINIMAL}");
    let repo = Repo::with(&config);
    repo.ok(&["configure", "--yes"]);
    let ci = without_keys(&repo);
    let key = [("SOPS_AGE_KEY", AGE_KEY)];
    let run = ci.run_with(&["configure", "--check"], &key);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for file in ["github-push-token.txt", "cloudflare-tunnel.json"] {
        assert!(
            run.stderr.contains(&format!("`{file}` is not here")),
            "{}",
            run.stderr
        );
    }
    assert!(run.stdout.contains("could not be verified"), "{}", run.stdout);
    // What the key opens is compared.
    ci.edit("cluster.yaml", "test-cloudflare-token", "brand-new-secret-0815");
    assert_eq!(ci.run_with(&["configure", "--check"], &key).code, 2);
    // A file that would be sealed anew needs its value: the run says which file has it.
    let sealed = "kubernetes/apps/network/cloudflare-tunnel/app/secret.sops.yaml";
    std::fs::remove_file(ci.path(sealed)).expect("removed");
    let run = ci.run_with(&["configure", "--check"], &key);
    assert!(
        run.code == 1 && run.stderr.contains("copy `cloudflare-tunnel.json` here"),
        "{}",
        run.stderr
    );
    // Where nothing is sealed yet, they are missing.
    let fresh = Repo::with(&config);
    std::fs::remove_file(fresh.path("github-push-token.txt")).expect("removed");
    let run = fresh.fails(&["configure", "--check"]);
    assert!(run.stderr.contains("side/missing"), "{}", run.stderr);
}

#[test]
fn another_key_gets_a_clear_error_and_changes_nothing() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let other = Repo::empty();
    other.ok(&["init", "--yes"]);
    repo.write("age.key", &other.read("age.key"));
    let before = repo.files();
    let run = repo.fails(&["configure"]);
    assert!(
        run.stderr.contains("names other keys than the one here"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.files(), before);
    repo.write("age.key", AGE_KEY);
    repo.ok(&["configure", "--check"]);
}

#[test]
fn decrypt_prints_to_stdout_and_notices_tampering() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let file = "kubernetes/apps/cert-manager/cert-manager/app/secret.sops.yaml";
    assert!(
        repo.ok(&["secrets", "decrypt", file])
            .stdout
            .contains("api-token: test-cloudflare-token")
    );
    let sealed = repo.read(file);
    let at = sealed.find(",data:").expect("ciphertext") + 6;
    let flipped = if &sealed[at..=at] == "A" { "B" } else { "A" };
    repo.write(file, &format!("{}{flipped}{}", &sealed[..at], &sealed[at + 1..]));
    let run = repo.fails(&["secrets", "decrypt", file]);
    assert!(!run.stdout.contains("test-cloudflare"), "{}", run.stdout);
    assert!(run.stderr.contains("seal/sops"), "{}", run.stderr);
    repo.fails(&["secrets", "decrypt", "no-such-file"]);
    repo.fails(&["secrets", "decrypt", "cluster.yaml"]);
}

/// `cluster.yaml` with its secret keys encrypted, as `sops encrypt --encrypted-regex` would.
fn encrypted(config: &str) -> String {
    use sops::{EncryptionRule, Recipient, Selector, encrypt};

    let rule = EncryptionRule {
        recipients: Recipient::list([RECIPIENT]).expect("a recipient"),
        selector: Selector::EncryptedRegex(clusterwright::config::Vocabulary::built_in().encrypted_regex()),
        mac_only_encrypted: true,
        indent: 2,
        groups: None,
    };
    encrypt(config, &rule, &mut clusterwright::sys::OsEntropy).expect("encrypts")
}

#[test]
fn an_encrypted_cluster_yaml_gives_the_same_tree_and_can_be_committed() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let before = repo.files();
    let text = encrypted(MINIMAL);
    assert!(!text.contains("test-cloudflare-token") && text.contains("cloudflare_domain: example.com"));
    repo.write("cluster.yaml", &text);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stdout.contains("Nothing changes"), "{}", run.stdout);
    let mut after = repo.files();
    after.insert("cluster.yaml".to_owned(), before["cluster.yaml"].clone());
    assert_eq!(after, before);
    repo.git(&["init", "-q"]);
    repo.write(".gitignore", GITIGNORE.trim_start_matches("/cluster.yaml\n"));
    repo.git(&["add", "-A"]);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        !run.stderr.contains("git/"),
        "an encrypted one may be committed: {}",
        run.stderr
    );
}

#[test]
fn an_encrypted_cluster_yaml_without_the_key_leaves_secrets_unknown_and_compares_the_rest() {
    let config = format!(
        "age_recipients: [{RECIPIENT}]\ncloudflare_tunnel_id: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n{MINIMAL}"
    );
    let repo = Repo::with(&config);
    repo.ok(&["configure", "--yes"]);
    repo.write("cluster.yaml", &encrypted(&config));
    let ci = without_keys(&repo);
    let run = ci.ok(&["configure", "--check"]);
    assert!(run.stdout.contains("could not be verified"), "{}", run.stdout);
    ci.edit(
        "cluster.yaml",
        "cloudflare_domain: example.com",
        "cloudflare_domain: example.org",
    );
    let run = ci.run(&["configure", "--check"]);
    assert_eq!(
        run.code, 0,
        "the domain stands in a sealed file alone, which nobody can open: {}",
        run.stdout
    );
    ci.edit(
        "cluster.yaml",
        "cluster_gateway_addr: 10.10.10.252",
        "cluster_gateway_addr: 10.10.10.250",
    );
    assert_eq!(ci.run(&["configure", "--check"]).code, 2);
}

#[test]
fn a_secret_typed_into_an_encrypted_file_is_encrypted_there() {
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", GITIGNORE);
    repo.git(&["init", "-q"]);
    let encrypt = ["secrets", "encrypt", "-i", "cluster.yaml"];
    let run = repo.ok(&encrypt);
    assert!(
        run.stderr.contains("`/cluster.yaml`"),
        "git still ignores it: {}",
        run.stderr
    );
    repo.write(".gitignore", GITIGNORE.trim_start_matches("/cluster.yaml\n"));
    let sealed = repo.read("cluster.yaml");
    let run = repo.ok(&encrypt);
    assert!(
        run.stderr.contains("nothing changes") && !run.stderr.contains("gitignore"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.read("cluster.yaml"), sealed);
    assert_eq!(repo.ok(&["secrets", "encrypt", "cluster.yaml"]).stdout, sealed);

    let value = |repo: &Repo, key: &str| {
        let run = repo.ok(&["secrets", "decrypt", "--extract", key, "cluster.yaml"]);
        run.stdout.trim().to_owned()
    };
    let typed = format!("unifi_api_key: canary-typed-1\n{sealed}");
    repo.write("cluster.yaml", &typed);
    let run = repo.fails(&["secrets", "status", "cluster.yaml"]);
    assert!(
        run.stderr.contains("line 1") && run.stderr.contains("secrets encrypt -i cluster.yaml"),
        "{}",
        run.stderr
    );
    repo.ok(&encrypt);
    assert!(!repo.read("cluster.yaml").contains("canary"));
    assert_eq!(value(&repo, "unifi_api_key"), "canary-typed-1");
    for (args, left) in [
        (
            &["set", "cluster.yaml", "unifi_api_key", "canary-2"][..],
            Some("canary-2"),
        ),
        (
            &["set", "cluster.yaml", "cloudflare_token", "canary-3"],
            Some("canary-typed-1"),
        ),
        (&["unset", "cluster.yaml", "unifi_api_key"], None),
    ] {
        repo.write("cluster.yaml", &typed);
        let args: Vec<&str> = ["secrets"].iter().chain(args).copied().collect();
        repo.ok(&args);
        assert!(!repo.read("cluster.yaml").contains("canary"), "{args:?}");
        match left {
            Some(left) => assert_eq!(value(&repo, "unifi_api_key"), left),
            None => assert!(
                !repo.read("cluster.yaml").contains("\nunifi_api_key:")
                    && !repo.read("cluster.yaml").starts_with("unifi_api_key:")
            ),
        }
    }
    // In place of another value: what git has tells that nothing else was changed.
    let line = sealed.lines().find(|line| line.starts_with("cloudflare_token: "));
    let typed = sealed.replace(line.expect("encrypted"), "cloudflare_token: canary-typed-4");
    repo.write("cluster.yaml", &typed);
    let run = repo.fails(&encrypt);
    assert!(
        run.stderr.contains("secrets/plain-value") && run.stderr.contains("in clear in line"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("canary"), "{}", run.stderr);
    assert_eq!(repo.read("cluster.yaml"), typed);
    repo.write("cluster.yaml", &sealed);
    repo.git(&["add", "cluster.yaml"]);
    repo.write("cluster.yaml", &typed);
    repo.ok(&encrypt);
    assert!(!repo.read("cluster.yaml").contains("canary"));
    assert_eq!(value(&repo, "cloudflare_token"), "canary-typed-4");
}

#[test]
fn an_encrypted_cluster_yaml_that_was_changed_is_refused() {
    let repo = Repo::with(MINIMAL);
    let text = encrypted(MINIMAL);
    let at = text.find(",data:").expect("ciphertext") + 6;
    let flipped = if &text[at..=at] == "A" { "B" } else { "A" };
    repo.write(
        "cluster.yaml",
        &format!("{}{flipped}{}", &text[..at], &text[at + 1..]),
    );
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("cluster.yaml"), "{}", run.stderr);
    assert!(!repo.path("kubernetes").exists());
}

#[test]
fn that_ci_needs_the_tunnel_s_id_is_said_by_doctor_alone() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    let said = |run: &crate::support::Run| {
        run.stdout.contains("cloudflare_tunnel_id") || run.stderr.contains("tunnel_id")
    };
    assert!(!said(&repo.ok(&["validate"])), "nothing is wrong here");
    let run = repo.run(&["doctor"]);
    assert!(
        run.stdout
            .contains("for CI, add `cloudflare_tunnel_id: 6ff42ae2-765d-4adf-8112-31c55c1551ef`"),
        "{}",
        run.stdout
    );
    let sealed = repo.read("cluster.yaml");
    repo.write(
        "cluster.yaml",
        &format!("cloudflare_tunnel_id: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n{sealed}"),
    );
    assert!(!said(&repo.run(&["doctor"])), "it goes away");
}

#[test]
fn a_key_that_nobody_knows_is_not_set() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    let before = repo.read("cluster.yaml");
    for (path, near) in [
        ("cloudflare_tokn", "cloudflare_token"),
        ("cluster_api_adr", "cluster_api_addr"),
    ] {
        let run = repo.fails(&["secrets", "set", "cluster.yaml", path, "zqcanaryzq"]);
        assert!(
            run.stderr.contains("error[config/unknown-key]")
                && run.stderr.contains(&format!("did you mean `{near}`?")),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("zqcanaryzq"), "{}", run.stderr);
        assert_eq!(repo.read("cluster.yaml"), before);
    }
    let run = repo.ok(&["secrets", "set", "cluster.yaml", "cluster_name", "other"]);
    assert!(!run.stderr.contains("out-of-scope"), "{}", run.stderr);
    repo.ok(&["secrets", "set", "cluster.yaml", "vars.mine", "x"]);
}

#[test]
fn a_value_in_a_comment_keeps_the_file_from_being_committed() {
    const OLD: &str = "zqoldcanaryzq";
    let repo = Repo::with(&format!("#cloudflare_token: {OLD}\n{MINIMAL}"));
    let run = repo.fails(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    assert!(
        run.stderr.contains("error[secret/in-clear]") && run.stderr.contains("stands in a comment"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains(OLD), "{}", run.stderr);
    repo.edit("cluster.yaml", &format!("#cloudflare_token: {OLD}\n"), "");
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    // Put in later.
    let sealed = repo.read("cluster.yaml");
    repo.write("cluster.yaml", &format!("# cloudflare_token: {OLD}\n{sealed}"));
    for command in [&["secrets", "scan", "cluster.yaml"][..], &["secrets", "status"]] {
        let run = repo.fails(command);
        assert!(
            run.stderr.contains("comment") && !run.stderr.contains(OLD),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn each_file_is_told_of_what_it_holds() {
    let repo = Repo::with(MINIMAL);
    repo.write("nodes.yaml", "unifi_api_key: zqotherzq\n");
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml", "nodes.yaml"]);
    for name in ["cluster.yaml", "nodes.yaml"] {
        let sealed = repo.read(name);
        repo.write(name, &format!("#cloudflare_token: zqoldcanaryzq\n{sealed}"));
    }
    let run = repo.fails(&["secrets", "status", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    for file in told["files"].as_array().expect("a list") {
        let problems = file["problems"].to_string();
        assert!(
            file["ok"] == false && problems.contains("stands in a comment"),
            "{file}"
        );
    }
    assert_eq!(told["files"].as_array().map(Vec::len), Some(2), "{told}");
}
