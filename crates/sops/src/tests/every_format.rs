//! Every change, on every format: what it says happens, and nothing else.

use proptest::prelude::*;

use super::*;

/// A file of each format, and the path of a value in it.
const FILES: [(Format, &str, &str); 5] = [
    (
        Format::Yaml,
        "# c\nkind: x\nstringData:\n  a: one\n  b: two\n",
        "stringData.b",
    ),
    (
        Format::Json,
        "{\n\t\"kind\": \"one\",\n\t\"a\": {\n\t\t\"b\": \"two\",\n\t\t\"l\": [1, 2.5]\n\t}\n}\n",
        "a.b",
    ),
    (Format::Dotenv, "# c\nA=one\nB=two\n\nC=three=3\n", "B"),
    (
        Format::Ini,
        "top = 1\n\n; c\n[s]\na = one\nb = two\n\n[t]\nc = three\n",
        "s.b",
    ),
    (Format::Binary, "line\nother line\n", "data"),
];

fn at(path: &str) -> KeyPath {
    KeyPath::parse(path).unwrap()
}

fn text(text: &str) -> NewValue {
    NewValue::Text(SecretText::new(text.to_owned()))
}

fn later() -> FixedEntropy {
    let mut entropy = FixedEntropy::new(9);
    "2028-01-01T00:00:00Z".clone_into(&mut entropy.time);
    entropy
}

fn seal(format: Format, plain: &[u8], rule: &EncryptionRule) -> String {
    let sealed = format.encrypt(plain, rule, &mut FixedEntropy::new(1));
    sealed.unwrap_or_else(|error| panic!("{format}: {error}"))
}

fn bytes(format: Format, enc: &str, me: &Identities) -> Vec<u8> {
    let plain = format.decrypt(enc, me, MacCheck::Verify);
    plain
        .unwrap_or_else(|error| panic!("{format}: {error}\n{enc}"))
        .to_vec()
}

fn clear(format: Format, enc: &str, me: &Person) -> String {
    String::from_utf8(bytes(format, enc, &me.identities)).unwrap()
}

fn put(format: Format, enc: &str, path: &str, value: &NewValue, me: &Person) -> Result<String, SopsError> {
    let new = format.set(enc, at(path).within(0), value, &me.identities, &mut later())?;
    Ok(new.unwrap_or_else(|| enc.to_owned()))
}

fn take(format: Format, enc: &str, path: &str, me: &Person) -> Result<String, SopsError> {
    let new = format.unset(enc, at(path).within(0), &me.identities, &mut later())?;
    Ok(new.expect("something goes"))
}

fn tokens(text: &str) -> Vec<&str> {
    let starts = text.match_indices("ENC[").map(|(at, _)| &text[at..]);
    starts
        .filter_map(|rest| rest.split_once(']'))
        .map(|(token, _)| token)
        .collect()
}

/// Ciphertexts of `new` that `old` has not.
fn fresh(old: &str, new: &str) -> usize {
    let old = tokens(old);
    tokens(new).iter().filter(|token| !old.contains(token)).count()
}

#[test]
fn set_changes_one_value_and_the_stamps() {
    let me = person();
    for (format, plain, path) in FILES {
        let enc = seal(format, plain.as_bytes(), &whole(&[&me]));
        let same = format
            .extract(&enc, at(path).within(0), &me.identities, MacCheck::Verify)
            .unwrap();
        let same = NewValue::Bytes(same);
        assert_eq!(put(format, &enc, path, &same, &me).unwrap(), enc, "{format}");
        let out = put(format, &enc, path, &text("new value"), &me).unwrap();
        let changed = changed_lines(&enc, &out);
        assert_eq!(
            (changed.len(), fresh(&enc, &out)),
            (3, 2),
            "{format} {changed:#?}"
        );
        let expected = match format {
            Format::Binary => "new value".to_owned(),
            _ => plain.replace("two", "new value"),
        };
        assert_eq!(clear(format, &out, &me), expected, "{format}");
        let read = format.extract(&out, at(path).within(0), &me.identities, MacCheck::Verify);
        assert_eq!(read.unwrap().as_slice(), b"new value", "{format}");
    }
}

