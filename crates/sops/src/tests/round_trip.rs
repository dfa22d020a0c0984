use proptest::prelude::*;

use super::super::{compare_keyless, status};
use super::generate::Generator;
use super::*;
use crate::ops::plan::to_seal;
use crate::rules::selector::Scope;
use crate::text::document::Documents;
use crate::text::typing::Typed;
use crate::text::walk::walk;

/// Every leaf with what it is for SOPS; with `as_sealed`, values in scope as they are encrypted.
fn leaves(text: &str, rule: &EncryptionRule, as_sealed: bool) -> Vec<(usize, String, Typed)> {
    let docs = Documents::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let scope = Scope::new(&rule.selector).unwrap();
    let walk = walk(&docs, &scope, false).unwrap();
    let typed = |leaf: &crate::text::walk::Leaf<'_>| match to_seal(Format::Yaml, leaf) {
        Ok(Some(plain)) if as_sealed && leaf.in_scope => Typed::Value(plain),
        _ => leaf.typed.clone(),
    };
    walk.leaves
        .iter()
        .map(|leaf| (leaf.doc, leaf.path.clone(), typed(leaf)))
        .collect()
}

fn comments(text: &str) -> Vec<&str> {
    let ranges = yaml::comments(text).unwrap();
    ranges.into_iter().map(|range| text[range].trim_end()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encrypted_comes_back(seed in any::<u64>(), size in 1_usize..6, all in any::<bool>()) {
        let text = Generator::new(seed).stream(size);
        let me = person();
        let rule = if all { whole(&[&me]) } else { rule(&[&me]) };
        let refused = crate::encrypt(&text, &rule, &mut FixedEntropy::new(1));
        // Refused for good reason: an alias below a key that stays plain would show the encrypted value.
        prop_assume!(!matches!(refused, Err(SopsError::AliasLeavesScope { .. })));
        let enc = sealed(&text, &rule);
        let dec = open(&enc, &me);

        prop_assert_eq!(leaves(&dec, &rule, false), leaves(&text, &rule, true), "\n{}\n----\n{}", text, dec);
        prop_assert_eq!(comments(&enc), comments(&text));
        prop_assert_eq!(comments(&dec), comments(&text));

        let status = status(&enc).unwrap();
        prop_assert!(status.is_sealed(), "{:?}", status);
        let keyless = compare_keyless(&enc, &text, &rule).unwrap();
        prop_assert!(keyless.same_structure && keyless.recipients_equal, "{:?}\n{}", keyless, text);
        prop_assert_eq!(keyless.unverified, status.sealed);
        prop_assert!(decrypt_values(&enc, &me.identities).unwrap().len() >= status.sealed);

        prop_assert_eq!(updated(&enc, &text, &rule, &me), Updated::Unchanged, "\n{}\n----\n{}", text, enc);
    }

    #[test]
    fn a_changed_value_changes_its_line_and_the_stamps(seed in any::<u64>(), size in 1_usize..6) {
        let text = Generator::new(seed).stream(size);
        let me = person();
        let rule = rule(&[&me]);
        let enc = sealed(&text, &rule);
        let new = text.replacen("first: \"value\"", "first: other", 1);
        let documents = text.matches("stringData:\n").count();
        let out = changed(&enc, &new, &rule, &me);
        let lines = changed_lines(&enc, &out);
        prop_assert_eq!(lines.len(), 1 + 2 * documents, "{:?}", lines);
        prop_assert!(lines[0].starts_with("    first: ENC["));
        prop_assert!(lines[1].starts_with("  lastmodified: ") && lines[2].starts_with("  mac: "));
        prop_assert_eq!(leaves(&open(&out, &me), &rule, false), leaves(&new, &rule, true));
    }

    #[test]
    fn nothing_panics_on_arbitrary_text(text in "[ -~\n\t:#|>&*!'\"\\[\\]{},-]{0,80}") {
        let me = person();
        if let Ok(enc) = crate::encrypt(&text, &whole(&[&me]), &mut FixedEntropy::new(1)) {
            let dec = open(&enc, &me);
            prop_assert_eq!(leaves(&dec, &whole(&[&me]), false), leaves(&text, &whole(&[&me]), true), "\n{}", enc);
        }
        let _ = status(&text);
        let _ = decrypt(&text, &me.identities, MacCheck::Ignore);
    }
}

/// Arbitrary text, quoted, comes back as it was.
#[test]
fn any_text_survives() {
    let me = person();
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&proptest::collection::vec(any::<char>(), 0..40), |chars| {
            let value: String = chars.into_iter().collect();
            let plain = format!("stringData:\n  k: {}\n", yaml::double_quoted(&value).as_str());
            let dec = open(&sealed(&plain, &rule(&[&me])), &me);
            let root = yaml::parse(&dec).unwrap();
            prop_assert_eq!(
                root[0].str_at(&["stringData", "k"]),
                Some(value.as_str()),
                "{}",
                dec
            );
            Ok(())
        })
        .unwrap();
}
