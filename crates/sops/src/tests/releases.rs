//! Files of releases since 3.7, in every format and with every kind of selector: `tests/conformance/releases.sh` has
//! them made. Each must open, with its MAC, to what it was made from, and take every change.

use super::fixtures::{comments, leaves};
use super::*;
use crate::text::lines;

const PLAIN: &str = include_str!("../../tests/fixtures/plain.yaml");
const KEY: &str = include_str!("../../tests/fixtures/key.txt");
const SECOND_KEY: &str = include_str!("../../tests/fixtures/releases/second-key.txt");
const NUMBERS: &str = include_str!("../../tests/fixtures/releases/numbers.json");

macro_rules! releases {
    ($($release:literal: $($name:literal)*;)*) => {
        [$($((concat!($release, "/", $name),
            include_str!(concat!("../../tests/fixtures/releases/", $release, "/", $name)))),*),*]
    };
}

const FILES: [(&str, &str); 44] = releases! {
    "3.7.3": "default.yaml" "encrypted-suffix.yaml" "encrypted-regex.yaml" "unencrypted-regex.yaml" "groups.yaml"
        "sealed.json" "numbers.json" "sealed.env" "sealed.ini" "sealed.bin";
    "3.8.1": "default.yaml" "encrypted-suffix.yaml" "encrypted-regex.yaml" "unencrypted-regex.yaml" "groups.yaml"
        "sealed.json" "numbers.json" "sealed.env" "sealed.ini" "sealed.bin";
    "3.9.4": "default.yaml" "encrypted-suffix.yaml" "encrypted-regex.yaml" "unencrypted-regex.yaml" "groups.yaml"
        "sealed.json" "numbers.json" "sealed.env" "sealed.ini" "sealed.bin" "mac-only.yaml";
    "3.11.0": "default.yaml" "encrypted-suffix.yaml" "encrypted-regex.yaml" "unencrypted-regex.yaml" "groups.yaml"
        "sealed.json" "numbers.json" "sealed.env" "sealed.ini" "sealed.bin" "mac-only.yaml";
    "3.12.2": "numbers.json";
    "3.13.3": "numbers.json";
};

fn me() -> Identities {
    let mut me = Identities::parse(KEY).unwrap();
    me.extend(Identities::parse(SECOND_KEY).unwrap());
    me
}

