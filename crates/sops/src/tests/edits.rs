//! Changing one value, rotating, other recipients: only what was meant changes.

use proptest::prelude::*;

use super::*;

const TEXT: &str = "# head\nkind: Secret\n\nmetadata:\n    name: x  # why\nstringData:\n    a: one\n    # about b\n    b: two\n    l:\n        - p\n        - q\nlast: end\n";

fn later() -> FixedEntropy {
    let mut entropy = FixedEntropy::new(9);
    "2028-01-01T00:00:00Z".clone_into(&mut entropy.time);
    entropy
}

fn path(text: &str) -> KeyPath {
    KeyPath::parse(text).unwrap()
}

fn text(text: &str) -> NewValue {
    NewValue::Text(SecretText::new(text.to_owned()))
}

fn put(enc: &str, at: &str, value: &NewValue, me: &Person) -> String {
    set(enc, 0, &path(at), value, &me.identities, &mut later())
        .unwrap_or_else(|error| panic!("{at}: {error}\n{enc}"))
        .unwrap_or_else(|| panic!("{at}: unchanged"))
}

fn take(enc: &str, at: &str, me: &Person) -> String {
    unset(enc, 0, &path(at), &me.identities, &mut later())
        .unwrap_or_else(|error| panic!("{at}: {error}\n{enc}"))
        .unwrap()
}

fn value_at(enc: &str, at: &str, me: &Person) -> String {
    let value = Format::Yaml.extract(enc, path(at).within(0), &me.identities, MacCheck::Verify);
    String::from_utf8(value.unwrap().to_vec()).unwrap()
}

#[test]
fn setting_a_value_changes_its_line_and_the_stamps() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let out = put(&enc, r#"["stringData"]["b"]"#, &text("new"), &me);
    let changed = changed_lines(&enc, &out);
    assert_eq!(changed.len(), 3, "{changed:?}");
    assert!(changed[0].starts_with("    b: ENC[") && changed[1].contains("lastmodified: \"2028"));
    assert_eq!(open(&out, &me), TEXT.replace("b: two", "b: new"));
    let same = set(
        &out,
        0,
        &path("stringData.b"),
        &text("new"),
        &me.identities,
        &mut later(),
    );
    assert_eq!(same, Ok(None));
}

#[test]
fn values_are_put_into_every_layout() {
    let me = person();
    for (plain, at, value, expected) in [
        (
            "stringData:\n  a: x\n",
            "stringData.b",
            text("u"),
            "stringData:\n  a: x\n  b: u\n",
        ),
        (
            "stringData:\n  a: x # c\n\nz: 1\n",
            "stringData.b",
            text("u"),
            "stringData:\n  a: x # c\n  b: u\n\nz: 1\n",
        ),
        (
            "stringData: {a: x}\n",
            "stringData.b",
            text("u"),
            "stringData: {a: x, \"b\": u}\n",
        ),
        (
            "stringData:\n  l:\n  - [a]\n",
            "stringData.b",
            text("u"),
            "stringData:\n  l:\n  - [a]\n  b: u\n",
        ),
        (
            "stringData: {a: x}\nl: []\n",
            "l[0]",
            text("u"),
            "stringData: {a: x}\nl: [\"u\"]\n",
        ),
        (
            "stringData:\n  l:\n  - x\n",
            "stringData.l[1]",
            text("u"),
            "stringData:\n  l:\n  - x\n  - u\n",
        ),
        (
            "stringData:\n  l:\n  - x\n  - u\n",
            "stringData.l[0]",
            text("z"),
            "stringData:\n  l:\n  - z\n  - u\n",
        ),
        (
            "stringData:\n  a: x\nm:\n",
            "m.k.l",
            text("u"),
            "stringData:\n  a: x\nm:\n  k:\n    l: u\n",
        ),
        (
            "stringData:\n  a: x\n",
            "new",
            NewValue::Json(serde_json::json!({"b": [1, "2"]})),
            "stringData:\n  a: x\nnew:\n  b:\n    - 1\n    - \"2\"\n",
        ),
        (
            "stringData:\n  a: x\nm: |\n  one\n  two\n\nz: 1\n",
            "m",
            text("u"),
            "stringData:\n  a: x\nm: u\n\nz: 1\n",
        ),
        (
            "stringData:\n  a: x\nm:\n  k: 1\n  l: 2\nz: 1\n",
            "m",
            text("u"),
            "stringData:\n  a: x\nm: u\nz: 1\n",
        ),
        (
            "stringData:\n  - n: x\n    v: u\n  - n: z\n",
            "stringData[0].v",
            text("w"),
            "stringData:\n  - n: x\n    v: w\n  - n: z\n",
        ),
        (
            "stringData:\r\n  a: x\r\n",
            "stringData.b",
            text("u"),
            "stringData:\r\n  a: x\r\n  b: u\r\n",
        ),
        (
            "stringData:\n  a: x\n",
            "stringData.b",
            text("one\ntwo\n"),
            "stringData:\n  a: x\n  b: |\n    one\n    two\n",
        ),
        (
            "stringData:\n  a: x\n",
            "stringData.b",
            NewValue::parse("7", Format::Yaml),
            "stringData:\n  a: x\n  b: \"7\"\n",
        ),
    ] {
        let enc = sealed(plain, &rule(&[&me]));
        let out = put(&enc, at, &value, &me);
        assert_eq!(open(&out, &me), expected, "{plain:?} {at}");
        assert!(!out.contains(": u\n") || !at.starts_with("stringData"), "{out}");
    }
}

