//! For whom a repository is sealed: never for strangers alone, its own key for nobody else, and what was given away is told.

use clusterwright::sys::OsEntropy;
use clusterwright::world::lock::Sha256;
use sops::{EncryptionRule, Identities, MacCheck, Recipient, decrypt, encrypt, generate_identity, status};

use crate::support::{AGE_KEY, MINIMAL, RECIPIENT, Repo};

/// Where the repository's own key is sealed for the cluster.
pub(super) const OWN_KEY_FILE: &str = "bootstrap/sops-age.sops.yaml";

fn with_recipients(names: &[&str]) -> String {
    format!(
        "age_recipients: [{}]\ncloudflare_tunnel_id: 6ff42ae2-765d-4adf-8112-31c55c1551ef\n{MINIMAL}",
        names.join(", ")
    )
}

/// Every sealed file, with whether a key opens it.
fn opened(repo: &Repo, key: &str) -> Vec<(String, bool)> {
    let key = Identities::parse(key).expect("a key");
    let texts = repo.files_without_record().into_iter();
    let texts = texts.filter_map(|(name, bytes)| Some((name, String::from_utf8(bytes).ok()?)));
    let sealed: Vec<(String, bool)> = texts
        .filter(|(_, text)| status(text).is_ok_and(|status| status.is_sealed()))
        .map(|(name, text)| (name, decrypt(&text, &key, MacCheck::Verify).is_ok()))
        .collect();
    sealed
}

/// The files that a key opens.
pub(super) fn opens(repo: &Repo, key: &str) -> Vec<String> {
    opened(repo, key)
        .into_iter()
        .filter(|(_, opens)| *opens)
        .map(|(name, _)| name)
        .collect()
}

/// The files that a key does not open.
pub(super) fn closed(repo: &Repo, key: &str) -> Vec<String> {
    opened(repo, key)
        .into_iter()
        .filter(|(_, opens)| !*opens)
        .map(|(name, _)| name)
        .collect()
}

fn commit(repo: &Repo) {
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "x", "--allow-empty"]);
}

/// Makes a repository as releases before 0.2 left it: no rule of its own for the own key, which every recipient opens.
fn as_before(repo: &Repo, recipients: &[&str]) {
    let plain = repo.ok(&["secrets", "decrypt", OWN_KEY_FILE]).stdout;
    let rule = EncryptionRule::secrets(Recipient::list(recipients.iter().copied()).expect("recipients"));
    let sealed = encrypt(&plain, &rule, &mut OsEntropy).expect("sealed");
    let rules = repo.read(".sops.yaml");
    let (start, end) = (
        rules.find("  # Whoever opens").expect("the own rule"),
        rules.find("  # Files of Talos").expect("the next rule"),
    );
    let old_rules = format!("{}{}", &rules[..start], &rules[end..]);
    for (name, text) in [(OWN_KEY_FILE, sealed), (".sops.yaml", old_rules)] {
        let hash = |text: &str| Sha256::of_text(text.as_bytes()).to_string();
        let (old, new) = (hash(&repo.read(name)), hash(&text));
        repo.edit("clusterwright.lock", &old, &new);
        repo.write(name, &text);
    }
}

#[test]
fn who_was_removed_opens_nothing_that_is_sealed_later() {
    let (bob, bobs) = generate_identity();
    let (other, others) = generate_identity();
    let repo = Repo::with(&with_recipients(&[RECIPIENT, &bobs]));
    repo.write(".gitignore", crate::support::GITIGNORE);
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    assert_eq!(closed(&repo, AGE_KEY), [""; 0], "the own key opens everything");
    assert_eq!(
        closed(&repo, bob.expose()),
        [OWN_KEY_FILE],
        "Bob opens all but the own key"
    );
    assert_eq!(opens(&repo, other.expose()), [""; 0]);
    commit(&repo);
    // Neither do those who bring recipients up to date give it back.
    let before = repo.files();
    repo.ok(&["secrets", "updatekeys", "--check"]);
    repo.ok(&["secrets", "updatekeys", "--yes"]);
    assert_eq!(repo.files(), before);
    // A swap: Bob goes, another one comes.
    repo.write(
        "cluster.yaml",
        &with_recipients(&[RECIPIENT, &others]).replace("test-cloudflare-token", "brand-new-secret-0815"),
    );
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stderr.contains("given-away"), "it never was: {}", run.stderr);
    assert!(
        run.stderr.contains("config/recipient-left") && run.stderr.contains("change the secrets themselves"),
        "{}",
        run.stderr
    );
    let run = repo.ok(&["configure", "--check"]);
    assert!(
        !run.stderr.contains("recipient-left"),
        "it is done: {}",
        run.stderr
    );
    assert_eq!(opens(&repo, bob.expose()), [""; 0], "Bob opens nothing any more");
    assert_eq!(closed(&repo, other.expose()), [OWN_KEY_FILE]);
    assert_eq!(closed(&repo, AGE_KEY), [""; 0]);
    // All go.
    repo.write("cluster.yaml", MINIMAL);
    repo.ok(&["configure", "--yes"]);
    assert_eq!(opens(&repo, other.expose()), [""; 0]);
    repo.ok(&["configure", "--check"]);
}