fn opened(name: &str, text: &str) -> String {
    let bytes = Format::of(name).decrypt(text, &me(), MacCheck::Verify);
    let bytes = bytes.unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_yaml((name, _): &(&str, &str)) -> bool {
    Format::of(name) == Format::Yaml
}

#[test]
fn every_release_opens_to_what_it_was_made_from() {
    let dateless = PLAIN.replace("2024-01-01", "\"2024-01-01\"");
    for (name, text) in FILES {
        let plain = opened(name, text);
        let (_, file) = name.split_once('/').unwrap();
        match file {
            "sealed.json" => assert_eq!(
                floats(&plain),
                floats(include_str!("../../tests/fixtures/plain.json")),
                "{name}"
            ),
            // What was encrypted stays a float, and no other has lost digits that the release had not lost.
            "numbers.json" => assert_eq!(floats(&plain), floats(NUMBERS), "{name}"),
            "sealed.env" => {
                assert_eq!(plain, include_str!("../../tests/fixtures/opened.env"), "{name}");
            }
            "sealed.ini" => {
                let expected = include_str!("../../tests/fixtures/opened.ini");
                assert_eq!(ini(&plain), ini(expected), "{name}");
            }
            "sealed.bin" => {
                let expected = include_bytes!("../../tests/fixtures/plain.bin");
                assert_eq!(plain, String::from_utf8_lossy(expected), "{name}");
            }
            _ => {
                assert_eq!(leaves(&plain), leaves(&dateless), "{name}");
                assert_eq!(comments(&plain), comments(&dateless), "{name}");
            }
        }
        assert!(
            !plain.contains("ENC[") && !plain.contains("sops"),
            "{name}\n{plain}"
        );
    }
}

/// JSON with its numbers as floats, which is what these releases read.
fn floats(text: &str) -> serde_json::Value {
    stores::loose(serde_json::from_str(text).unwrap())
}

fn ini(text: &str) -> Vec<String> {
    let root = lines::ini(text).unwrap().root.to_json();
    let sections = root.as_object().unwrap().iter();
    sections.map(|(name, keys)| format!("{name} {keys}")).collect()
}

#[test]
fn every_release_takes_a_new_value_and_a_new_key() {
    let path = KeyPath::parse("stringData.password").unwrap();
    let value = NewValue::parse("canary", Format::Yaml);
    for (name, text) in FILES.into_iter().filter(is_yaml) {
        let new = set(text, 0, &path, &value, &me(), &mut FixedEntropy::new(3));
        let new = new.unwrap_or_else(|error| panic!("{name}: {error}")).unwrap();
        let expected = opened(name, text).replace("hunter2", "canary");
        assert_eq!(leaves(&opened(name, &new)), leaves(&expected), "{name}");
        assert_eq!(comments(&opened(name, &new)), comments(&expected), "{name}");
        assert!(!new.contains("canary") || name.contains("suffix"), "{name}");
        let new = rotate(text, &[], &[], &me(), &mut FixedEntropy::new(4));
        let new = new.unwrap_or_else(|error| panic!("{name}: {error}")).text;
        assert_eq!(opened(name, &new), opened(name, text), "{name}");
        let old = text.lines().filter(|line| line.contains("ENC["));
        assert_eq!(old.filter(|line| new.contains(*line)).count(), 0, "{name}");
    }
}

#[test]
fn every_release_takes_an_edit() {
    for (name, text) in FILES.into_iter().filter(is_yaml) {
        let plain = opened(name, text);
        assert_eq!(
            replace(text, &plain, &me(), &mut FixedEntropy::new(5)).unwrap(),
            None,
            "{name}"
        );
        let edited = plain.replace("hunter2", "canary");
        let new = replace(text, &edited, &me(), &mut FixedEntropy::new(5));
        let new = new.unwrap_or_else(|error| panic!("{name}: {error}")).unwrap();
        let again = opened(name, &new);
        assert_eq!(comments(&again), comments(&plain), "{name}");
        assert!(
            again.contains("password: canary") && again.contains("second: document"),
            "{name}"
        );
        assert!(
            !new.contains("# above") || name.contains("suffix"),
            "{name}\n{new}"
        );
    }
}

#[test]
fn every_release_takes_an_update_in_the_other_formats() {
    for (name, text) in FILES.into_iter().filter(|file| !is_yaml(file)) {
        let format = Format::of(name);
        let selector = if name.ends_with("numbers.json") {
            Selector::EncryptedRegex("^text$".to_owned())
        } else {
            Selector::whole_document()
        };
        let recipients = format.status(text).unwrap().recipients;
        let rule = EncryptionRule {
            recipients: recipients
                .iter()
                .map(|text| Recipient::new(text).unwrap())
                .collect(),
            selector,
            mac_only_encrypted: false,
            indent: 4,
            groups: None,
        };
        let update = |plain: &[u8]| {
            format
                .update(text, plain, &rule, &me(), &mut FixedEntropy::new(6))
                .unwrap()
        };
        let plain = format.decrypt(text, &me(), MacCheck::Verify).unwrap();
        match update(&plain) {
            Updated::Unchanged => assert!(!text.contains("-0"), "{name}"),
            // What releases read differently becomes what they read alike.
            Updated::Changed {
                text, encrypted: 0, ..
            } if name.ends_with("numbers.json") => {
                assert!(
                    text.contains("\"zero\": 0,") && text.contains("\"point\": 0,"),
                    "{name}\n{text}"
                );
            }
            // A comment of two lines becomes two comments.
            Updated::Changed { .. } => assert_eq!(format, Format::Ini, "{name}"),
        }
        let plain = String::from_utf8_lossy(&plain).into_owned();
        let new = match format {
            Format::Json => plain.replacen("\": \"", "\": \"canary", 1),
            Format::Dotenv => plain.replace("KEY=value", "KEY=canary"),
            Format::Ini => plain.replace("= z", "= canary"),
            _ => "canary".to_owned(),
        };
        let Updated::Changed {
            text, encrypted: 1, ..
        } = update(new.as_bytes())
        else {
            panic!("{name}: one value changed")
        };
        let new = new.replace(": -0,", ": 0,");
        assert_eq!(opened(name, &text).trim_end(), new.trim_end(), "{name}");
        assert!(!text.contains("canary"), "{name}");
    }
}

#[test]
fn every_release_fails_when_touched() {
    for (name, text) in FILES {
        let format = Format::of(name);
        let bad = text.replacen("2026-11-21", "2026-11-22", 1);
        assert!(
            bad != text && format.decrypt(&bad, &me(), MacCheck::Verify).is_err(),
            "{name}"
        );
    }
    // Numbers that are the same as floats are still told apart.
    let numbers = FILES
        .into_iter()
        .filter(|(name, _)| name.ends_with("numbers.json"));
    for (name, text) in numbers {
        for (from, to) in [
            ("-0,", "1,"),
            ("9007199254740992", "9007199254740991"),
            ("9007199254740992", "9007199254740993"),
        ] {
            let bad = text.replacen(from, to, 1);
            let opens = Format::Json.decrypt(&bad, &me(), MacCheck::Verify).is_ok();
            assert!(bad == text || !opens, "{name}: {from}");
        }
    }
}

#[test]
fn numbers_that_older_releases_read_differently_are_named() {
    let me = person();
    let inexact = |plain: &str, rule: &EncryptionRule| {
        let enc = Format::Json
            .encrypt(plain.as_bytes(), rule, &mut FixedEntropy::new(7))
            .unwrap();
        let found = Format::Json.status(&enc).unwrap().inexact;
        let found = found
            .into_iter()
            .map(|(path, span)| format!("{path} {}", &enc[span]));
        found.collect::<Vec<_>>()
    };
    let rule = EncryptionRule {
        selector: Selector::EncryptedRegex("^text$".to_owned()),
        ..whole(&[&me])
    };
    assert_eq!(
        inexact(NUMBERS, &rule),
        ["list[5] 9007199254740993", "list[6] -9223372036854775808"]
    );
    let only = EncryptionRule {
        mac_only_encrypted: true,
        ..rule
    };
    assert!(inexact(NUMBERS, &only).is_empty());
    assert!(inexact("{\"a\": 9007199254740993}", &whole(&[&me])).is_empty());
}

#[test]
fn a_float_that_is_minus_zero_stays_one() {
    let me = person();
    let rule = whole(&[&me]);
    let plain = "{\"a\": -0.0}\n";
    let enc = Format::Json
        .encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(8))
        .unwrap();
    let back = Format::Json
        .decrypt(&enc, &me.identities, MacCheck::Verify)
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&back), plain);
    let same = Format::Json.update(&enc, &back, &rule, &me.identities, &mut FixedEntropy::new(9));
    assert_eq!(same.unwrap(), Updated::Unchanged);
}