#[test]
fn what_stands_below_a_value_does_not_become_part_of_it() {
    let me = person();
    for below in ["      # deeper\n", "      \n", "\n      # deeper\n  # less\n"] {
        let plain = format!("stringData:\n  a: x\n{below}z: 1\n");
        let enc = sealed(&plain, &rule(&[&me]));
        for at in ["stringData.a", "stringData.b"] {
            let out = put(&enc, at, &text("one\ntwo\n"), &me);
            let read = value_at(&out, at, &me);
            assert_eq!(read, "one\ntwo\n", "{plain}");
            assert!(open(&out, &me).contains(below), "{plain}");
        }
    }
}

#[test]
fn a_secret_that_looks_encrypted_is_encrypted() {
    let me = person();
    let enc = sealed(TEXT, &rule(&[&me]));
    let line = enc.lines().find(|line| line.starts_with("    a: ")).unwrap();
    let token = line.trim_start_matches("    a: ");
    let out = put(&enc, "stringData.b", &text(token), &me);
    assert_eq!(open(&out, &me), TEXT.replace("b: two", &format!("b: {token}")));
}

#[test]
fn taking_values_out_of_every_layout() {
    let me = person();
    for (plain, at, expected) in [
        (TEXT, "stringData.a", TEXT.replace("    a: one\n", "")),
        (TEXT, "stringData.l[0]", TEXT.replace("        - p\n", "")),
        (
            TEXT,
            "metadata.name",
            TEXT.replace("metadata:\n    name: x  # why", "metadata: {}  # why"),
        ),
        (
            "stringData: {a: x, b: u, c: z}\n",
            "stringData.b",
            "stringData: {a: x, c: z}\n".to_owned(),
        ),
        (
            "stringData: {a: x, b: u}\n",
            "stringData.a",
            "stringData: {b: u}\n".to_owned(),
        ),
        (
            "stringData:\n  - n: x\n    v: u\n",
            "stringData[0].n",
            "stringData:\n  - v: u\n".to_owned(),
        ),
        (
            "stringData:\n  a: x\nm: |\n  one\n\n  two\nz: 1\n",
            "m",
            "stringData:\n  a: x\nz: 1\n".to_owned(),
        ),
        (
            "stringData:\n  a: x\nm:\nz: 1\n",
            "m",
            "stringData:\n  a: x\nz: 1\n".to_owned(),
        ),
    ] {
        let out = take(&sealed(plain, &rule(&[&me])), at, &me);
        assert_eq!(open(&out, &me), expected, "{plain:?} {at}");
    }
    let keeps = "stringData: {a: x}\nl:\n  - |+\n    one\n\n  - two\n\nz: 1\n";
    let out = take(&sealed(keeps, &rule(&[&me])), "l[1]", &me);
    assert_eq!(
        open(&out, &me),
        keeps.replace("  - two\n\n", ""),
        "a text that keeps its blank lines gets no more"
    );
    let enc = sealed(TEXT, &rule(&[&me]));
    let error = unset(&enc, 0, &path("stringData.none"), &me.identities, &mut later()).unwrap_err();
    assert_eq!(
        error,
        SopsError::NoSuchValue {
            path: "stringData.none".to_owned()
        }
    );
}

