//! Key groups: who can open a file together, and what changes when that changes.

use super::*;
use crate::KeyGroups;

fn all(people: &[&Person]) -> Identities {
    let mut all = Identities::default();
    people
        .iter()
        .for_each(|person| all.extend(person.identities.clone()));
    all
}

fn grouped(groups: &[&[&Person]], threshold: usize) -> EncryptionRule {
    let list = |people: &&[&Person]| -> Vec<Recipient> {
        people.iter().map(|person| person.recipient.clone()).collect()
    };
    let groups: Vec<Vec<Recipient>> = groups.iter().map(list).collect();
    EncryptionRule {
        recipients: groups.concat(),
        groups: Some(KeyGroups::new(groups, threshold).unwrap()),
        ..whole(&[])
    }
}

/// A file of each format that knows groups.
const FILES: [(Format, &str); 5] = [
    (Format::Yaml, "a: one\nb: [1, two]\n"),
    (Format::Json, "{\n\t\"a\": \"one\"\n}\n"),
    (Format::Dotenv, "A=one\n"),
    (Format::Ini, "[s]\na = one\n"),
    (Format::Binary, "one\n"),
];

fn opens(format: Format, text: &str, people: &[&Person]) -> bool {
    format.decrypt(text, &all(people), MacCheck::Verify).is_ok()
}

fn values(text: &str) -> Vec<&str> {
    let starts = text.match_indices("data:").map(|(at, _)| &text[at..]);
    starts
        .filter_map(|rest| rest.split_once("iv:"))
        .map(|(value, _)| value)
        .collect()
}

#[test]
fn a_newcomer_gets_the_share_of_the_group_and_nothing_else_changes() {
    let [a, b, c, d] = [person(), person(), person(), person()];
    for (format, plain) in FILES {
        let rule = grouped(&[&[&a], &[&b], &[&c]], 2);
        let enc = format
            .encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(1))
            .unwrap();
        let wanted = grouped(&[&[&a, &d], &[&b], &[&c]], 2);
        let key_change = format.key_change(&enc, &wanted).unwrap();
        assert_eq!(key_change.added, [d.recipient.as_str()], "{format}");
        assert!(!key_change.rotates() && key_change.removed.is_empty());
        let out = format.update_keys(&enc, &wanted, &all(&[&a, &b]), &mut FixedEntropy::new(2));
        let out = out.unwrap().unwrap();
        assert!(
            !out.rotated && values(&enc) == values(&out.text),
            "{format}: only keys are new"
        );
        assert!(
            opens(format, &out.text, &[&d, &c]),
            "{format}: the share of its group is the same"
        );
        assert!(
            !opens(format, &out.text, &[&a, &d]),
            "{format}: one group counts once"
        );
        let again = format.update_keys(
            &out.text,
            &wanted,
            &Identities::default(),
            &mut FixedEntropy::new(3),
        );
        assert_eq!(again, Ok(None), "{format}");

        // Nobody here opens the group that grows: the shares are new, the data key is not.
        let wanted = grouped(&[&[&a], &[&b], &[&c, &d]], 2);
        let out = format.update_keys(&enc, &wanted, &all(&[&a, &b]), &mut FixedEntropy::new(2));
        let out = out.unwrap().unwrap();
        assert!(!out.rotated && values(&enc) == values(&out.text), "{format}");
        assert!(
            opens(format, &out.text, &[&d, &a]) && opens(format, &out.text, &[&c, &b]),
            "{format}"
        );
    }
}

#[test]
fn who_goes_and_other_groups_make_a_new_data_key() {
    let [a, b, c] = [person(), person(), person()];
    for (format, plain) in FILES {
        let rule = grouped(&[&[&a, &c], &[&b]], 2);
        let enc = format
            .encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(1))
            .unwrap();
        for (wanted, can, cannot) in [
            (grouped(&[&[&a], &[&b]], 2), vec![&a, &b], vec![&c, &b]),
            (grouped(&[&[&a], &[&b], &[&c]], 3), vec![&a, &b, &c], vec![&a, &b]),
            (grouped(&[&[&a], &[&c, &b]], 2), vec![&a, &c], vec![&b, &c]),
            (whole(&[&a]), vec![&a], vec![&b, &c]),
        ] {
            let out = format.update_keys(&enc, &wanted, &all(&[&a, &b]), &mut FixedEntropy::new(2));
            let out = out.unwrap().unwrap();
            assert!(out.rotated && values(&enc) != values(&out.text), "{format}");
            assert!(
                opens(format, &out.text, &can) && !opens(format, &out.text, &cannot),
                "{format}"
            );
            let back = format.decrypt(&out.text, &all(&can), MacCheck::Verify).unwrap();
            assert_eq!(&*back, plain.as_bytes());
        }
        // From one list to groups.
        let flat = format
            .encrypt(plain.as_bytes(), &whole(&[&a, &b]), &mut FixedEntropy::new(1))
            .unwrap();
        let wanted = grouped(&[&[&a], &[&b]], 0);
        let out = format.update_keys(&flat, &wanted, &a.identities, &mut FixedEntropy::new(2));
        let out = out.unwrap().unwrap();
        assert!(out.rotated && opens(format, &out.text, &[&a, &b]) && !opens(format, &out.text, &[&a]));
    }
}

