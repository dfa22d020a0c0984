//! Three versions of a file merged by value.

use proptest::prelude::*;

use super::*;

const BASE: &str = "# head\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  a: one\n  b: two\n  c: three\n  l:\n    - p\n    - q\n";

/// Brings an encrypted file to a plaintext.
fn version(base: &str, plain: &str, me: &Person) -> String {
    replace(base, plain, &me.identities, &mut FixedEntropy::new(5))
        .unwrap()
        .unwrap_or_else(|| base.to_owned())
}

fn merged(base: &str, ours: &str, theirs: &str, me: &Person) -> Merged {
    merge(
        Some(base),
        ours,
        theirs,
        &me.identities,
        &mut FixedEntropy::new(6),
    )
    .unwrap()
}

#[test]
fn what_either_side_changed_is_taken_with_a_valid_mac() {
    let me = person();
    for rule in [rule(&[&me]), whole(&[&me])] {
        let base = sealed(BASE, &rule);
        // Neighbouring lines: by lines this would be a conflict.
        let ours = version(
            &base,
            &BASE.replace("a: one", "a: ours").replace("# head", "# our head"),
            &me,
        );
        let theirs = version(
            &base,
            &BASE
                .replace("b: two", "b: theirs")
                .replace("  c: three\n", "  d: new\n"),
            &me,
        );
        let out = merged(&base, &ours, &theirs, &me);
        assert_eq!(out.conflicts, [""; 0]);
        let expected = BASE
            .replace("# head", "# our head")
            .replace("a: one", "a: ours")
            .replace("b: two", "b: theirs")
            .replace("  c: three\n", "");
        assert_eq!(open(&out.text, &me).replace("  d: new\n", ""), expected);
        assert!(open(&out.text, &me).contains("  d: new\n"));
        let kept = base.lines().find(|line| line.contains("- ENC[")).unwrap();
        assert!(
            out.text.contains(kept),
            "what nobody changed keeps its ciphertext"
        );
    }
}

#[test]
fn comments_of_both_sides_are_kept_where_they_do_not_touch() {
    let me = person();
    let base = sealed(BASE, &rule(&[&me]));
    let ours = version(&base, &BASE.replace("# head", "# head\n# ours"), &me);
    let theirs = version(
        &base,
        &BASE.replace("    - q\n", "    - q\n  # theirs\n  z: last\n"),
        &me,
    );
    let out = merged(&base, &ours, &theirs, &me);
    let plain = open(&out.text, &me);
    assert!(
        plain.contains("# ours") && plain.contains("  # theirs\n  z: last\n"),
        "{plain}"
    );
}

#[test]
fn conflicts_are_named_by_key_and_our_value_stays() {
    let me = person();
    let base = sealed(BASE, &rule(&[&me]));
    let ours = version(
        &base,
        &BASE.replace("a: one", "a: ours").replace("  c: three\n", ""),
        &me,
    );
    let theirs = version(
        &base,
        &BASE
            .replace("a: one", "a: theirs")
            .replace("three", "other")
            .replace("b: two", "b: new"),
        &me,
    );
    let out = merged(&base, &ours, &theirs, &me);
    assert_eq!(out.conflicts, ["stringData.a", "stringData.c"]);
    let expected = BASE
        .replace("a: one", "a: ours")
        .replace("  c: three\n", "")
        .replace("b: two", "b: new");
    assert_eq!(open(&out.text, &me), expected);
    for value in ["theirs", "ours", "other"] {
        assert!(!out.text.contains(value));
    }
    let same = merged(&base, &ours, &ours, &me);
    assert_eq!((same.text.as_str(), same.conflicts.len()), (ours.as_str(), 0));
}

#[test]
fn without_a_base_only_what_differs_is_a_conflict() {
    let me = person();
    let ours = sealed("stringData: {a: x, b: u}\n", &rule(&[&me]));
    let theirs = crate::encrypt(
        "stringData: {a: x, b: v, c: w}\n",
        &rule(&[&me]),
        &mut FixedEntropy::new(4),
    )
    .unwrap();
    let out = merge(None, &ours, &theirs, &me.identities, &mut FixedEntropy::new(6)).unwrap();
    assert_eq!(out.conflicts, ["stringData.b"]);
    assert_eq!(open(&out.text, &me), "stringData: {a: x, b: u, \"c\": w}\n");
}

