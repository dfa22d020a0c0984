//! Times in the `sops` block that lost their quotes: sops from 3.13 and Flux refuse such a file, older releases opened it.

use super::*;

const PLAIN: &str = "# head\nstringData:\n  a: one\n  b: two\n";

/// Takes the quotes off, as formatters do.
fn bare(enc: &str) -> String {
    let text = enc.replace(
        "lastmodified: \"2026-01-02T03:04:05Z\"",
        "lastmodified: 2026-01-02T03:04:05Z",
    );
    assert_ne!(text, enc);
    text
}

fn is_quoted(text: &str) -> bool {
    let stamped = text
        .lines()
        .filter(|line| line.trim_start().starts_with("lastmodified:"));
    stamped.clone().count() > 0
        && stamped
            .clone()
            .all(|line| line.contains(": \"") && line.ends_with('"'))
}

#[test]
fn the_status_names_the_place_in_yaml_alone() {
    let me = person();
    let text = bare(&sealed(PLAIN, &rule(&[&me])));
    let status = Format::Yaml.status(&text).unwrap();
    assert_eq!(&text[status.bare_times[0].clone()], "2026-01-02T03:04:05Z");
    for (quoted, times) in [
        ("\"2026-01-02T03:04:05Z\"", 0),
        ("'2026-01-02T03:04:05Z'", 0),
        ("!!str 2026-01-02T03:04:05Z", 0),
        ("!!timestamp \"2026-01-02T03:04:05Z\"", 1),
        ("2026-01-02 03:04:05", 1),
        ("2026-01-02", 1),
        // No time for sops either: it takes the text, and complains of it.
        ("2026-01-02T03:04:05", 0),
    ] {
        let text = text.replace(
            "lastmodified: 2026-01-02T03:04:05Z",
            &format!("lastmodified: {quoted}"),
        );
        let status = Format::Yaml.status(&text).unwrap();
        assert_eq!(status.bare_times.len(), times, "{quoted}");
    }
    // Keys of other kinds have times as well.
    let text = sealed(PLAIN, &rule(&[&me])).replace(
        "    lastmodified:",
        "    pgp:\n        - created_at: 2024-01-01T00:00:00Z\n          enc: x\n          fp: A\n    lastmodified:",
    );
    let text = text.replace(
        "  lastmodified:",
        "  pgp:\n    - created_at: 2024-01-01T00:00:00Z\n      enc: x\n      fp: A\n  lastmodified:",
    );
    let status = Format::Yaml.status(&text).unwrap();
    assert_eq!(&text[status.bare_times[0].clone()], "2024-01-01T00:00:00Z");
    // What is no YAML has no times without quotes.
    for (format, plain) in [
        (Format::Json, "{\"a\": \"x\"}\n"),
        (Format::Dotenv, "A=x\n"),
        (Format::Ini, "[a]\nb = x\n"),
        (Format::Binary, "x\n"),
    ] {
        let enc = format
            .encrypt(plain.as_bytes(), &whole(&[&me]), &mut FixedEntropy::new(1))
            .unwrap();
        assert!(format.status(&enc).unwrap().bare_times.is_empty(), "{format}");
    }
}

#[test]
fn every_write_quotes_them() {
    let (me, you) = (person(), person());
    let own = rule(&[&me]);
    let text = bare(&sealed(PLAIN, &own));
    assert_eq!(open(&text, &me), PLAIN);
    let mut entropy = FixedEntropy::new(2);
    let path = KeyPath::parse("stringData.a").unwrap();
    let new = NewValue::Text(SecretText::new("new".to_owned()));
    let plain = PLAIN.replace("one", "new");
    let mut written = vec![
        (
            "set",
            set(&text, 0, &path, &new, &me.identities, &mut entropy)
                .unwrap()
                .unwrap(),
        ),
        (
            "unset",
            unset(&text, 0, &path, &me.identities, &mut entropy)
                .unwrap()
                .unwrap(),
        ),
        (
            "edit",
            replace(&text, &plain, &me.identities, &mut entropy)
                .unwrap()
                .unwrap(),
        ),
        (
            "edit of a comment",
            replace(
                &text,
                &PLAIN.replace("head", "foot"),
                &me.identities,
                &mut entropy,
            )
            .unwrap()
            .unwrap(),
        ),
        (
            "rotate",
            rotate(&text, &[], &[], &me.identities, &mut entropy)
                .unwrap()
                .text,
        ),
        ("reseal", changed(&text, &plain, &own, &me)),
        ("reseal of the same", changed(&text, PLAIN, &own, &me)),
        (
            "merge",
            merge(Some(&text), &text, &text, &me.identities, &mut entropy)
                .unwrap()
                .text,
        ),
    ];
    let both = [me.recipient.clone(), you.recipient.clone()];
    let more = update_keys(&text, &both, &me.identities, &mut entropy)
        .unwrap()
        .unwrap()
        .text;
    let less = update_keys(&bare(&more), &both[..1], &me.identities, &mut entropy)
        .unwrap()
        .unwrap();
    let same = update_keys(&text, &both[..1], &me.identities, &mut entropy)
        .unwrap()
        .unwrap();
    assert!(!same.rotated && same.added.is_empty() && same.removed.is_empty());
    written.extend([
        ("a newcomer", more),
        ("one goes", less.text),
        ("nobody", same.text.clone()),
    ]);
    for (what, text) in &written {
        assert!(is_quoted(text), "{what}:\n{text}");
        assert!(Format::Yaml.status(text).unwrap().bare_times.is_empty(), "{what}");
        open(text, &me);
    }
    // Where nothing else changes, that one line does.
    assert_eq!(
        changed_lines(&text, &same.text),
        ["  lastmodified: \"2026-01-02T03:04:05Z\""]
    );
    assert_eq!(changed(&text, PLAIN, &own, &me), same.text);
    assert_eq!(updated(&same.text, PLAIN, &own, &me), Updated::Unchanged);
    assert_eq!(
        update_keys(&same.text, &both[..1], &me.identities, &mut entropy),
        Ok(None)
    );
}

#[test]
fn a_tag_goes_with_the_quotes_that_come() {
    let me = person();
    let text = bare(&sealed(PLAIN, &rule(&[&me])));
    let text = text.replace("lastmodified: 2026", "lastmodified: !!timestamp 2026");
    let same = update_keys(
        &text,
        std::slice::from_ref(&me.recipient),
        &me.identities,
        &mut FixedEntropy::new(2),
    );
    let same = same.unwrap().unwrap().text;
    assert!(is_quoted(&same) && !same.contains("!!timestamp"), "{same}");
}