#[test]
fn new_keys_go_to_the_end_of_their_mapping_and_out_again() {
    let me = person();
    for (format, path, plain, expected) in [
        (
            Format::Json,
            "a.new",
            "{\"a\":{\"b\":\"c\"}}\n",
            "{\"a\":{\"b\":\"c\", \"new\": \"v\"}}\n",
        ),
        (
            Format::Json,
            "new",
            "{\n  \"a\": \"b\"\n}\n",
            "{\n  \"a\": \"b\",\n  \"new\": \"v\"\n}\n",
        ),
        (
            Format::Json,
            "a[1]",
            "{\n  \"a\": [\n    \"b\"\n  ]\n}\n",
            "{\n  \"a\": [\n    \"b\",\n    \"v\"\n  ]\n}\n",
        ),
        (
            Format::Json,
            "m.k",
            "{\"a\": \"b\", \"m\": {}}\n",
            "{\"a\": \"b\", \"m\": {\"k\": \"v\"}}\n",
        ),
        (Format::Dotenv, "NEW", "A=b\n# end\n", "A=b\n# end\nNEW=v\n"),
        (
            Format::Ini,
            "s.new",
            "[s]\na = b\n\n[t]\nc = d\n",
            "[s]\na = b\nnew = v\n\n[t]\nc = d\n",
        ),
        (
            Format::Ini,
            "u.new",
            "[s]\na = b\n",
            "[s]\na = b\n\n[u]\nnew = v\n",
        ),
        (
            Format::Ini,
            "DEFAULT.new",
            "[s]\na = b\n",
            "new = v\n[s]\na = b\n",
        ),
        (
            Format::Ini,
            "t.new",
            "[s]\na = b\n[t]\n",
            "[s]\na = b\n[t]\nnew = v\n",
        ),
    ] {
        let enc = seal(format, plain.as_bytes(), &whole(&[&me]));
        let out = put(format, &enc, path, &text("v"), &me).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(clear(format, &out, &me), expected, "{format} {path}");
        assert_eq!(fresh(&enc, &out), 2, "{format} {path}");
        let back = take(format, &out, path, &me).unwrap();
        let rest = clear(format, &back, &me);
        assert_eq!(rest.replace("\n[u]\n", ""), plain, "{format} {path}");
        assert_eq!(fresh(&enc, &back), 1, "{format} {path}: the MAC alone");
        assert!(take(format, &back, path, &me).is_err(), "{format}: it is gone");
    }
}

#[test]
fn typed_values_are_typed_only_where_the_format_knows_types() {
    let me = person();
    for (format, plain, path) in FILES {
        let enc = seal(format, plain.as_bytes(), &whole(&[&me]));
        let out = put(format, &enc, path, &NewValue::parse("12", format), &me).unwrap();
        let value = format.decrypt_values(&out, &me.identities).unwrap();
        let value = value
            .iter()
            .find(|value| value.value.as_slice() == b"12")
            .unwrap();
        let typed = matches!(format, Format::Json) || path == "x";
        assert_eq!(value.kind.word() == "int", typed, "{format}");
        let list = NewValue::Json(serde_json::json!(["x", {"y": 1}]));
        let list = put(format, &enc, path, &list, &me);
        match format {
            Format::Yaml | Format::Json | Format::Binary => assert!(list.is_ok(), "{format} {list:?}"),
            Format::Dotenv | Format::Ini => assert!(matches!(list, Err(SopsError::Unholdable { .. }))),
        }
    }
}

#[test]
fn what_a_format_would_read_back_as_something_else_is_refused() {
    let me = person();
    let refused = |format: Format, path: &KeyPath, value: &str| {
        let (_, plain, _) = FILES.into_iter().find(|(one, ..)| *one == format).unwrap();
        let enc = seal(format, plain.as_bytes(), &whole(&[&me]));
        let out = format.set(&enc, path.within(0), &text(value), &me.identities, &mut later());
        assert!(
            matches!(out, Err(SopsError::Unholdable { .. })),
            "{format} {path} {value:?}: {out:?}"
        );
    };
    let key = |names: &[&str]| {
        KeyPath::new(
            names
                .iter()
                .map(|name| crate::Step::Key((*name).to_owned()))
                .collect(),
        )
    };
    refused(Format::Dotenv, &key(&["A"]), "C:\\new");
    for name in ["a=b", "#a", "a\nb", "", "sops_x"] {
        refused(Format::Dotenv, &key(&[name]), "v");
    }
    refused(Format::Ini, &key(&["s", "a"]), "`\"\"\"\n`\"\"\"\nx");
    for name in ["-", "a\nb", ""] {
        refused(Format::Ini, &key(&["s", name]), "v");
    }
    refused(Format::Ini, &key(&["a\nb", "k"]), "v");
    refused(Format::Binary, &key(&["other"]), "v");
    let enc = seal(Format::Binary, b"x", &whole(&[&me]));
    assert!(take(Format::Binary, &enc, "data", &me).is_err());
}

