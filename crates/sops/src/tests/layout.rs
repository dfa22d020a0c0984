use super::*;
use crate::Step;

fn error(text: &str) -> SopsError {
    crate::encrypt(text, &rule(&[&person()]), &mut FixedEntropy::new(1)).unwrap_err()
}

/// A text with its `ENC[…]` values shortened and without `sops` blocks.
fn body(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.split("sops:\n").next().unwrap();
    while let Some(at) = rest.find("ENC[") {
        let end = at + rest[at..].find(']').unwrap();
        out.push_str(&rest[..at]);
        out.push_str("ENC");
        rest = &rest[end + 1..];
    }
    out + rest
}

#[test]
fn everything_but_the_values_keeps_its_bytes() {
    let text = "---\n# head\nkind: Secret  # why\nmetadata: {name:  x}\n\nstringData:\n    # in scope\n    a:   one   # note\n    b: |+  # block\n        x\n\n        y\n\n    c: [ p, 'q' ]\n    d: >-\n        folded\n        text\n    e: \"\"\n    f:\n    g: !!int \"5\"\n    h: &x deep\n    i: *x\n# foot\n";
    let enc = sealed(text, &rule(&[&person()]));
    assert_eq!(
        body(&enc),
        "---\n# head\nkind: Secret  # why\nmetadata: {name:  x}\n\nstringData:\n    # in scope\n    a:   ENC   # note\n    b: ENC  # block\n    c: [ \"ENC\", \"ENC\" ]\n    d: ENC\n    e: \"\"\n    f:\n    g: ENC\n    h: &x ENC\n    i: ENC\n# foot\n"
    );
}

#[test]
fn texts_of_several_lines_are_readable_after_decryption() {
    let me = person();
    let text = "stringData:\n  a: |  # why\n    one\n      two\n\n    three\n  l:\n    - |-\n      x\n      y\n    - k: |\n        z\n  q: \"a\\nb\"\n";
    let dec = open(&sealed(text, &rule(&[&me])), &me);
    assert_eq!(dec, text.replace("q: \"a\\nb\"", "q: |-\n    a\n    b"));
}

#[test]
fn every_document_gets_the_same_block_and_empty_ones_none() {
    let text = "stringData: {a: b}\n---\nkind: x\n---\n# nothing\n---\nstringData: {c: d}\n...\n";
    let enc = sealed(text, &rule(&[&person()]));
    let blocks: Vec<&str> = enc
        .split("sops:\n")
        .skip(1)
        .map(|rest| rest.split("---\n#").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 3);
    assert!(blocks[0].starts_with(blocks[2].trim_end_matches("...\n")));
    assert!(enc.ends_with("version: 3.13.2\n...\n"));
}

#[test]
fn a_document_in_braces_keeps_them() {
    let me = person();
    let text = "{\"kind\": \"Secret\", \"data\": {\"a\": \"eA==\"}}\n";
    let enc = sealed(text, &rule(&[&me]));
    assert!(enc.starts_with("{\"kind\": \"Secret\", \"data\": {\"a\": \"ENC[") && enc.ends_with("}}\n"));
    assert_eq!(open(&enc, &me), text);
    assert_eq!(updated(&enc, text, &rule(&[&me]), &me), Updated::Unchanged);
}

#[test]
fn an_indented_document_gets_an_indented_block() {
    let me = person();
    let text = "  kind: x\n  stringData:\n    a: b\n";
    let enc = sealed(text, &rule(&[&me]));
    assert!(enc.contains("\n  sops:\n    age:\n"));
    assert_eq!(open(&enc, &me), text);
    assert_eq!(updated(&enc, text, &rule(&[&me]), &me), Updated::Unchanged);
}

#[test]
fn a_missing_last_line_break_changes_no_value() {
    let me = person();
    for header in ["|", ">", "|+", "|-", "|2"] {
        let text = format!("stringData: {{a: b}}\nplain: {header}\n  x");
        let dec = open(&sealed(&text, &rule(&[&me])), &me);
        let root = yaml::parse(&dec).unwrap();
        assert_eq!(root[0].str_at(&["plain"]), Some("x"), "{dec}");
    }
    let text = "stringData:\n  a: |\n    x";
    assert_eq!(open(&sealed(text, &rule(&[&me])), &me), "stringData:\n  a: x\n");
}

#[test]
fn windows_line_ends_survive() {
    let me = person();
    let text = "kind: Secret\r\nstringData:\r\n  a: b\r\n  c: |\r\n    x\r\n    y\r\n";
    let enc = sealed(text, &rule(&[&me]));
    assert!(enc.starts_with("kind: Secret\r\nstringData:\r\n  a: ENC["));
    let root = yaml::parse(&open(&enc, &me)).unwrap();
    assert_eq!(root[0].str_at(&["stringData", "c"]), Some("x\ny\n"));
}

