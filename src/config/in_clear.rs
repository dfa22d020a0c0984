//! What of a configuration file is secret and stands in it in clear.

use std::ops::Range;

use yaml::{Kind, Node};
use zeroize::Zeroizing;

use super::mask::similar;
use super::schema::{KeyKind, Keys};
use crate::model::is_no_secret;
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

/// Returns the values of secret keys that stand in comments of a configuration file, such as one that was in use before:
/// the key and the place of the value. What `init` writes there is none: placeholders, and words that tell nothing.
pub fn commented_secrets(text: &str, keys: &Keys) -> Vec<(String, Range<usize>)> {
    fn scalars(node: &Node, spans: &mut Vec<Range<usize>>) {
        if let Kind::Scalar { .. } = &node.kind {
            spans.push(node.span.clone());
        }
        node.children().for_each(|child| scalars(child, spans));
    }
    let mut spans = Vec::new();
    for document in yaml::parse(text).unwrap_or_default() {
        scalars(&document, &mut spans);
    }
    spans.sort_by_key(|span| span.start);
    let in_value = |at: usize| {
        let next = spans.partition_point(|span| span.end <= at);
        spans.get(next).is_some_and(|span| span.start <= at)
    };
    let mut found = Vec::new();
    for (start, line) in yaml::line::all(text) {
        let marks = line.match_indices('#').map(|(at, _)| at);
        let mut marks = marks.filter(|at| line[..*at].ends_with([' ', '\t']) || *at == 0);
        let Some(mark) = marks.find(|at| !in_value(start + at)) else {
            continue;
        };
        let comment = line[mark..].trim_start_matches(['#', ' ', '\t', '-']);
        let Some((key, value)) = comment.split_once(':') else {
            continue;
        };
        let key = key.trim_matches(['"', '\'', ' ']);
        let value = value.trim();
        // A sentence about the key is no value of it; a value may have a comment of its own.
        let (word, behind) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((value, "")),
            _ => (value.split(" #").next().unwrap_or_default().trim_end(), ""),
        };
        let is_quoted = value.starts_with(['"', '\'']) && word.len() < value.len();
        let is_word = if is_quoted {
            matches!(behind.trim_start().chars().next(), None | Some('#'))
        } else {
            !word.contains([' ', '\t'])
        };
        if keys.top_kind(key) == Some(KeyKind::Secret) && is_word && !is_no_secret(word) {
            let at = start + line.trim_end().len() - value.len();
            found.push((key.to_owned(), at..at + value.len()));
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
    if encrypted && !commented_secrets(text, keys).is_empty() {
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
    fn a_value_in_a_comment_is_one_that_was_in_use() {
        let vocabulary = vocabulary();
        let found = |text: &str| -> Vec<String> {
            let found = commented_secrets(text, vocabulary.keys());
            found
                .into_iter()
                .map(|(key, at)| format!("{key}={}", &text[at]))
                .collect()
        };
        for (text, is) in [
            ("#cloudflare_token: old-token\n", "cloudflare_token=old-token"),
            (
                "# cloudflare_token: 'old token' # x\n",
                "cloudflare_token='old token' # x",
            ),
            ("a: b # homepage_token: old\r\n", "homepage_token=old"),
            (
                "#cloudflare_token: old # of May\n",
                "cloudflare_token=old # of May",
            ),
            (
                "a: |\n  b\n## - \"cloudflare_token\": old\n",
                "cloudflare_token=old",
            ),
        ] {
            assert_eq!(found(text), [is], "{text}");
        }
        for none in [
            "# cloudflare_token: the token of the zone\n",
            "# cloudflare_token: \"the one\" of the zone is enough\n",
            "#cloudflare_token: <Cloudflare API token>\n",
            "#cloudflare_token:\n# cluster_name: x\n",
            "#cloudflare_token: ENC[AES256_GCM,data:x]\n",
            "cloudflare_token: a#cloudflare_token:old\n",
            "vars:\n  a: |\n    # cloudflare_token: old\n",
            "vars: {a: \"x # cloudflare_token: old\"}\n",
            include_str!("../../cluster.example.yaml"),
        ] {
            assert_eq!(found(none), [""; 0], "{none}");
        }
        let sealed = "cloudflare_token: ENC[AES256_GCM,x]\nsops: {mac: x}\n#cloudflare_token: old\n";
        assert!(holds_clear_secrets(
            "cluster.yaml",
            sealed,
            vocabulary.keys(),
            false
        ));
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