#[test]
fn edits_rotations_and_merges_keep_what_they_should() {
    let (me, you) = (person(), person());
    for (format, plain, path) in FILES {
        let enc = seal(format, plain.as_bytes(), &whole(&[&me]));
        let edited = match format {
            Format::Binary => plain.replace("other", "next"),
            _ => plain.replace("one", "1st"),
        };
        let replace = |plain: &str| {
            format
                .replace(&enc, plain.as_bytes(), &me.identities, &mut later())
                .unwrap()
        };
        assert_eq!(replace(plain), None, "{format}");
        let ours = replace(&edited).unwrap();
        assert_eq!(
            (clear(format, &ours, &me), fresh(&enc, &ours)),
            (edited, 2),
            "{format}"
        );

        let new = format
            .rotate(
                &enc,
                std::slice::from_ref(&you.recipient),
                &[],
                &me.identities,
                &mut later(),
            )
            .unwrap();
        assert_eq!(clear(format, &new.text, &you), plain, "{format}");
        assert_eq!(
            fresh(&enc, &new.text),
            tokens(&enc).len(),
            "{format}: all are new"
        );

        let theirs = put(format, &enc, path, &text(&plain.replace("line\n", "LINE\n")), &me);
        let theirs = match format {
            Format::Binary => seal(format, b"first line\nother line\n", &whole(&[&me])),
            _ => put(format, &theirs.unwrap(), path, &text("theirs"), &me).unwrap(),
        };
        let merged = format
            .merge(
                sides(Some(&enc), &ours, &theirs, &[]),
                &me.identities,
                &mut later(),
            )
            .unwrap();
        let merged_text = clear(format, &merged.text, &me);
        if format == Format::Binary {
            assert_eq!(merged.conflicts, ["data"], "neighbouring lines");
        } else {
            assert_eq!(merged.conflicts, [""; 0], "{format}");
            let expected = plain.replace("one", "1st").replace("two", "theirs");
            assert_eq!(merged_text, expected, "{format}");
        }
        let clash = put(format, &enc, path, &text("clash"), &me).unwrap();
        let merged = format
            .merge(
                sides(Some(&enc), &clash, &theirs, &[]),
                &me.identities,
                &mut later(),
            )
            .unwrap();
        assert_eq!(merged.conflicts, [path], "{format}");
    }
    let far = "1\n2\n3\n4\n5\n";
    let file = |text: &str| seal(Format::Binary, text.as_bytes(), &whole(&[&me]));
    let merged = Format::Binary.merge(
        sides(
            Some(&file(far)),
            &file(&far.replace('1', "one")),
            &file(&far.replace('5', "five")),
            &[],
        ),
        &me.identities,
        &mut later(),
    );
    let merged = merged.unwrap();
    assert_eq!(clear(Format::Binary, &merged.text, &me), "one\n2\n3\n4\nfive\n");
}

#[test]
fn status_and_comparison_need_no_key() {
    let (me, you) = (person(), person());
    for (format, plain, _) in FILES {
        assert_eq!(format.status(plain), Err(SopsError::NotEncrypted), "{format}");
        let rule = whole(&[&me]);
        let enc = seal(format, plain.as_bytes(), &rule);
        let status = format.status(&enc).unwrap();
        assert!(status.is_sealed() && status.recipients.len() == 1, "{format}");
        let same = format.compare_keyless(&enc, plain.as_bytes(), &rule).unwrap();
        assert!(
            same.same_structure && same.recipients_equal && same.reason.is_none(),
            "{format} {same:?}"
        );
        let other = format
            .compare_keyless(&enc, plain.as_bytes(), &whole(&[&me, &you]))
            .unwrap();
        assert!(other.same_structure && !other.recipients_equal, "{format}");
        if format != Format::Binary {
            let other = format.compare_keyless(&enc, plain.replace("one", "\"").as_bytes(), &rule);
            assert!(other.is_err() || other.unwrap().same_structure, "{format}");
        }
    }
    let enc = seal(Format::Binary, b"x", &whole(&[&me]));
    let error = Format::Binary.encrypt(enc.as_bytes(), &whole(&[&me]), &mut later());
    assert!(
        matches!(error, Err(SopsError::AlreadyEncrypted { .. })),
        "never twice"
    );
}