/// What `sops rotate --add-age` leaves, or a branch from before somebody was removed.
#[test]
fn a_file_that_was_edited_elsewhere_is_sealed_for_whom_the_rules_name() {
    const SECRET: &str = "kubernetes/apps/cert-manager/cert-manager/app/secret.sops.yaml";
    let (bob, bobs) = generate_identity();
    let repo = Repo::with(MINIMAL);
    repo.write(".gitignore", crate::support::GITIGNORE);
    // What a file was edited from is looked for there.
    repo.git(&["init", "-q"]);
    repo.ok(&["configure", "--yes"]);
    commit(&repo);
    let rule = EncryptionRule::secrets(Recipient::list([RECIPIENT, &bobs]).expect("recipients"));
    for (name, from, to) in [
        (SECRET, "stringData:\n", "stringData:\n  more: set-elsewhere\n"),
        (OWN_KEY_FILE, "", ""),
    ] {
        let plain = repo.ok(&["secrets", "decrypt", name]).stdout;
        assert!(plain.contains(from), "{plain}");
        let plain = plain.replacen(from, to, 1);
        repo.write(name, &encrypt(&plain, &rule, &mut OsEntropy).expect("sealed"));
    }
    assert_eq!(opens(&repo, bob.expose()), [OWN_KEY_FILE, SECRET]);
    let run = repo.run(&["configure", "--check"]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(run.stderr.contains("seal/own-key-given-away"), "{}", run.stderr);
    assert_eq!(opens(&repo, bob.expose()), [""; 0], "{}", run.stdout);
    assert_eq!(closed(&repo, AGE_KEY), [""; 0]);
    let text = repo.ok(&["secrets", "decrypt", SECRET]).stdout;
    assert!(text.contains("more: set-elsewhere"), "{text}");
    let again = repo.ok(&["configure", "--yes"]);
    assert!(again.stdout.contains("Nothing changes"), "{}", again.stdout);
}

#[test]
fn a_key_that_was_given_away_is_told_until_it_is_replaced() {
    let (bob, bobs) = generate_identity();
    let repo = Repo::with(&with_recipients(&[RECIPIENT, &bobs]));
    repo.git(&["init", "-q"]);
    repo.write(".gitignore", crate::support::GITIGNORE);
    repo.ok(&["configure", "--yes"]);
    as_before(&repo, &[RECIPIENT, &bobs]);
    commit(&repo);
    assert_eq!(
        closed(&repo, bob.expose()),
        [""; 0],
        "as it was: Bob opens the own key"
    );

    // The next run seals that one file anew, and says why.
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("seal/own-key-given-away") && run.stderr.contains(&bobs[..10]),
        "{}",
        run.stderr
    );
    assert!(
        run.stdout.contains("2 updated") && run.stdout.contains(".sops.yaml"),
        "{}",
        run.stdout
    );
    let sealed = status(&repo.read(OWN_KEY_FILE)).expect("sealed");
    assert_eq!(sealed.recipients, [RECIPIENT]);
    assert!(
        repo.read(".sops.yaml").find("sops-age").expect("a rule")
            < repo.read(".sops.yaml").find("talos").expect("rules")
    );
    commit(&repo);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        !run.stderr.contains("given-away"),
        "Bob may open everything: {}",
        run.stderr
    );

    // Bob goes. He has the key, and every run says so.
    let without = with_recipients(&[RECIPIENT]);
    repo.write("cluster.yaml", &without);
    for _ in 0..2 {
        let run = repo.ok(&["configure", "--yes"]);
        assert!(
            run.stderr.contains("seal/own-key-given-away") && run.stderr.contains("age-keygen -o new.key"),
            "{}",
            run.stderr
        );
        commit(&repo);
    }

    // The steps that it names: a new key above the old one, its public half in place of the old one's.
    let (new, news) = generate_identity();
    repo.write("age.key", &format!("{}\n{AGE_KEY}", new.expose()));
    repo.write("cluster.yaml", &with_recipients(&[&news]));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stderr.contains("given-away"), "it is mended: {}", run.stderr);
    assert_eq!(
        opens(&repo, AGE_KEY),
        [""; 0],
        "the old key opens nothing that is sealed now"
    );
    assert_eq!(closed(&repo, new.expose()), [""; 0]);
    let both = repo.ok(&["secrets", "decrypt", OWN_KEY_FILE]).stdout;
    assert_eq!(
        both.matches("AGE-SECRET-KEY-").count(),
        2,
        "the cluster has both meanwhile"
    );
    commit(&repo);
    repo.write("age.key", new.expose());
    let run = repo.ok(&["configure", "--yes"]);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    commit(&repo);
    let run = repo.ok(&["configure", "--check"]);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
}

