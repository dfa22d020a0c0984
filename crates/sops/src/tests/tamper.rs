use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::SopsError;

const TEXT: &str = "kind: Secret\nmetadata: {name: x}\nstringData:\n  a: one\n  b: two\n  l: [p, q]\n";

fn refused(text: &str, me: &Person) -> SopsError {
    match decrypt(text, &me.identities, MacCheck::Verify) {
        Err(error) => error,
        Ok(_) => panic!("accepted:\n{text}"),
    }
}

#[test]
fn any_flipped_bit_is_noticed() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let mut flips = 0;
    for (at, _) in enc.match_indices("ENC[") {
        for field in ["data:", "iv:", "tag:"] {
            let from = at + enc[at..].find(field).unwrap() + field.len();
            let to = from + enc[from..].find(',').unwrap();
            let bytes = STANDARD.decode(&enc[from..to]).unwrap();
            // Every bit is tried in `value.rs`; here, where each try opens the whole file, some.
            for bit in (0..bytes.len() * 8).step_by(11) {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let bad = format!("{}{}{}", &enc[..from], STANDARD.encode(&bytes), &enc[to..]);
                let error = refused(&bad, &me);
                assert!(
                    matches!(error, SopsError::Tampered { .. } | SopsError::MacMismatch),
                    "{error:?}"
                );
                flips += 1;
            }
        }
        let bad = format!("{}{}", &enc[..at], enc[at..].replacen("type:str", "type:int", 1));
        // The type of the MAC itself means nothing.
        if !enc[..at].ends_with("mac: ") {
            refused(&bad, &me);
        }
    }
    assert!(flips > 200, "{flips}");
    let at = enc.find("lastmodified: \"").unwrap() + 15;
    for i in at..at + 19 {
        if enc.as_bytes()[i].is_ascii_digit() {
            let digit = if enc.as_bytes()[i] == b'0' { "1" } else { "0" };
            let bad = format!("{}{digit}{}", &enc[..i], &enc[i + 1..]);
            assert_eq!(refused(&bad, &me), SopsError::MacMismatch);
        }
    }
}

/// Exchanges two lines' values.
fn swapped(text: &str, one: &str, other: &str) -> String {
    let value = |key: &str| {
        let from = text.find(key).unwrap() + key.len();
        from..from + text[from..].find(']').unwrap() + 1
    };
    let (a, b) = (value(one), value(other));
    format!(
        "{}{}{}{}{}",
        &text[..a.start],
        &text[b.clone()],
        &text[a.end..b.start],
        &text[a],
        &text[b.end..]
    )
}

#[test]
fn moved_values_are_noticed() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let moved = swapped(&enc, "  a: ", "  b: ");
    assert!(matches!(refused(&moved, &me), SopsError::Tampered { path, .. } if path == "stringData.a"));
    // Items of one list authenticate the same path: only the MAC notices.
    let items = swapped(&enc, "l: [\"", ", \"");
    assert_eq!(refused(&items, &me), SopsError::MacMismatch);
    let dec = decrypt(&items, &me.identities, MacCheck::Ignore).unwrap();
    assert!(
        dec.expose().contains("l: [q, p]") || dec.expose().contains("l: [\"q\", \"p\"]"),
        "{}",
        dec.expose()
    );
}

#[test]
fn removed_added_and_plain_values_are_noticed() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let without_a: String = enc
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("  a: "))
        .collect();
    assert_eq!(refused(&without_a, &me), SopsError::MacMismatch);
    let plain = enc.replace("stringData:\n", "stringData:\n  z: plain\n");
    assert!(matches!(refused(&plain, &me), SopsError::PlainInScope { path, .. } if path == "stringData.z"));
    let leaves = crate::status(&plain).unwrap().unsealed;
    assert_eq!(leaves.len(), 1);
    assert_eq!(
        (&leaves[0].0[..], &plain[leaves[0].1.clone()]),
        ("stringData.z", "plain")
    );
    let renamed = enc.replace("stringData:", "data:");
    assert!(matches!(refused(&renamed, &me), SopsError::Tampered { .. }));
}

