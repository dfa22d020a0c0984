//! Whether something is encrypted, whether it is secret, and what may be shown of it. Who asks asks here.
//!
//! | question | answer |
//! | --- | --- |
//! | is this value encrypted? | [`is_ciphertext`] |
//! | did SOPS encrypt this document? | [`is_encrypted`], [`has_mac`] |
//! | did SOPS encrypt this text? | [`is_encrypted_text`]; by its words alone, [`claims_sops`]; by its file's name, [`is_sops_name`] |
//! | does a file hide all that it promises to? | [`is_sealed`], [`is_sealed_secret`] |
//! | which values of a text are those of Secrets? | [`secret_values`], and of documents [`secrets`] |
//! | may a file's content be told? | [`is_sensitive`] for its changes, [`is_in_clear`] for copies, [`display`] and [`redact`] |
//!
//! What a SOPS file is, and which of its values should be encrypted, says the [`sops`] crate.

mod broken;
mod mask;
mod objects;
mod values;

use sops::Format;
pub use sops::is_ciphertext;
use yaml::{Kind, Node};

use crate::tree::RepoPath;

pub use crate::tree::is_sops_name;
pub use mask::{display, is_masked, redact};
pub use objects::{SecretObject, Value, secrets};
pub use values::{SecretValue, secret_values};

/// How every value starts that SOPS encrypted.
const CIPHERTEXT: &str = "ENC[AES256_GCM,";

/// Returns whether SOPS encrypted a document: it has a `sops` block.
pub fn is_encrypted(document: &Node) -> bool {
    let block = document.get("sops");
    block.is_some_and(|block| matches!(block.kind, Kind::Map(_)))
}

/// Returns whether the `sops` block of a document has a MAC, without which SOPS opens nothing.
pub fn has_mac(document: &Node) -> bool {
    document.path(&["sops", "mac"]).is_some()
}

/// Returns whether SOPS encrypted a YAML text, as its first document says.
pub fn is_encrypted_text(text: &str) -> bool {
    yaml::parse(text).is_ok_and(|documents| documents.first().is_some_and(is_encrypted))
}

/// Returns whether a text says that SOPS encrypted it, in any format; it need not be one that can be read.
pub fn claims_sops(text: &str) -> bool {
    let has_block = text.lines().any(|line| {
        line.starts_with("sops:")
            || line.contains("\"sops\":")
            || line.starts_with("sops_mac=")
            || line.trim_end() == "[sops]"
    });
    has_block && (text.contains(CIPHERTEXT) || text.contains("lastmodified"))
}

/// Returns whether a file of that name hides all that its `sops` block promises to hide.
pub fn is_sealed(name: &str, text: &str) -> bool {
    let format = Format::of_text(name, text);
    format.status(text).is_ok_and(|status| status.is_sealed())
}

/// Returns whether SOPS encrypted a Secret: there is its block, and no value in clear that tells something.
pub fn is_sealed_secret(document: &Node) -> bool {
    let all = secrets(document);
    let mut values = all.iter().flat_map(|secret| &secret.values);
    has_mac(document)
        && values.all(|value| {
            let text = value.node.as_str();
            text.is_none_or(|text| text.is_empty() || is_ciphertext(text))
        })
}

/// Returns whether the differences of a file may only be told by keys: SOPS files by name, and whatever holds
/// ciphertext or a Kubernetes Secret on either side.
pub fn is_sensitive(path: &RepoPath, sides: [Option<&[u8]>; 2]) -> bool {
    let holds = |bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.contains(CIPHERTEXT) || holds_secret(&text)
    };
    path.is_sops() || sides.into_iter().flatten().any(holds)
}

/// Returns whether a file holds secrets in clear, or may: no copy of it may outlive a run.
pub fn is_in_clear(path: &RepoPath, bytes: &[u8]) -> bool {
    is_sensitive(path, [Some(bytes), None]) && !is_sealed(path.as_str(), &String::from_utf8_lossy(bytes))
}