#[test]
fn an_old_repository_with_one_key_changes_its_rules_alone() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    let after = repo.files_without_record();
    as_before(&repo, &[RECIPIENT]);
    let sealed = repo.read(OWN_KEY_FILE);
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stdout.contains("1 updated") && !run.stderr.contains("warning"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(repo.read(OWN_KEY_FILE), sealed, "its bytes stay");
    assert_eq!(repo.read(".sops.yaml").as_bytes(), after[".sops.yaml"]);
}

#[test]
fn rules_that_a_person_wrote_give_the_own_key_to_nobody() {
    let (bob, bobs) = generate_identity();
    let repo = Repo::with(&with_recipients(&[RECIPIENT, &bobs]));
    repo.ok(&["configure", "--yes"]);
    let rules = repo.read(".sops.yaml");
    let start = rules.find("  # Whoever opens").expect("the own rule");
    let end = rules.find("  # Files of Talos").expect("the next rule");
    repo.write(".sops.yaml", &format!("{}{}", &rules[..start], &rules[end..]));
    let run = repo.ok(&["configure", "--yes"]);
    assert!(
        run.stderr.contains("seal/own-key-rule") && run.stderr.contains("put this rule first"),
        "{}",
        run.stderr
    );
    assert!(closed(&repo, bob.expose()).contains(&OWN_KEY_FILE.to_owned()));
}