#[test]
fn what_sops_or_kubernetes_would_break_is_refused() {
    use SopsError as E;
    assert!(matches!(error("sops: 1\nstringData: {a: b}\n"), E::AlreadyEncrypted { span } if span == (0..4)));
    assert_eq!(error("kind: x\n"), E::SelectorMatchesNothing);
    assert!(matches!(error("stringData: {1: b}\n"), E::NonTextKey { .. }));
    assert!(matches!(
        error("stringData: {a: !custom b}\n"),
        E::UnsupportedTag { .. }
    ));
    assert!(
        matches!(error("x: {<<: {a: b}}\nstringData:\n  y: &m {k: v}\n  z:\n    <<: *m\n"), E::MergeInScope { path, .. } if path.contains("<<"))
    );
    // A key that is the text `<<`: sops 3.13.3 writes `!!merge <<` for it, in and out of the encrypted scope.
    for text in [
        "stringData:\n  \"<<\": {a: b}\n",
        "stringData:\n  !!str <<: b\n",
        "x: {'<<': {a: b}}\nstringData: {c: d}\n",
    ] {
        assert!(
            matches!(error(text), E::TextMerge { path, .. } if path.contains("<<")),
            "{text}"
        );
    }
    assert!(
        matches!(error("stringData: {a: &s b}\nother: *s\n"), E::AliasLeavesScope { path, .. } if path == "other")
    );
    let me = person();
    let enc = sealed("stringData: {a: b}\n", &rule(&[&me]));
    let path = KeyPath::new(vec![
        Step::Key("stringData".to_owned()),
        Step::Key("<<".to_owned()),
    ]);
    let value = NewValue::Text(SecretText::new("x".to_owned()));
    let result = set(&enc, 0, &path, &value, &me.identities, &mut FixedEntropy::new(2));
    assert!(matches!(result, Err(E::TextMerge { .. })), "{result:?}");
    let all = |text| crate::encrypt(text, &whole(&[&me]), &mut FixedEntropy::new(1)).unwrap_err();
    assert!(matches!(
        all("a: 18446744073709551615\n"),
        E::IntegerTooLarge { .. }
    ));
    let mut broken = rule(&[&me]);
    broken.selector = Selector::EncryptedRegex("(".to_owned());
    let result = crate::encrypt("a: b\n", &broken, &mut FixedEntropy::new(1));
    assert_eq!(
        result.unwrap_err(),
        E::SelectorRegex {
            key: "encrypted_regex"
        }
    );
    broken.recipients.clear();
    let result = crate::encrypt("a: b\n", &broken, &mut FixedEntropy::new(1));
    assert_eq!(result.unwrap_err(), E::NoRecipients);
}

/// Every result is read once more before it is handed out.
#[test]
fn a_layout_that_cannot_be_edited_is_an_error_and_not_a_broken_file() {
    assert!(matches!(
        error("? stringData\n: a: b\n"),
        SopsError::Layout { .. }
    ));
}

#[test]
fn values_below_data_are_text_and_elsewhere_typed() {
    let me = person();
    let text = "stringData: {a: 12, b: true, c: 2024-01-01, d: 0777, e: 18446744073709551615}\n";
    let kinds = |text: &str, rule: &EncryptionRule| -> Vec<String> {
        let enc = sealed(text, rule);
        let values = decrypt_values(&enc, &me.identities).unwrap();
        values
            .iter()
            .map(|value| format!("{} {}", value.kind.word(), String::from_utf8_lossy(&value.value)))
            .collect()
    };
    assert_eq!(
        kinds(text, &rule(&[&me])),
        [
            "str 12",
            "str true",
            "str 2024-01-01",
            "str 0777",
            "str 18446744073709551615"
        ]
    );
    assert_eq!(
        kinds(
            "a: 12\nb: true\nc: 2024-01-01\nd: 2024-01-01T00:00:00Z\ne: 1.50\n",
            &whole(&[&me])
        ),
        [
            "int 12",
            "bool True",
            "str 2024-01-01",
            "time 2024-01-01T00:00:00Z",
            "float 1.5"
        ]
    );
}

/// To YAML it ends a line, to everything that looks for LF it does not: a value could go with its neighbour.
#[test]
fn a_lone_carriage_return_is_refused() {
    let me = person();
    let enc = sealed("stringData:\r\n  a: x\r\n  b: y\r\n", &rule(&[&me]));
    let bent = enc.replacen("]\r\n", "]\r", 1);
    let error = decrypt(&bent, &me.identities, MacCheck::Verify).unwrap_err();
    assert_eq!(error.span().unwrap().start, bent.find("]\r").unwrap() + 1);
    assert!(matches!(error, SopsError::Unsupported { .. }), "{error}");
}