#[test]
fn values_of_later_documents_are_reached() {
    let me = person();
    let plain = "stringData: {a: x}\n---\nstringData:\n  a: u\n";
    let enc = sealed(plain, &rule(&[&me]));
    let out = set(
        &enc,
        1,
        &path("stringData.a"),
        &text("z"),
        &me.identities,
        &mut later(),
    )
    .unwrap()
    .unwrap();
    assert_eq!(open(&out, &me), plain.replace("a: u", "a: z"));
    let none = set(
        &enc,
        2,
        &path("stringData.a"),
        &text("z"),
        &me.identities,
        &mut later(),
    );
    assert!(matches!(none, Err(SopsError::NoSuchValue { .. })));
}

#[test]
fn a_new_text_keeps_the_ciphertext_of_what_stays() {
    let me = person();
    for rule in [rule(&[&me]), whole(&[&me])] {
        let enc = sealed(TEXT, &rule);
        assert_eq!(replace(&enc, TEXT, &me.identities, &mut later()), Ok(None));
        let new = TEXT.replace("b: two", "b: three").replace("about b", "of b");
        let out = replace(&enc, &new, &me.identities, &mut later())
            .unwrap()
            .unwrap();
        assert_eq!(changed_lines(&enc, &out).len(), 4, "comment, value, time and MAC");
        assert_eq!(open(&out, &me), new);
    }
}

#[test]
fn rotation_leaves_nothing_of_the_old_key() {
    let (me, you) = (person(), person());
    let enc = sealed(TEXT, &rule(&[&me, &you]));
    let out = rotate(
        &enc,
        &[],
        std::slice::from_ref(&you.recipient),
        &me.identities,
        &mut later(),
    )
    .unwrap();
    assert_eq!(out.removed, [you.recipient.as_str()]);
    assert_eq!(open(&out.text, &me), TEXT);
    assert!(decrypt(&out.text, &you.identities, MacCheck::Verify).is_err());
    for line in enc.lines().filter(|line| line.contains("ENC[")) {
        assert!(!out.text.contains(line), "{line}");
    }
    let last = rotate(
        &out.text,
        &[],
        std::slice::from_ref(&me.recipient),
        &me.identities,
        &mut later(),
    );
    assert_eq!(last, Err(SopsError::NoRecipients));
}

#[test]
fn a_new_recipient_adds_lines_and_changes_none() {
    let (me, you) = (person(), person());
    let both = [me.recipient.clone(), you.recipient.clone()];
    for plain in [
        TEXT,
        "stringData: {a: x}\n---\nstringData:\n  a: u\n",
        "{\"stringData\": {\"a\": \"b\"}}\n",
    ] {
        let enc = sealed(plain, &rule(&[&me]));
        let out = update_keys(&enc, &both, &me.identities, &mut later())
            .unwrap()
            .unwrap();
        assert!(!out.rotated && out.removed.is_empty());
        assert_eq!(
            (open(&out.text, &me), open(&out.text, &you)),
            (plain.to_owned(), plain.to_owned())
        );
        if plain == TEXT {
            let mut new = out.text.lines();
            assert!(
                enc.lines().all(|line| new.any(|other| other == line)),
                "old lines stay in order"
            );
        }
        let turned = [you.recipient.clone(), me.recipient.clone()];
        assert_eq!(
            update_keys(&out.text, &turned, &me.identities, &mut later()),
            Ok(None)
        );
        let less = update_keys(&out.text, &turned[..1], &me.identities, &mut later())
            .unwrap()
            .unwrap();
        assert!(less.rotated && decrypt(&less.text, &me.identities, MacCheck::Verify).is_err());
        assert_eq!(open(&less.text, &you), plain);
    }
}

