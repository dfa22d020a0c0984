use sops::{Nobody, generate_identity, generate_post_quantum_identity};

use super::*;
use crate::sys::root::Root;

fn nobody() -> Arc<dyn Prompt> {
    Arc::new(Nobody)
}

fn outcomes(keyring: &Keyring) -> Vec<(&str, &Outcome)> {
    keyring
        .sources
        .iter()
        .map(|source| (source.name.as_str(), &source.outcome))
        .collect()
}

#[test]
fn default_files_are_where_sops_looks() {
    let home = Home {
        xdg_config_home: None,
        home: Some("/h".into()),
        app_data: Some("/a".into()),
    };
    let file = |os| default_key_file(&home, os).unwrap();
    assert_eq!(file("linux"), Path::new("/h/.config/sops/age/keys.txt"));
    assert_eq!(
        file("macos"),
        Path::new("/h/Library/Application Support/sops/age/keys.txt")
    );
    assert_eq!(file("windows"), Path::new("/a/sops/age/keys.txt"));
    let xdg = Home {
        xdg_config_home: Some("/x".into()),
        ..home.clone()
    };
    for os in ["linux", "macos"] {
        let found = default_key_file(&xdg, os).unwrap();
        assert_eq!(found, Path::new("/x/sops/age/keys.txt"));
    }
    assert_eq!(default_key_file(&Home::default(), "linux"), None);
    assert_eq!(default_ssh_files(&home)[1], Path::new("/h/.ssh/id_rsa"));
}

#[test]
fn all_sources_are_merged_and_age_key_is_the_repositorys() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, my_public) = generate_identity();
    let (variable, variable_public) = generate_post_quantum_identity();
    let (home, home_public) = generate_identity();
    std::fs::write(dir.path().join("age.key"), format!("# mine\n{}\n", mine.expose())).unwrap();
    std::fs::write(dir.path().join("keys.txt"), home.expose()).unwrap();
    let sources = Sources {
        age_key: Some(variable),
        default_files: vec![dir.path().join("keys.txt"), dir.path().join("absent.txt")],
        ..Sources::default()
    };
    let (keyring, findings) = gather(&Root::new(dir.path()), &sources, &nobody());
    assert!(findings.is_empty(), "{findings:?}");
    let recipients: Vec<String> = keyring.all.recipients().iter().map(ToString::to_string).collect();
    assert_eq!(
        recipients,
        [my_public.clone(), variable_public.clone(), home_public]
    );
    assert_eq!(keyring.named[0].recipients, [variable_public]);
    assert_eq!(keyring.own.as_ref().unwrap().recipients, [my_public]);
    assert_eq!(keyring.sources[3].outcome, Outcome::Absent);
    assert!(
        keyring.sources[1]
            .to_string()
            .starts_with("`SOPS_AGE_KEY` holds the key of age1pq1")
    );
    assert!(keyring.sources[1].to_string().len() < 80, "shortened");

    std::fs::remove_file(dir.path().join("age.key")).unwrap();
    let only_home = Sources {
        age_key: None,
        ..sources
    };
    let (keyring, _) = gather(&Root::new(dir.path()), &only_home, &nobody());
    assert!(keyring.own.is_none(), "a key in the home is not the repository's");
    assert_eq!(keyring.all.recipients().len(), 1);
}

#[test]
fn what_is_wrong_with_a_named_source_is_an_error_and_with_a_default_one_a_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("broken.txt"), "SECRETCANARY\n").unwrap();
    std::fs::write(dir.path().join("empty.txt"), "# nothing\n").unwrap();
    let sources = Sources {
        age_key_file: Some(dir.path().join("none.txt")),
        ssh_key_file: Some(dir.path().join("broken.txt")),
        default_files: vec![dir.path().join("broken.txt"), dir.path().join("empty.txt")],
        ..Sources::default()
    };
    let (keyring, findings) = gather(&Root::new(dir.path()), &sources, &nobody());
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(keyring.all.is_empty());
    let found = outcomes(&keyring);
    assert_eq!(found[0], ("age.key", &Outcome::Absent));
    assert_eq!(found[1], ("SOPS_AGE_KEY_FILE", &Outcome::Absent));
    assert!(matches!(found[3].1, Outcome::Invalid(why) if why.contains("line 1")));
    assert_eq!(found[4].1, &Outcome::Empty(None));
    assert!(!format!("{keyring:?} {findings:?}").contains("SECRETCANARY"));
}

