//! What the format leaves open, exactly: every place of a file where a single flipped bit goes unnoticed, and every
//! larger change that does. The list stands in the documentation of `sops`, and in `docs/keys.md`.

use std::collections::BTreeSet;

use super::*;
use crate::ops::opened::Opened;
use crate::text::document::Documents;
use crate::text::metadata::Metadata;
use crate::text::value::DataKey;

const TEXT: &str = "# comment\nkind: Secret\nmeta:\n  shown: value\nstringData:\n  a: one\n  list: [p, q]\n  empty: \"\"\n  none: null\n";

fn data_key(enc: &str, me: &Person) -> DataKey {
    let docs = Documents::parse(enc).unwrap();
    let metadata = Metadata::read(&docs).unwrap();
    crate::keys::groups::open(&metadata, &me.identities).unwrap()
}

/// Opens without the work of age, whose files are authenticated on their own.
fn opens(text: &str, key: &DataKey) -> bool {
    let open = || {
        let docs = Documents::parse(text)?;
        Opened::with_key(&docs, Metadata::read(&docs)?, key.clone())?.verify()
    };
    open().is_ok()
}

/// Returns the place of a byte in words: what part of which line it is.
fn place(enc: &str, at: usize) -> String {
    let start = enc[..at].rfind('\n').map_or(0, |at| at + 1);
    let line = enc[start..].lines().next().unwrap_or_default();
    let bare = line.trim_start();
    if bare.starts_with('#') {
        return "comment".to_owned();
    }
    let column = at - start;
    let indent = line.len() - bare.len();
    let Some((key, _)) = line.split_once(':') else {
        return if column < indent { "indentation" } else { "enc" }.to_owned();
    };
    let name = key.trim().trim_start_matches("- ");
    let part = match column {
        _ if column < indent => return "indentation".to_owned(),
        _ if column < key.len() => "key",
        _ if column == key.len() => "colon",
        _ if column == line.len() => return "line break".to_owned(),
        _ => "value",
    };
    format!("{part} of {name}")
}

/// Returns the places where some flipped bit is not noticed.
fn open_places(enc: &str, key: &DataKey) -> BTreeSet<String> {
    let mut open = BTreeSet::new();
    for at in 0..enc.len() {
        if matches!(place(enc, at).as_str(), "enc" | "value of enc") {
            continue;
        }
        for bit in 0..8 {
            let mut bytes = enc.as_bytes().to_vec();
            bytes[at] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes)
                && opens(&text, key)
            {
                open.insert(place(enc, at));
            }
        }
    }
    open
}

fn list(places: &[&str]) -> BTreeSet<String> {
    places.iter().map(|place| (*place).to_owned()).collect()
}

/// Open in both modes. The wrapped keys (`enc`) are age's to authenticate, in the next test.
const ALWAYS: [&str; 13] = [
    // Comments, and the layout around plain values.
    "comment",
    "indentation",
    "line break",
    // The keys of plain values and of mappings that hold nothing else.
    "key of kind",
    "key of meta",
    "key of shown",
    // Empty texts and nulls: their keys, and which of the two they are.
    "key of empty",
    "value of empty",
    "key of none",
    "value of none",
    // Of the block: what nobody computes with, and the part of a selector that changes nothing.
    "value of recipient",
    "value of version",
    "value of encrypted_regex",
];
/// Open when the MAC covers encrypted values alone: plain values, and the case of the letters of `true`.
const ONLY_ENCRYPTED: [&str; 4] = [
    "value of kind",
    "value of shown",
    "colon of shown",
    "value of mac_only_encrypted",
];

#[test]
fn a_flipped_bit_goes_unnoticed_only_where_the_format_leaves_it_open() {
    let me = person();
    for only in [true, false] {
        let rule = EncryptionRule {
            mac_only_encrypted: only,
            ..rule(&[&me])
        };
        let enc = sealed(TEXT, &rule);
        let key = data_key(&enc, &me);
        assert!(opens(&enc, &key));
        let mut expected = list(&ALWAYS);
        if only {
            expected.extend(list(&ONLY_ENCRYPTED));
        }
        assert_eq!(open_places(&enc, &key), expected, "only: {only}\n{enc}");
    }
}

#[test]
fn the_wrapped_key_is_authenticated_by_age() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let start = enc.find("-----BEGIN").unwrap();
    let end = enc.find("-----END").unwrap();
    let armour = enc[start..end].find('\n').unwrap() + start;
    for at in (armour..end).step_by(7) {
        if enc.as_bytes()[at].is_ascii_alphanumeric() {
            let other = if enc.as_bytes()[at] == b'A' { "B" } else { "A" };
            let bad = format!("{}{other}{}", &enc[..at], &enc[at + 1..]);
            assert!(
                decrypt(&bad, &me.identities, MacCheck::Ignore).is_err(),
                "byte {at}"
            );
        }
    }
}

#[test]
fn larger_changes_that_go_unnoticed_are_those_of_the_list() {
    let me = person();
    let full = EncryptionRule {
        mac_only_encrypted: false,
        ..rule(&[&me])
    };
    let enc = sealed(TEXT, &full);
    let only = sealed(TEXT, &rule(&[&me]));
    let (key, only_key) = (data_key(&enc, &me), data_key(&only, &me));
    let unnoticed = |from: &str, to: &str| {
        let bad = enc.replacen(from, to, 1);
        assert_ne!(bad, enc, "{from}");
        opens(&bad, &key)
    };
    // Open even with the full MAC.
    assert!(unnoticed("shown:", "renamed:"), "the key of a plain value");
    assert!(unnoticed(
        "kind: Secret\nmeta:\n  shown: value\n",
        "kind: Secretv\nmeta:\n  shown: alue\n"
    ));
    assert!(unnoticed("  none: null\n", ""), "a null that goes");
    assert!(
        unnoticed("  none: null\n", "  none: null\n  more: \"\"\n"),
        "an empty text that comes"
    );
    assert!(unnoticed("# comment\n", "# another\n"), "a comment");
    assert!(
        unnoticed("type:str]\n", "type:str] and more\n"),
        "text behind a value"
    );
    assert!(
        unnoticed("sops:\n", "sops:\n  future: 1\n"),
        "an unknown key of the block"
    );
    // Noticed.
    assert!(!unnoticed("shown: value", "shown: other"), "a plain value");
    assert!(!unnoticed("  a: ", "  b: "), "the key of an encrypted value");
    assert!(
        !unnoticed("meta:\n", "meta:\n  more: 1\n"),
        "a plain value that comes"
    );
    assert!(!unnoticed("kind: Secret\n", ""), "a plain value that goes");
    assert!(
        !unnoticed("sops:\n", "sops:\n  mac_only_encrypted: true\n"),
        "the other mode"
    );
    // Open when the MAC covers encrypted values alone: everything outside of the scope.
    let bad = only.replacen("meta:\n  shown: value\n", "other: [1, 2]\n", 1);
    assert!(opens(&bad, &only_key), "everything that is not encrypted");
}