#[test]
fn nothing_is_sealed_that_the_key_at_hand_does_not_open() {
    let (_, second) = generate_identity();
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    repo.write("cluster.yaml", &with_recipients(&[&second]));
    let before = repo.files();
    for command in [
        &["validate"][..],
        &["configure", "--yes"],
        &["adopt", "--all", "--yes"],
    ] {
        let run = repo.fails(command);
        let line = format!("age_recipients: [{RECIPIENT}, {second}]");
        assert!(
            run.stderr.contains("config/own-key-missing") && run.stderr.contains(&line),
            "{}",
            run.stderr
        );
    }
    assert_eq!(repo.files(), before);
    // With the line that it gives, the run goes on.
    repo.write("cluster.yaml", &with_recipients(&[RECIPIENT, &second]));
    repo.ok(&["configure", "--yes"]);
    // Nor by rules that somebody wrote.
    let rules = repo.read(".sops.yaml");
    repo.write(".sops.yaml", &rules.replace(RECIPIENT, &second));
    let run = repo.fails(&["configure", "--yes"]);
    assert!(run.stderr.contains("config/own-key-missing"), "{}", run.stderr);
    // Nor is the configuration itself.
    repo.write("cluster.yaml", &with_recipients(&[&second]));
    let run = repo.fails(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    assert!(run.stderr.contains("config/own-key-missing"), "{}", run.stderr);
}

#[test]
fn a_key_of_the_environment_is_not_given_to_strangers() {
    let (stranger, strangers) = generate_identity();
    let (victim, victims) = generate_identity();
    let repo = Repo::with(&with_recipients(&[&strangers]));
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let env = [("SOPS_AGE_KEY", victim.expose())];
    let run = repo.run_with(&["configure", "--yes"], &env);
    assert!(
        run.code == 1 && run.stderr.contains("config/own-key-missing"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("unset `SOPS_AGE_KEY`"), "{}", run.stderr);
    assert_eq!(opens(&repo, stranger.expose()), [""; 0]);
    // Not even where the stranger lists the victim: the key is not the repository's.
    repo.write("cluster.yaml", &with_recipients(&[&strangers, &victims]));
    let run = repo.run_with(&["configure", "--yes"], &env);
    assert!(
        run.code == 1 && run.stderr.contains("--key-from-env"),
        "{}",
        run.stderr
    );
    assert_eq!(opens(&repo, stranger.expose()), [""; 0]);
    for (name, bytes) in repo.files() {
        assert!(
            !String::from_utf8_lossy(&bytes).contains(victim.expose()),
            "{name}"
        );
    }
}

#[test]
fn a_key_of_the_environment_is_the_repositorys_where_the_rules_name_it_or_init_was_told() {
    let repo = Repo::with(MINIMAL);
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    let env = [("SOPS_AGE_KEY", AGE_KEY.trim())];
    let before = repo.files();
    let run = repo.run_with(&["configure", "--check"], &env);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(!run.stdout.contains("not be verified"), "{}", run.stdout);
    assert_eq!(repo.files(), before);

    let (mine, public) = generate_identity();
    let fresh = Repo::empty();
    let env = [("SOPS_AGE_KEY", mine.expose())];
    let run = fresh.run_with(&["init", "--yes"], &env);
    assert!(
        run.code == 0 && format!("{}{}", run.stdout, run.stderr).contains("is left alone"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(!fresh.read("age.key").contains(mine.expose()));
    std::fs::remove_file(fresh.path("age.key")).expect("removed");
    let run = fresh.run_with(&["init", "--yes", "--key-from-env"], &env);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let key = fresh.read("age.key");
    assert!(
        key.contains(mine.expose()) && key.contains(&public),
        "age.key is that key"
    );
    let none = Repo::empty().fails(&["init", "--yes", "--key-from-env"]);
    assert!(none.stderr.contains("init/no-key-in-env"), "{}", none.stderr);
}

#[test]
fn a_second_key_in_ci_is_not_taken_for_the_repositorys() {
    let (ci, cis) = generate_identity();
    let repo = Repo::with(&with_recipients(&[RECIPIENT, &cis]));
    repo.ok(&["configure", "--yes"]);
    let before = repo.files();
    let is_as_before = |repo: &Repo| {
        let mut files = repo.files();
        files.insert("age.key".to_owned(), AGE_KEY.into());
        files == before
    };
    let without_key = |repo: &Repo| std::fs::remove_file(repo.path("age.key")).expect("removed");
    without_key(&repo);
    let env = [("SOPS_AGE_KEY", ci.expose())];
    let run = repo.run_with(&["configure", "--check"], &env);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(is_as_before(&repo), "a look writes nothing");
    // Nor in a repository of an older release, where it opens the file with the own key: that holds another one.
    repo.write("age.key", AGE_KEY);
    as_before(&repo, &[RECIPIENT, &cis]);
    let old = repo.read(OWN_KEY_FILE);
    without_key(&repo);
    let run = repo.run_with(&["configure", "--yes"], &env);
    assert!(
        run.code == 1 && run.stderr.contains("seal/keyless"),
        "{}",
        run.stderr
    );
    assert_eq!(repo.read(OWN_KEY_FILE), old);
}

#[test]
fn a_key_that_cannot_be_read_makes_nobody_seal_for_strangers_alone() {
    let (_, bobs) = generate_identity();
    let repo = Repo::with(&with_recipients(&[&bobs]));
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    repo.write("a.yaml", "stringData:\n  a: b\n");
    repo.write(".sops.yaml", &format!("creation_rules:\n  - age: {bobs}\n"));
    let before = repo.files();
    for (name, value) in [
        ("SOPS_AGE_KEY_FILE", "/nonexistent"),
        ("SOPS_AGE_KEY", "AGE-SECRET-KEY-1SLIP"),
        ("SOPS_AGE_KEY_CMD", "false"),
    ] {
        let run = repo.run_with(&["secrets", "encrypt", "-i", "cluster.yaml"], &[(name, value)]);
        assert!(
            run.code == 1 && run.stderr.contains(name),
            "{name}: {}",
            run.stderr
        );
        assert_eq!(repo.files(), before, "{name}");
        // Whom other files are for, their rule says.
        let run = repo.run_with(&["secrets", "encrypt", "a.yaml"], &[(name, value)]);
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
    }
}

#[test]
fn without_a_key_nothing_is_sealed_and_what_is_sealed_goes_on() {
    let repo = Repo::with(&with_recipients(&[RECIPIENT]));
    repo.ok(&["configure", "--yes"]);
    std::fs::remove_file(repo.path("age.key")).expect("removed");
    repo.ok(&["configure", "--check"]);
    // A key of the home that fits nothing counts as none.
    let (other, _) = generate_identity();
    let home = Repo::empty();
    home.write("sops/age/keys.txt", other.expose());
    let at = home.root().display().to_string();
    let run = repo.run_with(&["configure", "--check"], &[("XDG_CONFIG_HOME", at.as_str())]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    // A file that would be sealed is not: nobody here could tell for whom.
    let file = "kubernetes/apps/cert-manager/cert-manager/app/secret.sops.yaml";
    std::fs::remove_file(repo.path(file)).expect("removed");
    let run = repo.fails(&["configure", "--yes"]);
    assert!(run.stderr.contains("seal/keyless"), "{}", run.stderr);
    assert!(!repo.path(file).exists());
}

#[test]
fn a_slip_in_a_recipient_is_one_finding_at_its_place() {
    let wrong = RECIPIENT.replace("h9y8", "h9y9");
    let repo = Repo::with(&with_recipients(&[RECIPIENT, &wrong]));
    let run = repo.fails(&["-o", "concise", "validate"]);
    assert_eq!(run.stderr.matches("error").count(), 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("cluster.yaml:1:") && run.stderr.contains("config/bad-recipient"),
        "{}",
        run.stderr
    );
    repo.write(
        "cluster.yaml",
        &format!("backup_age_public_key: {wrong}\n{MINIMAL}"),
    );
    assert!(repo.fails(&["validate"]).stderr.contains("checksum"));
}

#[test]
fn an_encrypted_configuration_follows_its_recipients() {
    let (_, bobs) = generate_identity();
    let repo = Repo::with(&with_recipients(&[RECIPIENT, &bobs]));
    repo.ok(&["configure", "--yes"]);
    repo.ok(&["secrets", "encrypt", "-i", "cluster.yaml"]);
    let stale = |repo: &Repo| {
        let said = repo.ok(&["configure", "--yes"]).stderr;
        said.contains("config/stale-recipients")
    };
    let holds_bob = |repo: &Repo| repo.read("cluster.yaml").contains(&bobs);
    assert!(!stale(&repo) && holds_bob(&repo));
    repo.edit("cluster.yaml", &format!(", {bobs}]"), "]");
    assert!(stale(&repo), "what is set from now on would be for Bob as well");
    let set = |value: &str| {
        repo.ok(&["secrets", "set", "cluster.yaml", "cloudflare_token", value])
            .stderr
    };
    let told = set("brand-new-secret-0815");
    assert!(
        told.contains("secrets/other-recipients") && told.contains("updatekeys cluster.yaml"),
        "{told}"
    );
    let rotated = repo.ok(&["secrets", "rotate", "-i", "cluster.yaml"]).stderr;
    assert!(rotated.contains("secrets/other-recipients"), "{rotated}");
    repo.ok(&["secrets", "updatekeys", "--yes", "cluster.yaml"]);
    let told = set("brand-new-secret-0816");
    assert!(!told.contains("other-recipients"), "{told}");
    assert!(!stale(&repo) && !holds_bob(&repo));
}
