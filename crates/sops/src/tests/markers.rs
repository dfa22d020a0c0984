//! Selectors that go by comments.

use proptest::prelude::*;

use super::generate::Generator;
use super::*;

fn by_comment(hides: bool, me: &Person) -> EncryptionRule {
    let regex = "secret".to_owned();
    EncryptionRule {
        selector: if hides {
            Selector::EncryptedCommentRegex(regex)
        } else {
            Selector::UnencryptedCommentRegex(regex)
        },
        ..whole(&[me])
    }
}

/// The paths of the values that are encrypted.
fn hidden(enc: &str, me: &Person) -> Vec<String> {
    let values = decrypt_values(enc, &me.identities).unwrap();
    values.into_iter().map(|value| value.path).collect()
}

/// As sops 3.13.3 has it.
const TEXT: &str = "# secret\na: 1\nb: 2\ntop:\n  a: 1\n  # secret\nb2: 2\ntop2:\n  # secret\n  x: 1 # foo\n  # bar\n  y: 2\n# secret\nl:\n  - 1\n  - k: 2\nm:\n  # secret\n  - 1\n  - 2\nn:\n  - k: 1 # secret\n    j: 2\n  # secret\n  - k: 3\n    j: 4\no: 1\n";

const MARKED: [&str; 8] = [
    "a", "top2.x", "l[0]", "l[1].k", "m[0]", "n[0].k", "n[1].k", "n[1].j",
];

#[test]
fn comments_decide_as_in_sops() {
    let me = person();
    for hides in [true, false] {
        let enc = sealed(TEXT, &by_comment(hides, &me));
        let found = hidden(&enc, &me);
        if hides {
            assert_eq!(found, MARKED);
        } else {
            assert!(
                found.len() == 7 && !found.iter().any(|path| MARKED.contains(&path.as_str())),
                "{found:?}"
            );
        }
        assert_eq!(open(&enc, &me), TEXT);
    }
    let enc = sealed(
        "a:\n  b: |\n    x\n  c: # secret\n    d: y\n",
        &by_comment(true, &me),
    );
    assert_eq!(
        hidden(&enc, &me),
        ["a.c.d"],
        "a block text does not reach into the next line"
    );
    let enc = sealed(
        "# secret\na: 1\nl:\n  - k: 1\n    # secret\n\n  - k: 2\n",
        &by_comment(true, &me),
    );
    assert_eq!(
        hidden(&enc, &me),
        ["a"],
        "what closes an item is not of the next one"
    );
    let enc = Format::Dotenv.encrypt(
        b"A=1\n# secret\n# more\nB=2\nC=3\n",
        &by_comment(true, &me),
        &mut FixedEntropy::new(1),
    );
    let values = Format::Dotenv
        .decrypt_values(&enc.unwrap(), &me.identities)
        .unwrap();
    assert_eq!(
        values.iter().map(|value| value.path.as_str()).collect::<Vec<_>>(),
        ["B"]
    );
}

#[test]
fn every_change_keeps_to_the_comments() {
    let me = person();
    let rule = by_comment(true, &me);
    let enc = sealed(TEXT, &rule);
    let path = KeyPath::parse("top2.x").unwrap();
    let new = NewValue::Text(SecretText::new("new".to_owned()));
    let out = set(&enc, 0, &path, &new, &me.identities, &mut FixedEntropy::new(2))
        .unwrap()
        .unwrap();
    assert_eq!(
        (open(&out, &me), hidden(&out, &me).len()),
        (TEXT.replace("x: 1", "x: new"), 8)
    );
    let plain = TEXT.replace("b: 2", "# secret b\nb: 2");
    let out = replace(&enc, &plain, &me.identities, &mut FixedEntropy::new(2))
        .unwrap()
        .unwrap();
    assert_eq!((open(&out, &me), hidden(&out, &me).len()), (plain.clone(), 9));
    assert_eq!(open(&changed(&enc, &plain, &rule, &me), &me), plain);
    let out = rotate(&enc, &[], &[], &me.identities, &mut FixedEntropy::new(3)).unwrap();
    assert_eq!(open(&out.text, &me), TEXT);
    let out = unset(
        &enc,
        0,
        &KeyPath::parse("m[1]").unwrap(),
        &me.identities,
        &mut FixedEntropy::new(2),
    );
    assert_eq!(hidden(&out.unwrap().unwrap(), &me), MARKED);
}

#[test]
fn comments_that_readers_could_place_elsewhere_are_refused() {
    let me = person();
    for text in [
        "a: 1\n    # secret\nb: 2\n",
        "top:\n# secret\n  a: 1\n",
        "top: {a: 1} # secret\nb: 2\n",
        "l:\n  - # secret\n    k: 1\n",
        "# secret\n---\na: 1\n",
        "x: &x 1\n# secret\na: *x\n",
        "l:\n  # secret\n  # other\n  - 1\n",
        "l:\n  - 1\n  # secret\n\n  - 2\n",
        "a:\n  b: 1\n# secret\n  # other\nc: 2\n",
        "a:\n  b: 1\nc: 2\n  # secret\nd: 3\n",
        "a:\n  b: 1\n# other\n  # secret\nc: 2\n",
        "a:\n  b:\n      c: |\n        x\n  d:\n      # secret\n    e: 1\n",
        // Between a dash and what the item holds.
        "m:\n  -\n    # secret\n    a: x\n    b: y\n",
        "m:\n  -\n    # secret\n    - x\n    - y\n",
        "m:\n  - # other\n    # secret\n    a: x\n",
        "m:\n  -\n\n    # other\n\n    # secret\n    a: x\n",
        "m:\n  - - # secret\n      a: x\n",
        "m:\n  - -\n      # secret\n      - x\n",
        // Before a dash that has nothing behind it.
        "a: # secret\n  -\n",
        "a:\n  # secret\n  -\n  - x\n",
        "a:\n  # secret\n\n  # other\n  - # note\n    k: 1\n",
        // With CRLF.
        "k:\r\n- data: x\r\n# secret\r\n- trux\r\nz: q\r\n",
        "# secret\r\na: x\r\nb: y\r\n",
    ] {
        let error = crate::encrypt(text, &by_comment(true, &me), &mut FixedEntropy::new(1)).unwrap_err();
        assert!(matches!(error, SopsError::Marker { .. }), "{text}: {error:?}");
        assert!(error.span().is_some(), "{text}");
    }
    let ini = Format::Ini.encrypt(
        b"[s]\n; secret\na = 1\nb = 2\n",
        &by_comment(true, &me),
        &mut FixedEntropy::new(1),
    );
    assert!(matches!(ini, Err(SopsError::Marker { .. })));
    let nothing = crate::encrypt("a: 1\n", &by_comment(true, &me), &mut FixedEntropy::new(1));
    assert_eq!(nothing, Err(SopsError::SelectorMatchesNothing));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_comments_the_text_comes_back(seed in any::<u64>(), hides in any::<bool>()) {
        let text = Generator::new(seed).marked();
        let me = person();
        let enc = crate::encrypt(&text, &by_comment(hides, &me), &mut FixedEntropy::new(1));
        prop_assume!(!matches!(enc, Err(SopsError::Marker { .. })));
        let enc = enc.unwrap();
        let values = |text: &str| yaml::parse(text).unwrap()[0].to_json();
        prop_assert_eq!(values(&open(&enc, &me)), values(&text));
        let again = replace(&enc, &open(&enc, &me), &me.identities, &mut FixedEntropy::new(2)).unwrap();
        prop_assert_eq!(again, None);
    }
}