#[test]
fn recipients_are_merged_and_one_that_went_stays_out() {
    let (me, you, them) = (person(), person(), person());
    let base = sealed(BASE, &rule(&[&me, &you]));
    let mut entropy = FixedEntropy::new(7);
    let all = [&me, &you, &them].map(|one| one.recipient.clone());
    let ours = update_keys(&base, &all, &me.identities, &mut entropy)
        .unwrap()
        .unwrap()
        .text;
    let theirs = rotate(&base, &[], &all[1..2], &me.identities, &mut entropy)
        .unwrap()
        .text;
    for (one, two) in [(&ours, &theirs), (&theirs, &ours)] {
        let mut later = FixedEntropy::new(6);
        let out = Format::Yaml.merge(
            sides(Some(&base), one, two, &all[2..]),
            &me.identities,
            &mut later,
        );
        let out = out.unwrap();
        assert_eq!(out.left_out, [""; 0]);
        assert_eq!(
            (open(&out.text, &me), open(&out.text, &them)),
            (BASE.to_owned(), BASE.to_owned())
        );
        assert!(decrypt(&out.text, &you.identities, MacCheck::Verify).is_err());
        let old = base.lines().filter(|line| line.contains("ENC[AES"));
        assert!(
            old.into_iter().all(|line| !out.text.contains(line)),
            "the old data key is gone"
        );
    }
}

/// Returns the data key of a file.
fn data_key(text: &str, me: &Person) -> Vec<u8> {
    let file = crate::File::read(Format::Yaml, text).unwrap();
    let opened = crate::ops::opened::Opened::checked(&file, &me.identities, MacCheck::Verify).unwrap();
    opened.key.bytes().to_vec()
}

#[test]
fn nobody_comes_in_by_a_merge() {
    let (me, you, stranger) = (person(), person(), person());
    let base = sealed(BASE, &rule(&[&me, &you]));
    let ours = version(&base, &BASE.replace("a: one", "a: ours"), &me);
    let added = |text: &str, people: &[&Person]| {
        let mut entropy = FixedEntropy::new(7);
        let people: Vec<Recipient> = people.iter().map(|one| one.recipient.clone()).collect();
        let new = update_keys(text, &people, &me.identities, &mut entropy).unwrap();
        new.unwrap().text
    };
    let theirs = version(&base, &BASE.replace("b: two", "b: theirs"), &me);
    // Beside the others, in place of one, in place of all; and where nothing is known of before.
    for (people, base, opens) in [
        (&[&me, &you, &stranger][..], Some(&base), true),
        (&[&me, &stranger], Some(&base), false),
        (&[&stranger, &me], None, true),
    ] {
        let theirs = added(&theirs, people);
        let base = base.map(String::as_str);
        let out = merge(base, &ours, &theirs, &me.identities, &mut FixedEntropy::new(6)).unwrap();
        assert_eq!(out.left_out, [stranger.recipient.as_str()]);
        assert!(decrypt(&out.text, &stranger.identities, MacCheck::Verify).is_err());
        assert_eq!(
            decrypt(&out.text, &you.identities, MacCheck::Verify).is_ok(),
            opens
        );
        let plain = open(&out.text, &me);
        assert!(plain.contains("a: ours"), "{plain}");
        assert_eq!(plain.contains("b: theirs"), base.is_some(), "{plain}");
    }
}

#[test]
fn a_data_key_of_theirs_is_not_taken_for_our_values() {
    let me = person();
    let base = sealed(BASE, &rule(&[&me]));
    let ours = version(&base, &BASE.replace("a: one", "a: ours"), &me);
    let theirs = rotate(&base, &[], &[], &me.identities, &mut FixedEntropy::new(7))
        .unwrap()
        .text;
    let out = merged(&base, &ours, &theirs, &me);
    assert!(out.conflicts.is_empty() && open(&out.text, &me).contains("a: ours"));
    let keys = [&base, &theirs, &out.text].map(|text| data_key(text, &me));
    assert!(keys[2] != keys[0], "the rotation counts");
    assert!(keys[2] != keys[1], "and the key is our own");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn changes_of_one_side_alone_are_taken_whole(seed in any::<u64>(), size in 1usize..4, flip in any::<bool>()) {
        let me = person();
        let text = generate::Generator::new(seed).stream(size);
        let base = sealed(&text, &rule(&[&me]));
        let new = text.replacen("first: \"value\"", "first: other", 1);
        let theirs = version(&base, &new, &me);
        let expected = open(&theirs, &me);
        let (ours, theirs) = if flip { (&theirs, &base) } else { (&base, &theirs) };
        let out = merged(&base, ours, theirs, &me);
        prop_assert!(out.conflicts.is_empty());
        let plain = open(&out.text, &me);
        let values = |text: &str| yaml::parse(text).unwrap().iter().map(yaml::Node::to_json).collect::<Vec<_>>();
        prop_assert_eq!(values(&plain), values(&expected));
    }
}
