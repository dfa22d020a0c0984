//! What of a configuration file is secret and stands in it in clear.

use yaml::{Kind, Node};
use zeroize::Zeroizing;

use super::mask::similar;
use super::schema::{KeyKind, Keys};
use crate::world::secrecy::{is_ciphertext, is_encrypted};

/// The files that make up a configuration. Secret keys may stand in each of them.
pub const CONFIG_FILES: [&str; 2] = ["cluster.yaml", "nodes.yaml"];

/// Returns the values of the secret keys that stand in clear in a configuration file. `keys` are those that the
/// repository knows, its own included. A key that is not known and is spelt much like a secret one counts as one.
pub fn clear_secrets(text: &str, keys: &Keys) -> Vec<(String, Zeroizing<String>)> {
    let mut found = Vec::new();
    for document in yaml::parse(text).unwrap_or_default() {
        for (key, value) in document.entries() {
            if let (Some(key), Some(value)) = (key.as_str(), value.as_str())
                && is_secret(key, keys)
                && !is_ciphertext(value)
            {
                found.push((key.to_owned(), Zeroizing::new(value.to_owned())));
            }
        }
    }
    found
}

/// Returns whether a configuration file holds a secret in clear, so that it must not be committed: without encryption the
/// `cluster.yaml` of a catalogue always does. A file that is no YAML is taken to. The data of `raw` mode may hold none.
pub fn holds_clear_secrets(name: &str, text: &str, keys: &Keys, raw: bool) -> bool {
    let Ok(documents) = yaml::parse(text) else {
        return true;
    };
    let encrypted = documents.first().is_some_and(is_encrypted);
    if name == CONFIG_FILES[0] && !encrypted && !raw {
        return true;
    }
    let entries = documents.iter().flat_map(Node::entries);
    entries.into_iter().any(|(key, value)| {
        let open =
            !matches!(&value.kind, Kind::Scalar { value, .. } if value.is_empty() || is_ciphertext(value));
        open && key.as_str().is_some_and(|key| is_secret(key, keys))
    })
}

fn is_secret(key: &str, keys: &Keys) -> bool {
    match keys.top_kind(key) {
        Some(kind) => kind == KeyKind::Secret,
        None => key != "sops" && similar(key, keys.secrets()).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use serde_json::json;

    use super::*;
    use crate::config::Vocabulary;

    fn vocabulary() -> Vocabulary {
        let own = json!({"type": "string", "description": "x", "x-secret": true});
        let own = IndexMap::from([("homepage_token".to_owned(), own)]);
        Vocabulary::new(Vec::new(), own)
    }

    #[test]
    fn own_and_misspelt_keys_count() {
        let text = "cluster_name: a\ncloudflare_token: one\ncloudflare_tokn: two\nhomepage_token: three\nother: four\nunifi_api_key: ENC[AES256_GCM,x]\n";
        let names = |keys: &Keys| -> Vec<String> {
            clear_secrets(text, keys)
                .into_iter()
                .map(|(name, _)| name)
                .collect()
        };
        assert_eq!(
            names(vocabulary().keys()),
            ["cloudflare_token", "cloudflare_tokn", "homepage_token"]
        );
        assert_eq!(
            names(Vocabulary::built_in().keys()),
            ["cloudflare_token", "cloudflare_tokn"]
        );
    }

    #[test]
    fn an_encrypted_file_with_a_secret_in_clear_is_not_fit_to_be_committed() {
        let vocabulary = vocabulary();
        let holds = |name: &str, text: &str| holds_clear_secrets(name, text, vocabulary.keys(), false);
        assert!(holds("cluster.yaml", "cluster_name: a\n"));
        assert!(holds("cluster.yaml", "a: [\n"));
        let sealed = "cloudflare_token: ENC[AES256_GCM,x]\nsops: {mac: x}\n";
        assert!(!holds("cluster.yaml", sealed));
        for plain in ["homepage_token: x", "cloudflare_tokn: x", "unifi_api_key: [a]"] {
            assert!(holds("cluster.yaml", &format!("{plain}\n{sealed}")), "{plain}");
        }
        assert!(!holds("nodes.yaml", "nodes: []\n"));
        // The data of other templates need not hold a secret.
        let raw = |text: &str| holds_clear_secrets("cluster.yaml", text, vocabulary.keys(), true);
        assert!(!raw("cluster_name: a\n") && raw("cloudflare_token: x\n") && raw("a: [\n"));
        assert!(holds("nodes.yaml", "nodes: []\ncloudflare_token: x\n"));
    }
}