#[test]
fn every_change_keeps_the_groups() {
    let [a, b, c] = [person(), person(), person()];
    for (format, plain) in FILES {
        let enc = format
            .encrypt(
                plain.as_bytes(),
                &grouped(&[&[&a], &[&b]], 2),
                &mut FixedEntropy::new(1),
            )
            .unwrap();
        let me = all(&[&a, &b]);
        let path = KeyPath::parse(match format {
            Format::Ini => "s.a",
            Format::Dotenv => "A",
            Format::Binary => "data",
            Format::Yaml | Format::Json => "a",
        });
        let new = NewValue::Text(SecretText::new("new".to_owned()));
        let set = format.set(
            &enc,
            path.unwrap().within(0),
            &new,
            &me,
            &mut FixedEntropy::new(2),
        );
        let edited = plain.replace("one", "three");
        let replaced = format.replace(&enc, edited.as_bytes(), &me, &mut FixedEntropy::new(2));
        for out in [set.unwrap().unwrap(), replaced.unwrap().unwrap()] {
            assert!(
                opens(format, &out, &[&a, &b]) && !opens(format, &out, &[&a]),
                "{format}"
            );
        }
        let rotate = |add: &[&Person], remove: &[&Person]| {
            let list = |people: &[&Person]| -> Vec<Recipient> {
                people.iter().map(|person| person.recipient.clone()).collect()
            };
            format.rotate(&enc, &list(add), &list(remove), &me, &mut FixedEntropy::new(3))
        };
        let out = rotate(&[], &[]).unwrap();
        assert!(out.rotated && opens(format, &out.text, &[&a, &b]) && !opens(format, &out.text, &[&b]));
        let out = rotate(&[&c], &[&a]).unwrap().text;
        assert!(
            opens(format, &out, &[&c, &b]) && !opens(format, &out, &[&a, &b]),
            "{format}"
        );
        assert_eq!(
            rotate(&[], &[&b]),
            Err(SopsError::NoRecipients),
            "{format}: a group would be empty"
        );
    }
}

#[test]
fn merging_takes_the_groups_of_the_side_that_changed_them() {
    let [a, b, c] = [person(), person(), person()];
    let me = all(&[&a, &b, &c]);
    let two = grouped(&[&[&a], &[&b]], 2);
    let three = grouped(&[&[&a], &[&b], &[&c]], 2);
    let base = Format::Yaml
        .encrypt(b"a: one\n", &two, &mut FixedEntropy::new(1))
        .unwrap();
    let theirs = Format::Yaml
        .update_keys(&base, &three, &me, &mut FixedEntropy::new(2))
        .unwrap()
        .unwrap()
        .text;
    let ours = Format::Yaml
        .replace(&base, b"a: two\n", &me, &mut FixedEntropy::new(3))
        .unwrap()
        .unwrap();
    let merge = |ours: &str, may_open: &[Recipient]| {
        let mut entropy = FixedEntropy::new(4);
        let merged = Format::Yaml.merge(sides(Some(&base), ours, &theirs, may_open), &me, &mut entropy);
        merged.unwrap()
    };
    let alone = merge(&ours, &[]);
    assert_eq!(alone.left_out, [c.recipient.as_str()]);
    assert!(!opens(Format::Yaml, &alone.text, &[&a, &c]) && opens(Format::Yaml, &alone.text, &[&a, &b]));
    let merged = merge(&ours, std::slice::from_ref(&c.recipient));
    assert_eq!((merged.conflicts.len(), merged.left_out.len()), (0, 0));
    assert!(opens(Format::Yaml, &merged.text, &[&a, &c]));
    let other = Format::Yaml.update_keys(
        &base,
        &grouped(&[&[&c], &[&b]], 2),
        &me,
        &mut FixedEntropy::new(2),
    );
    let other = other.unwrap().unwrap().text;
    assert_eq!(merge(&other, &[]).conflicts, ["sops.key_groups"]);
}