#[cfg(unix)]
#[test]
fn a_command_is_asked_at_once_where_nothing_else_is_named_and_else_when_needed() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, public) = generate_identity();
    std::fs::write(dir.path().join("keys.txt"), mine.expose()).unwrap();
    let sources = Sources {
        age_key_command: Some(format!("cat '{}'", dir.path().join("keys.txt").display())),
        ..Sources::default()
    };
    let (keyring, findings) = gather(&Root::new(dir.path()), &sources, &nobody());
    assert!(findings.is_empty());
    assert!(
        keyring.own.is_none(),
        "a variable names no key of the repository's"
    );
    assert_eq!(keyring.named[0].source, "SOPS_AGE_KEY_CMD");
    assert_eq!(keyring.named[0].recipients, std::slice::from_ref(&public));

    let (other, _) = generate_identity();
    std::fs::write(dir.path().join("age.key"), other.expose()).unwrap();
    let (keyring, _) = gather(&Root::new(dir.path()), &sources, &nobody());
    assert_eq!(keyring.sources[1].outcome, Outcome::Deferred);
    let rule = sops::EncryptionRule::secrets(vec![sops::Recipient::new(&public).unwrap()]);
    let plain = "kind: Secret\nstringData: {a: b}\n";
    let enc = sops::encrypt(plain, &rule, &mut crate::sys::FixedEntropy::new(1)).unwrap();
    assert!(sops::decrypt(&enc, &keyring.all, sops::MacCheck::Verify).is_ok());

    let failing = Sources {
        age_key_command: Some("false".to_owned()),
        ..Sources::default()
    };
    let (keyring, _) = gather(&Root::new(dir.path()), &failing, &nobody());
    let error = sops::decrypt(&enc, &keyring.all, sops::MacCheck::Verify).unwrap_err();
    let SopsError::NoIdentityMatches { tried, .. } = error else {
        panic!("{error:?}")
    };
    assert!(tried.iter().any(|line| line.contains("exit code 1")), "{tried:?}");
    assert!(
        tried
            .iter()
            .any(|line| line.starts_with("`age.key` holds the key of")),
        "{tried:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_command_can_give_an_ssh_key() {
    let dir = tempfile::tempdir().unwrap();
    let ssh = include_str!("../../../tests/support/github-deploy.key");
    std::fs::write(dir.path().join("id_ed25519"), ssh).unwrap();
    let sources = Sources {
        ssh_key_command: Some(format!("cat '{}'", dir.path().join("id_ed25519").display())),
        ..Sources::default()
    };
    let (keyring, findings) = gather(&Root::new(dir.path()), &sources, &nobody());
    assert!(keyring.own.is_none(), "an SSH key is never the repository's");
    if cfg!(not(feature = "ssh")) {
        assert_eq!(findings.len(), 1);
        assert_eq!(keyring.sources[1].outcome, Outcome::Empty(Some("SSH key")));
        return;
    }
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(keyring.sources[1].outcome, Outcome::Deferred);
    let public = Sources {
        default_ssh_files: vec![dir.path().join("id_ed25519")],
        ..Sources::default()
    };
    let public = gather(&Root::new(dir.path()), &public, &nobody())
        .0
        .all
        .recipients();
    let plain = "kind: Secret\nstringData: {a: b}\n";
    let enc = sops::encrypt(
        plain,
        &sops::EncryptionRule::secrets(public),
        &mut crate::sys::FixedEntropy::new(1),
    )
    .unwrap();
    assert!(sops::decrypt(&enc, &keyring.all, sops::MacCheck::Verify).is_ok());
}