#[test]
fn a_name_that_tells_nothing_leaves_it_to_the_text() {
    let me = person();
    for (format, plain, _) in FILES {
        let enc = seal(format, plain.as_bytes(), &whole(&[&me]));
        assert_eq!(Format::of_text(".merge_file_x", &enc), format);
        assert_eq!(
            Format::of_text("x.env", &enc),
            Format::Dotenv,
            "the name comes first"
        );
    }
}

/// A plaintext of a format and the paths of its values.
fn document(format: Format, names: &[String], values: &[String]) -> (Vec<u8>, Vec<String>) {
    let pairs = || names.iter().zip(values);
    let path = |name: &String| match format {
        Format::Dotenv | Format::Yaml => name.clone(),
        Format::Json => format!("m.{name}"),
        Format::Ini => format!("sec.{name}"),
        Format::Binary => "data".to_owned(),
    };
    let paths: Vec<String> = names.iter().map(path).collect();
    let plain = match format {
        Format::Yaml => pairs()
            .map(|(name, value)| format!("{name}: {}\n", yaml::double_quoted(value).as_str()))
            .collect(),
        Format::Json => {
            let map: serde_json::Map<_, _> = pairs()
                .map(|(name, value)| (name.clone(), value.clone().into()))
                .collect();
            format!("{:#}\n", serde_json::json!({ "m": map }))
        }
        Format::Dotenv => pairs().map(|(name, value)| format!("{name}={value}\n")).collect(),
        Format::Ini => {
            let line = |(name, value): (&String, &String)| {
                format!(
                    "{name} = {}\n",
                    crate::text::lines::ini_text(value).unwrap().as_str()
                )
            };
            format!("[sec]\n{}", pairs().map(line).collect::<String>())
        }
        Format::Binary => values.concat(),
    };
    (plain.into_bytes(), paths)
}

fn any_format() -> impl Strategy<Value = Format> {
    prop::sample::select(FILES.map(|(format, ..)| format).to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_document_comes_back_and_a_change_touches_one_value(
        format in any_format(),
        values in prop::collection::vec("[ -~éß]{1,24}", 1..6),
        new in "[ -~é]{1,20}",
        pick in any::<prop::sample::Index>(),
        takes in any::<bool>(),
    ) {
        // The two characters that dotenv reads as a line break.
        prop_assume!(!values.iter().chain([&new]).any(|value| value.contains("\\n")));
        let me = person();
        let names: Vec<String> = (0..values.len()).map(|i| format!("K{i}")).collect();
        let (plain, paths) = document(format, &names, &values);
        let enc = seal(format, &plain, &whole(&[&me]));
        let back = bytes(format, &enc, &me.identities);
        let values = |bytes: &[u8]| yaml::parse(std::str::from_utf8(bytes).unwrap()).unwrap()[0].to_json();
        if format == Format::Yaml {
            prop_assert_eq!(values(&back), values(&plain));
        } else {
            prop_assert_eq!(&back, &plain);
        }
        let read = |enc: &str, path: &str| {
            let value = format.extract(enc, at(path).within(0), &me.identities, MacCheck::Verify);
            value.ok().map(|value| String::from_utf8(value.to_vec()).unwrap())
        };
        let chosen = pick.get(&paths);
        let takes = takes && format != Format::Binary && paths.len() > 1;
        let out = if takes { take(format, &enc, chosen, &me) } else { put(format, &enc, chosen, &text(&new), &me) };
        let out = out.unwrap();
        for path in &paths {
            let expected = match (path == chosen, takes) {
                (true, true) => None,
                (true, false) => Some(new.clone()),
                (false, _) => read(&enc, path),
            };
            prop_assert_eq!(read(&out, path), expected, "{}", path);
        }
        prop_assert!(fresh(&enc, &out) <= 2 - usize::from(takes));
    }

    #[test]
    fn binary_files_of_any_bytes_go_through_every_change(one in prop::collection::vec(any::<u8>(), 0..64), two in prop::collection::vec(any::<u8>(), 0..64)) {
        let me = person();
        let enc = seal(Format::Binary, &one, &whole(&[&me]));
        let new = NewValue::Bytes(two.clone().into());
        let enc = put(Format::Binary, &enc, "data", &new, &me).unwrap();
        prop_assert_eq!(bytes(Format::Binary, &enc, &me.identities), two.clone());
        let enc = Format::Binary.rotate(&enc, &[], &[], &me.identities, &mut later()).unwrap().text;
        prop_assert_eq!(bytes(Format::Binary, &enc, &me.identities), two);
    }
}