#[test]
fn numbers_that_would_change_stay_text() {
    for (typed, text) in [
        ("1e5", true),
        ("007", true),
        ("7", false),
        ("1.5", false),
        ("\"7\"", true),
        ("true", false),
        ("p\"w", true),
        ("99999999999999999999", true),
    ] {
        assert_eq!(
            matches!(NewValue::parse(typed, Format::Yaml), NewValue::Text(_)),
            text,
            "{typed}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_can_be_set_and_nothing_else_changes(secret in "\\PC{0,30}|[ -~\\n\\t]{1,40}", at in 0usize..4) {
        let me = person();
        let enc = sealed(TEXT, &rule(&[&me]));
        let at = ["stringData.a", "stringData.l[1]", "stringData.new", "metadata.name"][at];
        let out = put(&enc, at, &text(&secret), &me);
        let read = value_at(&out, at, &me);
        prop_assert_eq!(read, secret.as_str());
        let back = if at == "stringData.new" {
            take(&out, at, &me)
        } else {
            let old = value_at(&enc, at, &me);
            put(&out, at, &text(&old), &me)
        };
        prop_assert_eq!(open(&back, &me), TEXT);
    }
}

#[test]
fn a_value_that_an_alias_repeats_is_not_taken_from_under_it() {
    let me = person();
    let plain = "a: &x\n    b: &y one\nc: *x\nd: *y\ne: &z two\nstringData:\n    f: three\n";
    let enc = sealed(plain, &rule(&[&me]));
    for at in ["a", "a.b"] {
        let span = enc.find(if at == "a" { "*x" } else { "*y" }).unwrap();
        let set = set(&enc, 0, &path(at), &text("new"), &me.identities, &mut later());
        let unset = unset(&enc, 0, &path(at), &me.identities, &mut later());
        for error in [set.unwrap_err(), unset.unwrap_err()] {
            assert_eq!(error.span().unwrap().start, span, "{at}: {error}");
            assert_eq!(
                error.to_string(),
                format!("the value `{at}` is repeated elsewhere with an alias")
            );
        }
    }
    assert!(take(&enc, "e", &me).contains("d: *y\nstringData"));
    let own = put(&enc, "d", &text("own"), &me);
    let own = put(&own, "c", &text("own"), &me);
    assert!(put(&own, "a", &text("free"), &me).starts_with("a: free\n"));
}

#[test]
fn what_stood_below_a_value_does_not_join_the_block_text_above() {
    let me = person();
    let enc = sealed(
        "a: |\n  x\nb:\n  c: d\n      # of b\n\n# of e\ne: f\nstringData:\n  g: h\n",
        &rule(&[&me]),
    );
    let new = take(&enc, "b", &me);
    assert!(new.starts_with("a: |\n  x\n# of e\ne: f\n"), "{new}");
    let enc = sealed(
        "a:\n  - |\n    x\n  - y\n      # of y\nstringData:\n  g: h\n",
        &rule(&[&me]),
    );
    let new = take(&enc, "a[1]", &me);
    assert!(new.starts_with("a:\n  - |\n    x\nstringData:\n"), "{new}");
}

#[test]
fn an_edit_that_would_break_the_text_or_lose_a_null_is_refused() {
    let me = person();
    let enc = sealed("a: [x, &b ]\nstringData:\n  g: h\n", &rule(&[&me]));
    let change = unset(&enc, 0, &path("a[0]"), &me.identities, &mut later());
    assert!(matches!(change, Err(SopsError::Layout { .. })), "{change:?}");
    // A tag, and an empty value behind it.
    let enc = sealed("a: [\"\",!'x']\nstringData:\n  g: h\n", &rule(&[&me]));
    let change = set(&enc, 0, &path("a[1]"), &text("new"), &me.identities, &mut later());
    assert!(matches!(change, Err(SopsError::Layout { .. })), "{change:?}");
    assert!(take(&enc, "a[1]", &me).starts_with("a: [\"\"]\n"));
}
