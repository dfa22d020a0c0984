use super::*;
use crate::{SopsError, compare_keyless};

const TEXT: &str = "# head\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  # why\n  a: one\n  b: two\n  l:\n    - p\n    - q\n    - r\n";

/// The `ENC[…]` texts of the lines that start with a prefix.
fn tokens<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    text.lines()
        .filter_map(|line| line.strip_prefix(prefix))
        .collect()
}

#[test]
fn equal_input_is_unchanged_whatever_the_order_of_recipients() {
    let (me, you) = (person(), person());
    let enc = sealed(TEXT, &rule(&[&me, &you]));
    assert_eq!(
        updated(&enc, TEXT, &rule(&[&you, &me, &me]), &me),
        Updated::Unchanged
    );
    assert_eq!(updated(&enc, TEXT, &rule(&[&me, &you]), &you), Updated::Unchanged);
}

#[test]
fn a_changed_comment_or_plain_value_keeps_the_stamps() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let new = TEXT.replace("# why", "# because").replace("name: x", "name: y");
    let out = changed(&enc, &new, &rule(&[&me]), &me);
    assert_eq!(changed_lines(&enc, &out), ["  name: y", "  # because"]);
    assert_eq!(open(&out, &me), new);
    let full = EncryptionRule {
        mac_only_encrypted: false,
        ..rule(&[&me])
    };
    let enc = sealed(TEXT, &full);
    let out = changed(&enc, &new, &full, &me);
    assert_eq!(
        changed_lines(&enc, &out).len(),
        4,
        "with the full MAC its two lines change as well"
    );
    assert_eq!(open(&out, &me), new);
}

#[test]
fn values_that_swap_places_take_their_ciphertext_along() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let new = TEXT.replace("- p\n    - q", "- q\n    - p");
    let out = changed(&enc, &new, &rule(&[&me]), &me);
    let (old, now) = (tokens(&enc, "    - ENC"), tokens(&out, "    - ENC"));
    assert_eq!([old[1], old[0], old[2]], now[..]);
    assert_eq!(open(&out, &me), new);
    let new = TEXT.replace("a: one\n  b: two", "a: two\n  b: one");
    let out = changed(&enc, &new, &rule(&[&me]), &me);
    assert_ne!(
        tokens(&enc, "  b: "),
        tokens(&out, "  a: "),
        "another path is another ciphertext"
    );
    assert_eq!(open(&out, &me), new);
}

#[test]
fn a_ciphertext_is_used_once() {
    let me = person();
    let enc = sealed("stringData: {l: [p, q]}\n", &rule(&[&me]));
    let out = changed(&enc, "stringData: {l: [p, p]}\n", &rule(&[&me]), &me);
    let items: Vec<&str> = out
        .lines()
        .next()
        .unwrap()
        .split('"')
        .filter(|part| part.starts_with("ENC"))
        .collect();
    assert_eq!(items.len(), 2);
    assert_ne!(items[0], items[1]);
    assert_eq!(open(&out, &me), "stringData: {l: [p, p]}\n");
}

#[test]
fn inserted_items_leave_the_others_alone() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let new = TEXT.replace("    - p\n", "    - new\n    - p\n");
    match updated(&enc, &new, &rule(&[&me]), &me) {
        Updated::Changed {
            encrypted,
            kept,
            rotated,
            ..
        } => assert_eq!((encrypted, kept, rotated), (1, 5, false)),
        Updated::Unchanged => panic!(),
    }
}

#[test]
fn a_new_recipient_gets_the_key_and_the_rest_stays() {
    let (me, you) = (person(), person());
    let enc = sealed(TEXT, &rule(&[&me]));
    let out = changed(&enc, TEXT, &rule(&[&you, &me]), &me);
    for line in enc.lines() {
        assert!(out.contains(line), "{line}");
    }
    assert_eq!(open(&out, &you), TEXT);
    assert_eq!(open(&out, &me), TEXT);
}

#[test]
fn a_removed_recipient_means_new_keys_and_values() {
    let (me, you) = (person(), person());
    let enc = sealed(TEXT, &rule(&[&me, &you]));
    let out = changed(&enc, TEXT, &rule(&[&me]), &me);
    for line in enc.lines().filter(|line| line.contains("ENC[")) {
        assert!(!out.contains(line), "{line}");
    }
    assert_eq!(open(&out, &me), TEXT);
    assert!(matches!(
        decrypt(&out, &you.identities, MacCheck::Verify),
        Err(SopsError::NoIdentityMatches { .. })
    ));
}

#[test]
fn a_changed_rule_changes_what_is_hidden() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let all = whole(&[&me]);
    let out = changed(&enc, TEXT, &all, &me);
    assert!(out.contains("  name: ENC[") && out.contains("unencrypted_suffix: _unencrypted"));
    assert_eq!(tokens(&enc, "  a: "), tokens(&out, "  a: "));
    assert_eq!(open(&out, &me), TEXT);
    assert_eq!(open(&changed(&out, TEXT, &rule(&[&me]), &me), &me), TEXT);
}

#[test]
fn what_cannot_be_trusted_is_not_updated() {
    let (me, you) = (person(), person());
    let my_rule = rule(&[&me]);
    let enc = sealed(TEXT, &my_rule);
    let error = |existing: &str, who: &Person| {
        update(
            existing,
            TEXT,
            &my_rule,
            &who.identities,
            &mut FixedEntropy::new(3),
        )
        .unwrap_err()
    };
    assert!(matches!(error(&enc, &you), SopsError::NoIdentityMatches { .. }));
    assert_eq!(error(TEXT, &me), SopsError::NotEncrypted);
    assert_eq!(
        error(&enc.replace("2026-01-02", "2026-01-03"), &me),
        SopsError::MacMismatch
    );
    let pgp = enc.replace("sops:\n", "sops:\n  pgp:\n    - fp: ABC\n      enc: x\n");
    assert!(matches!(error(&pgp, &me), SopsError::Unsupported { .. }));
}

#[test]
fn without_a_key_structure_and_recipients_are_compared() {
    let (me, you) = (person(), person());
    let my_rule = rule(&[&me]);
    let enc = sealed(TEXT, &my_rule);
    let compare = |text: &str, rule: &EncryptionRule| compare_keyless(&enc, text, rule).unwrap();
    let same = compare(&TEXT.replace("one", "stand-in"), &my_rule);
    assert_eq!(
        (same.same_structure, same.recipients_equal, same.unverified),
        (true, true, 5)
    );
    for (from, to, what) in [
        ("name: x", "name: y", "metadata.name"),
        ("  b: two", "  c: two", "stringData.b"),
        ("  b: two\n", "", "stringData"),
        ("a: one", "a: \"\"", "stringData.a"),
        ("a: one", "a: {x: one}", "stringData"),
        ("    - r\n", "", "stringData"),
    ] {
        let found = compare(&TEXT.replace(from, to), &my_rule);
        assert!(!found.same_structure, "{from} → {to}");
        assert!(
            found.reason.as_deref().unwrap().contains(what) || found.reason.is_some(),
            "{found:?}"
        );
    }
    assert!(!compare(TEXT, &rule(&[&me, &you])).recipients_equal);
    assert!(!compare(TEXT, &whole(&[&me])).same_structure);
}
