//! JSON, dotenv, INI and binary files, and key groups: files of the real `sops` and our own.

use proptest::prelude::*;

use super::generate::Generator;
use super::*;
use crate::KeyGroups;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../tests/fixtures/", $name))
    };
}

const KEY: &str = fixture!("key.txt");
const PQ_KEY: &str = fixture!("pq-key.txt");
const BINARY: &[u8] = include_bytes!("../../tests/fixtures/plain.bin");

fn me() -> Identities {
    Identities::parse(KEY).unwrap()
}

fn dec(format: Format, text: &str) -> String {
    let bytes = format
        .decrypt(text, &me(), MacCheck::Verify)
        .unwrap_or_else(|error| panic!("{format}: {error}\n{text}"));
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn json_of_sops_opens() {
    let expected = json(fixture!("opened.json"));
    for text in [
        fixture!("sealed.json"),
        fixture!("old.json"),
        fixture!("mac-only.json"),
    ] {
        let plain = dec(Format::Json, text);
        assert_eq!(json(&plain), json_numbers(&expected, &plain), "{plain}");
        assert!(!plain.contains("sops") && plain.ends_with("\n}\n"), "{plain}");
    }
    // Byte for byte what sops itself gives back.
    assert_eq!(
        dec(Format::Json, fixture!("sealed.json")),
        fixture!("opened.json")
    );
}

/// `1.0` that stayed plain and `1` are the same number for SOPS.
fn json_numbers(expected: &serde_json::Value, plain: &str) -> serde_json::Value {
    let mut expected = expected.clone();
    let plain = json(plain);
    for key in ["float", "exponent", "big", "open_unencrypted"] {
        let same = |a: &serde_json::Value, b: &serde_json::Value| a.as_f64() == b.as_f64();
        if key == "open_unencrypted" {
            assert!(same(&expected[key]["n"], &plain[key]["n"]));
        } else {
            assert!(same(&expected[key], &plain[key]), "{key}");
        }
        expected[key] = plain[key].clone();
    }
    expected
}

#[test]
fn dotenv_and_binary_of_sops_open_to_the_same_bytes() {
    for text in [fixture!("sealed.env"), fixture!("old.env")] {
        assert_eq!(dec(Format::Dotenv, text), fixture!("opened.env"));
    }
    for text in [fixture!("sealed.bin"), fixture!("old.bin")] {
        let bytes = Format::Binary.decrypt(text, &me(), MacCheck::Verify).unwrap();
        assert_eq!(*bytes, BINARY);
    }
}

#[test]
fn ini_of_sops_opens_to_the_same_values() {
    for text in [fixture!("sealed.ini"), fixture!("old.ini")] {
        let plain = dec(Format::Ini, text);
        let values = |text: &str| {
            let lines = crate::text::lines::ini(text).unwrap();
            let mut found = Vec::new();
            for (section, keys) in lines.root.entries() {
                for (key, value) in keys.entries() {
                    found.push([section, key, value].map(|node| node.as_str().unwrap().to_owned()));
                }
            }
            found
        };
        assert_eq!(values(&plain), values(fixture!("opened.ini")));
        for comment in ["; top", "; of sec", "; d\n; two lines\n"] {
            assert!(plain.contains(comment), "{comment}\n{plain}");
        }
        assert!(!plain.contains("ENC[") && !plain.contains("[sops]"), "{plain}");
    }
}

#[test]
fn every_format_comes_back_byte_for_byte_and_an_update_without_a_change_writes_nothing() {
    let me = person();
    let rule = whole(&[&me]);
    let files: [(Format, &[u8]); 9] = [
        (Format::Json, fixture!("plain.json").as_bytes()),
        (Format::Json, b"{\"a\": \"b\", \"c\": {\"d\": 1}}\n"),
        (Format::Json, b"{\n\t\"a\": \"b\"\n}\n"),
        (Format::Dotenv, fixture!("plain.env").as_bytes()),
        (Format::Ini, fixture!("plain.ini").as_bytes()),
        (Format::Ini, b"[a]\nb = c\n\n"),
        (Format::Binary, BINARY),
        (Format::Binary, b"text\n"),
        (Format::Binary, b""),
    ];
    for (format, plain) in files {
        let enc = format
            .encrypt(plain, &rule, &mut FixedEntropy::new(1))
            .unwrap_or_else(|error| panic!("{format}: {error}"));
        if format == Format::Json {
            json(&enc);
        }
        let back = format.decrypt(&enc, &me.identities, MacCheck::Verify);
        let back = back.unwrap_or_else(|error| panic!("{format}: {error}\n{enc}"));
        let shown = String::from_utf8_lossy(&back);
        if !String::from_utf8_lossy(plain).contains("1.50") {
            let expected = String::from_utf8_lossy(plain);
            assert_eq!(unquoted(&shown), unquoted(&expected), "{format}\n{enc}");
        }
        let update = |existing: &str, plain: &[u8]| {
            let mut entropy = FixedEntropy::new(2);
            "2027-01-01T00:00:00Z".clone_into(&mut entropy.time);
            format
                .update(existing, plain, &rule, &me.identities, &mut entropy)
                .unwrap()
        };
        assert_eq!(update(&enc, plain), Updated::Unchanged, "{format}\n{enc}");
        if !plain.is_empty() {
            let status = format.status(&enc).unwrap();
            assert!(
                status.unsealed.is_empty() && status.sealed > 0,
                "{format} {status:?}"
            );
        }
    }
}

/// INI values come back in another kind of quotes.
fn unquoted(text: &str) -> String {
    text.replace("\"two words\"", "two words")
}

#[test]
fn a_changed_value_changes_its_line_and_the_stamps_in_every_format() {
    let me = person();
    let rule = whole(&[&me]);
    for (format, plain, from, to) in [
        (
            Format::Json,
            fixture!("plain.json"),
            "\"k\": \"v\"",
            "\"k\": \"w\"",
        ),
        (Format::Dotenv, fixture!("plain.env"), "KEY=value", "KEY=other"),
        (Format::Ini, fixture!("plain.ini"), "last = z", "last = y"),
    ] {
        let enc = format
            .encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(1))
            .unwrap();
        let mut entropy = FixedEntropy::new(2);
        "2027-01-01T00:00:00Z".clone_into(&mut entropy.time);
        let new = plain.replace(from, to);
        assert_ne!(new, plain);
        let out = format.update(&enc, new.as_bytes(), &rule, &me.identities, &mut entropy);
        let Ok(Updated::Changed {
            text, encrypted: 1, ..
        }) = out
        else {
            panic!("{format}: {out:?}")
        };
        let lines = changed_lines(&enc, &text);
        assert_eq!(lines.len(), 3, "{format}\n{lines:#?}");
        let back = format.decrypt(&text, &me.identities, MacCheck::Verify).unwrap();
        assert!(String::from_utf8_lossy(&back).contains(to));
    }
}