/// Returns whether a text holds a Kubernetes Secret, on its own or in a list. Where it is no YAML, a line that says so counts.
fn holds_secret(text: &str) -> bool {
    // An escape can spell the word; else it stands there.
    if !text.contains("Secret") && !text.contains('\\') {
        return false;
    }
    values::pieces(text).any(|piece| match piece {
        values::Piece::Parsed(documents, _) => documents.iter().any(|document| !secrets(document).is_empty()),
        values::Piece::Broken(range) => text[range].lines().any(broken::says_secret),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [&str; 12] = [
        "kind: Secret\n",
        "kind: \"Secret\" # x\r\nstringData: {a: b}\r\n",
        "kind: 'Secret'\n",
        "\"kind\": Secret\n",
        "kind: \"Secr\\x65t\"\n",
        "x: &k Secret\nkind: *k\n",
        "<<: {kind: Secret}\n",
        "kind: ConfigMap\n---\nkind: Secret\n",
        "kind: List\nitems:\n  - kind: ConfigMap\n  - kind: Secret\n    stringData: {a: hunter2}\n",
        "kind: SecretList\nitems:\n  - data: {a: Yg==}\n",
        "- kind: Secret\n  stringData: {a: hunter2}\n",
        "{\"kind\": \"Secret\", \"data\": {\"a\": \"Yg==\"}}",
    ];

    const NONE: [&str; 8] = [
        "valuesFrom:\n  - kind: Secret\n",
        "kind: SecretStore\n",
        "kind: ClusterSecretStore\n",
        "kind: ConfigMap\n",
        "kind: ExternalSecret\nspec: {target: {template: {kind: Secret}}}\n",
        "kind: List\nitems:\n  - kind: ConfigMap\n    data: {a: Secret}\n",
        "a: Secret\n",
        "Secret",
    ];

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).expect("valid")
    }

    #[test]
    fn a_secret_is_one_wherever_it_stands_and_however_it_is_written() {
        for text in SECRETS {
            for broken in ["", "---\nb: [\n", "---\n<<<<<<< x\n"] {
                let text = format!("{text}\n{broken}");
                assert!(
                    is_sensitive(&path("a.yaml"), [None, Some(text.as_bytes())]),
                    "{text}"
                );
                assert!(
                    is_sensitive(&path("a.yaml"), [Some(text.as_bytes()), None]),
                    "{text}"
                );
                assert!(is_in_clear(&path("a.yaml"), text.as_bytes()), "{text}");
            }
        }
        for text in NONE {
            assert!(
                !is_sensitive(&path("a.yaml"), [None, Some(text.as_bytes())]),
                "{text}"
            );
            assert!(!is_in_clear(&path("a.yaml"), text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_name_and_a_ciphertext_say_it_as_well() {
        assert!(is_sensitive(&path("a.sops.yaml"), [None, None]));
        assert!(is_sensitive(&path("a.sops.env"), [None, Some(b"X=1")]));
        assert!(is_sensitive(
            &path("a.yaml"),
            [None, Some(b"x: ENC[AES256_GCM,data:")]
        ));
        assert!(!is_sensitive(
            &path(".sops.yaml"),
            [None, Some(b"creation_rules: []\n")]
        ));
    }

    #[test]
    fn what_is_sealed_is_not_in_clear_in_any_format() {
        let (_, public) = sops::generate_identity();
        let recipient = sops::Recipient::new(&public).expect("a recipient");
        let mut rule = sops::EncryptionRule::secrets(vec![recipient]);
        for (name, plain) in [
            ("a.sops.yaml", "kind: Secret\nstringData:\n  a: hunter2\n"),
            ("a.enc.yaml", "kind: Secret\nstringData:\n  a: hunter2\n"),
            (
                "a.sops.json",
                "{\"kind\": \"Secret\", \"stringData\": {\"a\": \"hunter2\"}}",
            ),
            ("a.sops.env", "A=hunter2\n"),
        ] {
            let format = Format::of(name);
            if format == Format::Dotenv {
                rule.selector = sops::Selector::whole_document();
            }
            let mut entropy = crate::sys::FixedEntropy::new(1);
            let sealed = format
                .encrypt(plain.as_bytes(), &rule, &mut entropy)
                .expect("encrypted");
            assert!(is_sealed(name, &sealed) && claims_sops(&sealed), "{name}");
            assert!(!is_in_clear(&path(name), sealed.as_bytes()), "{name}");
            assert!(
                name.contains(".enc.") || is_in_clear(&path(name), plain.as_bytes()),
                "{name}"
            );
            assert!(!is_sealed(name, plain) && !claims_sops(plain), "{name}");
        }
    }

    #[test]
    fn a_document_is_encrypted_when_it_has_the_block() {
        let document = |text: &str| yaml::parse(text).expect("YAML").remove(0);
        for (text, encrypted, sealed) in [
            ("a: 1\n", false, false),
            ("a: 1\nsops: no\n", false, false),
            ("a: 1\nsops: {mac: x}\n", true, true),
            (
                "kind: Secret\ndata: {a: \"ENC[AES256_GCM,data:x]\", b: \"\"}\nsops: {mac: x}\n",
                true,
                true,
            ),
            (
                "kind: Secret\ndata: {a: \"ENC[AES256_GCM,data:x]\"}\nsops: {version: x}\n",
                true,
                false,
            ),
            ("kind: Secret\ndata: {a: Yg==}\nsops: {mac: x}\n", true, false),
            (
                "kind: Secret\nstringData: {a: \"ENC[x]\"}\nsops: {mac: x}\n",
                true,
                false,
            ),
        ] {
            assert_eq!(is_encrypted(&document(text)), encrypted, "{text}");
            assert_eq!(is_encrypted_text(text), encrypted, "{text}");
            assert_eq!(is_sealed_secret(&document(text)), sealed, "{text}");
        }
    }
}
