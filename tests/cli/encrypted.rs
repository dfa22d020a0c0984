//! An encrypted `cluster.yaml`, and runs without the private key.

use crate::support::{AGE_KEY, MINIMAL, PRIVATE, RECIPIENT, Repo};

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
    repo.ok(&["configure"]);
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
fn another_key_gets_a_clear_error_and_changes_nothing() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure"]);
    let other = Repo::empty();
    other.ok(&["init", "--yes"]);
    repo.write("age.key", &other.read("age.key"));
    let before = repo.files();
    let run = repo.fails(&["configure"]);
    assert!(run.stderr.contains("sealed for another key"), "{}", run.stderr);
    assert_eq!(repo.files(), before);
    repo.write("age.key", AGE_KEY);
    repo.ok(&["configure", "--check"]);
}

#[test]
fn decrypt_prints_to_stdout_and_notices_tampering() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure"]);
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