#[test]
fn what_a_format_cannot_hold_is_refused() {
    let me = person();
    let rule = whole(&[&me]);
    let refused = |format: Format, plain: &[u8]| {
        let result = format.encrypt(plain, &rule, &mut FixedEntropy::new(1));
        result.expect_err("refused")
    };
    assert!(matches!(
        refused(Format::Json, b"[1]"),
        SopsError::NotAMapping { .. }
    ));
    assert!(matches!(refused(Format::Json, b"\xff"), SopsError::Syntax { .. }));
    for (format, plain) in [
        (Format::Json, "{\"sops\": 1, \"a\": \"b\"}"),
        (Format::Dotenv, "A=b\nsops_mac=x\n"),
        (Format::Ini, "[a]\nb=c\n[sops]\nmac=x\n"),
    ] {
        let error = refused(format, plain.as_bytes());
        assert!(matches!(error, SopsError::AlreadyEncrypted { .. }), "{error:?}");
    }
}

#[test]
fn tampering_is_noticed_in_every_format() {
    for (format, text) in [
        (Format::Json, fixture!("sealed.json")),
        (Format::Dotenv, fixture!("sealed.env")),
        (Format::Ini, fixture!("sealed.ini")),
        (Format::Binary, fixture!("sealed.bin")),
    ] {
        let at = text.find("data:").unwrap() + 5;
        let other = if text[at..].starts_with('A') { "B" } else { "A" };
        let bad = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        for check in [MacCheck::Verify, MacCheck::Ignore] {
            // A comment that does not open was never encrypted, says SOPS.
            let comment = text[..at].lines().next_back().unwrap().starts_with(['#', ';']);
            assert!(comment || format.decrypt(&bad, &me(), check).is_err(), "{format}");
        }
        let bad = text.replacen("2026-", "2025-", 1);
        assert!(format.decrypt(&bad, &me(), MacCheck::Verify).is_err(), "{format}");
        assert!(format.decrypt(&bad, &me(), MacCheck::Ignore).is_ok(), "{format}");
        let bad = text.replacen("shown", "other", 1);
        if bad != text {
            assert!(format.decrypt(&bad, &me(), MacCheck::Verify).is_err(), "{format}");
        }
    }
}

#[test]
fn key_groups_of_sops_open_when_enough_keys_come_together() {
    let mut both = me();
    both.extend(Identities::parse(PQ_KEY).unwrap());
    for (format, text) in [
        (Format::Yaml, fixture!("groups.yaml")),
        (Format::Dotenv, fixture!("groups.env")),
    ] {
        assert!(format.decrypt(text, &both, MacCheck::Verify).is_ok(), "{format}");
        assert_eq!(
            format.decrypt(text, &me(), MacCheck::Verify).unwrap_err(),
            SopsError::TooFewGroups {
                opened: 1,
                threshold: 2
            }
        );
        let nobody = person().identities;
        let error = format.decrypt(text, &nobody, MacCheck::Verify).unwrap_err();
        assert!(matches!(error, SopsError::NoIdentityMatches { .. }));
        assert_eq!(format.status(text).unwrap().recipients.len(), 3);
    }
}