#[test]
fn what_was_typed_in_clear_is_encrypted_where_all_else_is_as_it_was() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let mend = |text: &str, before: &[&str]| {
        Format::Yaml.seal_typed(text, before, &me.identities, &mut FixedEntropy::new(2))
    };
    let refuses =
        |text: &str, before: &[&str]| matches!(mend(text, before), Err(SopsError::PlainInScope { .. }));
    assert_eq!(mend(&enc, &[]), Ok(None));
    // A new value: the MAC fits without it.
    let typed = enc.replace("stringData:\n", "stringData:\n  z: typed-one\n  y: seven\n");
    let new = mend(&typed, &[]).unwrap().unwrap();
    assert!(!new.contains("typed-one") && open(&new, &me).contains("  z: typed-one\n  y: seven\n  a: one\n"));
    // One in place of another: only an earlier version tells that nothing else was changed.
    let line = enc.lines().find(|line| line.starts_with("  a: ")).unwrap();
    let typed = enc.replace(line, "  a: typed-two");
    assert!(refuses(&typed, &[]) && refuses(&typed, &["a: [", "a: 1\n"]));
    let new = mend(&typed, &["a: [", &enc]).unwrap().unwrap();
    assert!(!new.contains("typed-two") && open(&new, &me).contains("  a: typed-two\n  b: two\n"));
    // Not when another value went, or was moved, or the place is one of a list.
    let other = enc.lines().find(|line| line.starts_with("  b: ")).unwrap();
    let both = typed.replace(&format!("{other}\n"), "");
    assert!(refuses(&both, &[&enc]) && refuses(&both, &[]));
    let item = enc.lines().find(|line| line.starts_with("  l: ")).unwrap();
    assert!(refuses(&enc.replace(item, "  l: [typed]"), &[&enc]));
    // Very many are not gone through one by one.
    let many = |count: usize| {
        let lines: String = (0..count).map(|number| format!("  n{number}: typed\n")).collect();
        enc.replace("stringData:\n", &format!("stringData:\n{lines}"))
    };
    assert!(mend(&many(100), &[]).unwrap().is_some());
    assert!(matches!(
        mend(&many(101), &[]),
        Err(SopsError::ManyInClear { most: 100, .. })
    ));
    // Another's key opens nothing.
    let stranger = person().identities;
    assert!(
        Format::Yaml
            .seal_typed(&typed, &[&enc], &stranger, &mut FixedEntropy::new(2))
            .is_err()
    );
}

#[test]
fn plain_values_count_only_in_the_full_mode() {
    let me = person();
    let only = sealed(TEXT, &rule(&[&me])).replace("name: x", "name: y");
    assert!(open(&only, &me).contains("name: y"));
    let full = EncryptionRule {
        mac_only_encrypted: false,
        ..rule(&[&me])
    };
    let full = sealed(TEXT, &full).replace("name: x", "name: y");
    assert_eq!(refused(&full, &me), SopsError::MacMismatch);
}

#[test]
fn a_missing_mac_block_or_key_is_an_error() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let no_mac: String = enc
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("  mac:"))
        .collect();
    assert_eq!(refused(&no_mac, &me), SopsError::NoMac);
    assert_eq!(refused(TEXT, &me), SopsError::NotEncrypted);
    assert!(matches!(
        refused(&enc, &person()),
        SopsError::NoIdentityMatches { .. }
    ));
    assert!(matches!(
        refused(&enc.replacen("type:str", "type:bytes", 1), &me),
        SopsError::MalformedValue { .. }
    ));
    let two = format!("{enc}---\nkind: x\n");
    assert_eq!(crate::status(&two).unwrap().without_block.len(), 1);
}
