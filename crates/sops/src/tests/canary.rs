use super::*;
use crate::{compare_keyless, encrypt, status};

const CANARY: &str = "canary-7f3a";

/// Every error that texts with a planted secret can cause, shown in every way.
#[test]
fn no_error_shows_a_value() {
    let me = person();
    let my_rule = rule(&[&me]);
    let good = sealed(
        &format!("stringData:\n  a: {CANARY}\n  l: [{CANARY}1, {CANARY}2]\n"),
        &my_rule,
    );
    let plain = |text: &str| text.replace('@', CANARY);
    let texts = [
        plain("stringData: {a: !x @}\n"),
        plain("stringData: {a: \"@\n"),
        plain("stringData:\n  a: @\n a: @\n"),
        plain("stringData:\n\t- @\n"),
        plain("stringData: {a: &s @}\nother: *s\n"),
        plain("stringData: {<<: {a: @}}\n"),
        plain("a: @\n"),
        plain("- @\n"),
        plain("@"),
        plain("%@\n---\na: b\n"),
        plain("stringData: {a: *@}\n"),
        plain("stringData: {a: b, a: @}\n"),
        plain("stringData: {a: !!int @}\n"),
        plain("sops: @\nstringData: {a: b}\n"),
        good.replace("stringData:\n", &plain("stringData:\n  z: @\n")),
        good.replacen("ENC[AES256_GCM,data:", &plain("ENC[AES256_GCM,data:@"), 1),
        good.replace("  a: ENC", "  b: ENC"),
        good.replace("version: 3.13.2", &plain("versio: @")),
        good.replace("lastmodified: \"2026", "lastmodified: \"2025"),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for text in &texts {
        let errors: Vec<SopsError> = [
            encrypt(text, &my_rule, &mut FixedEntropy::new(1)).err(),
            decrypt(text, &me.identities, MacCheck::Verify).err(),
            decrypt_values(text, &me.identities).err(),
            update(&good, text, &my_rule, &me.identities, &mut FixedEntropy::new(1)).err(),
            update(
                text,
                "stringData: {a: b}\n",
                &my_rule,
                &me.identities,
                &mut FixedEntropy::new(1),
            )
            .err(),
            compare_keyless(text, "stringData: {a: b}\n", &my_rule).err(),
            status(text).err(),
        ]
        .into_iter()
        .flatten()
        .collect();
        for error in errors {
            let shown = format!("{error} {error:?} {}", error.help());
            assert!(!shown.contains(CANARY), "{shown}\n{text}");
            assert!(error.span().is_none_or(|span| span.start <= span.end));
            seen.insert(std::mem::discriminant(&error).hash_text());
        }
    }
    assert!(seen.len() >= 9, "too few kinds of errors: {}", seen.len());
}

#[test]
fn debug_of_what_holds_secrets_is_silent() {
    let me = person();
    let enc = sealed(&format!("stringData: {{a: {CANARY}}}\n"), &rule(&[&me]));
    let shown = format!(
        "{:?} {:?} {:?}",
        decrypt(&enc, &me.identities, MacCheck::Verify).unwrap(),
        decrypt_values(&enc, &me.identities).unwrap(),
        me.identities
    );
    assert!(
        !shown.contains(CANARY) && !shown.contains("AGE-SECRET"),
        "{shown}"
    );
    let keyless = compare_keyless(&enc, &format!("stringData: {{b: {CANARY}}}\n"), &rule(&[&me])).unwrap();
    assert!(!keyless.same_structure && !format!("{keyless:?}").contains(CANARY));
}

trait HashText {
    fn hash_text(&self) -> String;
}

impl HashText for std::mem::Discriminant<SopsError> {
    fn hash_text(&self) -> String {
        format!("{self:?}")
    }
}