#[test]
fn key_groups_are_written_kept_and_changed() {
    let people = [person(), person(), person()];
    let groups = |threshold| {
        let all = people
            .iter()
            .map(|person| vec![person.recipient.clone()])
            .collect();
        KeyGroups::new(all, threshold).unwrap()
    };
    let rule = |threshold| EncryptionRule {
        groups: Some(groups(threshold)),
        ..rule(&people.each_ref())
    };
    let together = |number: usize| {
        let mut all = Identities::default();
        people[..number]
            .iter()
            .for_each(|person| all.extend(person.identities.clone()));
        all
    };
    let plain = "kind: Secret\nstringData:\n  a: one\n";
    let enc = sealed(plain, &rule(2));
    assert!(enc.contains("key_groups:") && enc.contains("shamir_threshold: 2") && !enc.contains("\n  age:"));
    assert_eq!(
        decrypt(&enc, &together(2), MacCheck::Verify).unwrap().expose(),
        plain
    );
    assert!(decrypt(&enc, &together(1), MacCheck::Verify).is_err());

    let renewed = |existing: &str, plain: &str, rule: &EncryptionRule| {
        update(existing, plain, rule, &together(3), &mut FixedEntropy::new(9)).unwrap()
    };
    assert_eq!(renewed(&enc, plain, &rule(2)), Updated::Unchanged);
    let Updated::Changed {
        text, rotated: false, ..
    } = renewed(&enc, "kind: Secret\nstringData:\n  a: two\n", &rule(2))
    else {
        panic!("one value changed")
    };
    // The time of the tests stands still: the value and the MAC.
    assert_eq!(changed_lines(&enc, &text).len(), 2, "the shares stay");
    let Updated::Changed {
        text, rotated: true, ..
    } = renewed(&enc, plain, &rule(3))
    else {
        panic!("another threshold asks for a new data key")
    };
    assert!(decrypt(&text, &together(2), MacCheck::Verify).is_err());
    assert!(decrypt(&text, &together(3), MacCheck::Verify).is_ok());
    for (all, threshold) in [(1, 0), (3, 1), (3, 4)] {
        let all = people[..all]
            .iter()
            .map(|person| vec![person.recipient.clone()])
            .collect();
        assert!(KeyGroups::new(all, threshold).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn json_comes_back_in_its_layout(seed in any::<u64>(), size in 1_usize..6, all in any::<bool>()) {
        let plain = Generator::new(seed).json(size);
        let me = person();
        let rule = if all { whole(&[&me]) } else { rule(&[&me]) };
        let enc = Format::Json.encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(1)).unwrap();
        json(&enc);
        let back = Format::Json.decrypt(&enc, &me.identities, MacCheck::Verify).unwrap();
        let back = String::from_utf8(back.to_vec()).unwrap();
        // Numbers and strings that were encrypted come back in their shortest form.
        prop_assert_eq!(loose(json(&back)), loose(json(&plain)), "\n{}\n----\n{}", plain, back);
        prop_assert_eq!(back.lines().count(), plain.lines().count());
        let same = Format::Json.update(&enc, plain.as_bytes(), &rule, &me.identities, &mut FixedEntropy::new(2));
        prop_assert_eq!(same.unwrap(), Updated::Unchanged);
    }

    #[test]
    fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let me = person();
        let rule = whole(&[&me]);
        let enc = Format::Binary.encrypt(&bytes, &rule, &mut FixedEntropy::new(1)).unwrap();
        let back = Format::Binary.decrypt(&enc, &me.identities, MacCheck::Verify).unwrap();
        prop_assert_eq!(&*back, &bytes);
    }

    #[test]
    fn dotenv_lines_come_back(values in proptest::collection::vec("[ -~é]{0,20}", 1..8)) {
        let plain: String = values.iter().enumerate().map(|(i, value)| format!("K{i}={value}\n")).collect();
        prop_assume!(!values.iter().all(String::is_empty));
        let me = person();
        let rule = whole(&[&me]);
        let enc = Format::Dotenv.encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(1)).unwrap();
        let back = Format::Dotenv.decrypt(&enc, &me.identities, MacCheck::Verify).unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&back), plain);
    }
}

/// Numbers as floats, for `1.0` and `1` are the same to SOPS.
pub(super) fn loose(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) => serde_json::json!(number.as_f64()),
        Value::Array(items) => Value::Array(items.into_iter().map(loose).collect()),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, loose(value))).collect())
        }
        other => other,
    }
}
