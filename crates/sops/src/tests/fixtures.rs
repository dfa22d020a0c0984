//! Files written by the real `sops` (versions in their names; 3.13.3 without one) from `plain.yaml`, with the
//! throw-away key beside them.

use std::sync::Arc;

use super::*;
use crate::keys::prompt::{Answers, Prompt};
use crate::rules::selector::Scope;
use crate::text::document::Documents;
use crate::text::walk::walk;

const PLAIN: &str = include_str!("../../tests/fixtures/plain.yaml");
const KEY: &str = include_str!("../../tests/fixtures/key.txt");

macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../tests/fixtures/", $name, ".yaml")))),*]
    };
}

const FILES: [(&str, &str); 10] = fixtures![
    "regex-v3.10.2",
    "regex-v3.12.2",
    "regex-v3.13.2",
    "regex-v3.13.3",
    "mac-only",
    "default",
    "encrypted-suffix",
    "unencrypted-regex",
    "unencrypted-comment-regex",
    "encrypted-comment-regex",
];

pub(super) fn leaves(text: &str) -> Vec<String> {
    let docs = Documents::parse(text).unwrap();
    let scope = Scope::new(&Selector::whole_document()).unwrap();
    let show = |leaf: &crate::text::walk::Leaf<'_>| {
        let value = match &leaf.typed {
            crate::text::typing::Typed::Value(plain) => plain.text().unwrap().to_owned(),
            other => format!("{other:?}"),
        };
        format!("{} {} {:?} {value}", leaf.doc, leaf.path, leaf.typed)
    };
    walk(&docs, &scope, false)
        .unwrap()
        .leaves
        .iter()
        .map(show)
        .collect()
}

pub(super) fn comments(text: &str) -> Vec<&str> {
    let mut comments: Vec<&str> = yaml::comments(text)
        .unwrap()
        .into_iter()
        .map(|range| &text[range])
        .collect();
    comments.sort_unstable();
    comments
}

#[test]
fn files_of_sops_open_with_every_selector_and_release() {
    let me = Identities::parse(KEY).unwrap();
    for (name, text) in FILES {
        let plain = decrypt(text, &me, MacCheck::Verify).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(leaves(plain.expose()), leaves(PLAIN), "{name}");
        assert_eq!(comments(plain.expose()), comments(PLAIN), "{name}");
        assert!(!plain.expose().contains("ENC["), "{name}");
    }
}

#[test]
fn a_file_of_sops_opens_with_a_post_quantum_key() {
    let [(_, text)] = fixtures!["pq"];
    let me = Identities::parse(include_str!("../../tests/fixtures/pq-key.txt")).unwrap();
    let plain = decrypt(text, &me, MacCheck::Verify).unwrap();
    assert_eq!(leaves(plain.expose()), leaves(PLAIN));
    let classic = Identities::parse(KEY).unwrap();
    assert!(decrypt(text, &classic, MacCheck::Verify).is_err());
}

#[test]
fn an_identity_file_that_age_put_behind_a_passphrase_opens() {
    let files: [&[u8]; 2] = [
        include_bytes!("../../tests/fixtures/locked-key.age"),
        include_bytes!("../../tests/fixtures/locked-key.bin"),
    ];
    let ask: Arc<dyn Prompt> = Arc::new(Answers(|_: &str| Some("correct horse")));
    // Opening one takes a second of work in a debug build, so the armoured one is opened and the other recognised.
    let locked = files.map(|file| Identities::read(file, "keys.txt", &ask).unwrap());
    assert!(locked.iter().all(Identities::is_locked));
    let plain = decrypt(FILES[3].1, &locked[0], MacCheck::Verify).unwrap();
    assert_eq!(leaves(plain.expose()), leaves(PLAIN));
}

#[test]
fn files_of_sops_fail_when_touched() {
    let me = Identities::parse(KEY).unwrap();
    for (name, text) in FILES {
        let bad = text.replacen("lastmodified: \"2026", "lastmodified: \"2025", 1);
        assert!(decrypt(&bad, &me, MacCheck::Verify).is_err(), "{name}");
        if name != "mac-only" {
            let bad = text.replacen("nothing: null", "nothing: added", 1);
            assert!(
                bad == text || decrypt(&bad, &me, MacCheck::Verify).is_err(),
                "{name}"
            );
        }
    }
}

#[test]
fn comments_that_sops_encrypted_stay_encrypted() {
    let me = Identities::parse(KEY).unwrap();
    let (_, existing) = FILES[3];
    let plain = decrypt(existing, &me, MacCheck::Verify).unwrap();
    let rule = EncryptionRule {
        recipients: crate::status(existing)
            .unwrap()
            .recipients
            .iter()
            .map(|r| Recipient::new(r).unwrap())
            .collect(),
        selector: Selector::EncryptedRegex("^(data|stringData)$".to_owned()),
        mac_only_encrypted: false,
        indent: 4,
        groups: None,
    };
    let new = plain
        .expose()
        .replace("hunter2", "hunter3")
        .replace("# below", "# new, below");
    let updated = update(existing, &new, &rule, &me, &mut FixedEntropy::new(5)).unwrap();
    // `int`, `float`, `bool` and `time` become text, as Kubernetes needs it; `password` is new.
    let Updated::Changed {
        text,
        encrypted,
        kept,
        rotated,
    } = updated
    else {
        panic!("unchanged")
    };
    assert_eq!((encrypted, kept, rotated), (5, 5, false));
    for comment in ["above", "beside", "first of", "inside", "last of", "below"] {
        assert!(!text.contains(comment), "{comment}\n{text}");
    }
    let sealed = existing.lines().filter(|line| line.contains("type:comment"));
    let gone = sealed
        .filter(|line| !text.contains(&line[line.rfind("ENC[").unwrap()..]))
        .count();
    assert_eq!(gone, 1, "only the edited comment has a new ciphertext");
    let again = decrypt(&text, &me, MacCheck::Verify).unwrap();
    assert_eq!(comments(again.expose()), comments(&new));
}
