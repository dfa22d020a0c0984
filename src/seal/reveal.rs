//! Tokens become secrets: only inside of values that will be encrypted, only in memory.

use sops::Covered;
use yaml::layout::block_text::is_block_text;
use yaml::{Edit, Kind, Node, apply, double_quoted, line};
use zeroize::Zeroizing;

use crate::config::Vault;
use crate::diag::Diagnostic;
use crate::sys::SecretText;
use crate::tree::Artifact;

/// Reports tokens outside of the values that the rule encrypts.
pub(super) fn check_places(
    artifact: &Artifact,
    scope: &[Covered],
    vault: &Vault,
) -> Result<(), Vec<Diagnostic>> {
    let template = artifact.origin.template.as_deref().unwrap_or("a generated file");
    let findings: Vec<Diagnostic> = vault
        .find_tokens(artifact.text())
        .into_iter()
        .filter(|(at, _)| {
            !scope
                .iter()
                .any(|value| value.span.start <= at.start && at.end <= value.span.end)
        })
        .map(|(at, secret)| {
            let line = line::number(artifact.text(), at.start);
            let message = format!("the secret `{secret}` stands where SOPS does not encrypt: line {line}");
            Diagnostic::error("secret/in-clear", message)
                .in_file(artifact.path.as_str())
                .note(format!("rendered from `templates/{template}`"))
                .help("place it as a value under `stringData`")
        })
        .collect();
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings)
    }
}

/// Returns the text with every token replaced by its secret.
///
/// A scalar with a token becomes a double-quoted one, which can carry any text; a literal block stays one, with the
/// secret's further lines indented as the token's.
///
/// # Errors
/// With the name of a secret whose value is not known.
pub(super) fn reveal(text: &str, documents: &[Node], vault: &Vault) -> Result<SecretText, String> {
    let mut edits: Vec<Edit> = Vec::new();
    for document in documents {
        collect(text, document, vault, &mut edits)?;
    }
    let plain = apply(text, &edits).expect("the values of a text do not overlap");
    Ok(SecretText::new(plain))
}

fn collect(text: &str, node: &Node, vault: &Vault, edits: &mut Vec<Edit>) -> Result<(), String> {
    match &node.kind {
        Kind::Scalar { value, .. } if vault.has_token(value) => {
            let found = vault.find_tokens(&text[node.span.clone()]);
            let places = found.into_iter().map(|(at, _)| node.part(at));
            if places.clone().any(|place| vault.is_verbatim(&text[place])) {
                for place in places {
                    let written = vault.reveal(&text[place.clone()])?;
                    edits.push(Edit::new(place, written.expose()));
                }
            } else if is_block_text(node) {
                for place in places {
                    let secret = vault.reveal(&text[place.clone()])?;
                    let lines = indented(secret.expose(), line::indent(text, place.start));
                    edits.push(Edit::secret(place, lines));
                }
            } else {
                let secret = vault.reveal(value)?;
                edits.push(Edit::secret(node.span.clone(), double_quoted(secret.expose())));
            }
        }
        Kind::Scalar { .. } | Kind::Alias(_) => {}
        Kind::Seq(items) => {
            for item in items {
                collect(text, item, vault, edits)?;
            }
        }
        Kind::Map(entries) => {
            for (key, value) in entries {
                collect(text, key, vault, edits)?;
                collect(text, value, vault, edits)?;
            }
        }
    }
    Ok(())
}

/// Gives the further lines of a secret an indentation.
fn indented(secret: &str, indent: usize) -> Zeroizing<String> {
    let lines = secret.trim_end_matches('\n');
    Zeroizing::new(lines.replace('\n', &format!("\n{:indent$}", "")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sys::FixedEntropy;

    fn reveal_in(template: &str, secret: &str) -> serde_json::Value {
        let mut vault = Vault::new(&mut FixedEntropy::new(7));
        let token = vault.insert("s", Some(SecretText::new(secret.to_owned())));
        let text = template.replace("TOKEN", &token);
        let documents = yaml::parse(&text).expect("valid");
        let plain = reveal(&text, &documents, &vault).expect("known");
        yaml::parse(plain.expose()).expect("still valid")[0].to_json()
    }

    #[test]
    fn secrets_are_placed_in_every_style() {
        let key = "-----BEGIN-----\nabc\n-----END-----\n";
        assert_eq!(reveal_in("a: TOKEN\n", "x: \"y\" # z")["a"], "x: \"y\" # z");
        assert_eq!(reveal_in("a: 'TOKEN'\n", key)["a"], key);
        assert_eq!(reveal_in("a:\n  b: |\n    TOKEN\n", key)["a"]["b"], key);
        assert_eq!(
            reveal_in("a: |\n  token: \"TOKEN\"\n  z: 1\n", "v")["a"],
            "token: \"v\"\nz: 1\n"
        );
        assert_eq!(reveal_in("a: \"pre-TOKEN-post\"\n", "7")["a"], "pre-7-post");
    }

    #[test]
    fn a_piece_of_a_file_comes_back_as_it_was_written() {
        let mut vault = Vault::new(&mut FixedEntropy::new(7));
        let text = "a: 5432\nb: 'it''s'\nc: |\n  one\n   two\nd: [zz, \"y\"]\n";
        let pieces = ["5432", "'it''s'", "one\n   two", "zz", "\"y\""];
        let mut hidden = text.to_owned();
        for piece in pieces {
            let token = vault.insert_verbatim("piece", SecretText::new(piece.to_owned()));
            hidden = hidden.replacen(piece, &token, 1);
        }
        let documents = yaml::parse(&hidden).expect("valid");
        assert_eq!(reveal(&hidden, &documents, &vault).expect("known").expose(), text);
    }

    #[test]
    fn every_layout_comes_back_as_it_was_written() {
        let cases = include_str!("../../crates/yaml/tests/layouts.txt")
            .split("=== ")
            .skip(1);
        for (name, text) in cases.map(|case| case.split_once('\n').expect("a name")) {
            let (_, public) = sops::generate_identity();
            let mut rule =
                sops::EncryptionRule::secrets(vec![sops::Recipient::new(&public).expect("a recipient")]);
            rule.selector = sops::Selector::whole_document();
            let mut vault = Vault::new(&mut FixedEntropy::new(7));
            let mut edits = Vec::new();
            for Covered { span, .. } in sops::covered(text, &rule).expect("to be encrypted") {
                let span = line::trim(text, span);
                if !span.is_empty() {
                    let piece = SecretText::new(text[span.clone()].to_owned());
                    edits.push(Edit::new(span, vault.insert_verbatim("piece", piece)));
                }
            }
            assert!(edits.len() > 2, "{name}");
            let hidden = apply(text, &edits).expect("apart");
            let documents =
                yaml::parse(&hidden).unwrap_or_else(|error| panic!("{name}: {error:?}\n{hidden}"));
            assert_eq!(
                reveal(&hidden, &documents, &vault).expect("known").expose(),
                text,
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_survives(secret in "\\PC{1,40}|[\\x00-\\x7f]{1,40}") {
            let secret = secret.replace('\0', "");
            prop_assume!(!secret.is_empty());
            prop_assert_eq!(&reveal_in("a: TOKEN\n", &secret)["a"], &serde_json::Value::from(secret.clone()));
        }
    }
}
