//! Reads `cluster.yaml` and `nodes.yaml`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use yaml::{Kind, Node, Style, line};

use super::document::{ConfigDocument, ConfigFile, quoted};
use super::mask;
use super::read::{missing, read};
use super::schema::KeyKind;
use super::syntax::{key_name, root_of};
use super::vocabulary::Vocabulary;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::sys::SecretText;
use crate::sys::root::Root;
use crate::world::secrecy::{is_ciphertext, is_encrypted};

/// The main file.
pub(super) const CLUSTER: &str = "cluster.yaml";

/// The file that older repositories keep their nodes in.
const NODES: &str = "nodes.yaml";

/// What became of an encrypted file.
#[derive(Debug)]
pub enum Decrypted {
    /// The file in clear, without changes to its structure.
    Text(SecretText),
    /// There is no private key for it here, as in CI.
    NoIdentity,
}

/// Reads `cluster.yaml` in `root`, and `nodes.yaml` beside it when there is one.
///
/// `vocabulary` says which keys there are. `decrypt` gets the text of a file that is encrypted with SOPS. Values come from what it returns, places stay those
/// of the file.
///
/// # Errors
/// When a file cannot be read or is not one YAML mapping; everything that can be found at once is reported.
pub fn load(
    root: &Root,
    vocabulary: &Arc<Vocabulary>,
    decrypt: &dyn Fn(&str) -> Result<Decrypted, Diagnostic>,
    diags: &mut Diagnostics,
) -> Result<ConfigDocument, Aborted> {
    let cluster = read(root, CLUSTER, diags).and_then(|text| text.ok_or_else(|| missing(root, diags)));
    let nodes = read(root, NODES, diags);
    let (cluster, nodes) = (cluster?, nodes?);
    let mut texts = vec![(CLUSTER, cluster)];
    texts.extend(nodes.map(|text| (NODES, text)));
    parse(&texts, vocabulary, decrypt, diags)
}

/// Reads the texts of `(name, text)` as [`load`] reads files.
///
/// # Errors
/// When a text is not one YAML mapping, or two hold the same key.
///
/// # Panics
/// When `texts` is empty.
pub fn parse(
    texts: &[(&str, String)],
    vocabulary: &Arc<Vocabulary>,
    decrypt: &dyn Fn(&str) -> Result<Decrypted, Diagnostic>,
    diags: &mut Diagnostics,
) -> Result<ConfigDocument, Aborted> {
    let parts: Vec<Result<Part, Aborted>> = texts
        .iter()
        .map(|(name, text)| part(name, text, vocabulary, decrypt, diags))
        .collect();
    let parts = parts.into_iter().collect::<Result<Vec<Part>, Aborted>>()?;
    merge(parts, vocabulary, diags)
}

/// One file, read and parsed.
struct Part {
    name: String,
    file: ConfigFile,
    json: serde_json::Map<String, Value>,
    unknown: BTreeSet<String>,
    cut: BTreeSet<String>,
    encrypted: bool,
}

fn part(
    name: &str,
    text: &str,
    vocabulary: &Vocabulary,
    decrypt: &dyn Fn(&str) -> Result<Decrypted, Diagnostic>,
    diags: &mut Diagnostics,
) -> Result<Part, Aborted> {
    let masked = mask(text, vocabulary.keys());
    let source = diags.sources.add(name, masked.clone());
    let root = match root_of(text, source, name) {
        Ok(root) => root,
        Err(finding) => return Err(diags.abort(*finding)),
    };
    let file = ConfigFile { source, masked, root };
    refuse_anchored_secrets(&file, vocabulary, diags)?;
    let encrypted = is_encrypted(&file.root);
    let mut part = Part {
        name: name.to_owned(),
        json: object(file.root.to_json()),
        unknown: BTreeSet::new(),
        cut: cut_secrets(text, &file.root, vocabulary),
        encrypted,
        file,
    };
    if encrypted {
        match decrypt(text).map_err(|finding| diags.abort(finding))? {
            Decrypted::Text(clear) => part.json = decrypted_json(&clear, name, diags)?,
            Decrypted::NoIdentity => mark_unknown(&mut part, vocabulary, diags)?,
        }
        part.json.shift_remove("sops");
    }
    Ok(part)
}

/// Returns the secret keys of a file whose value ends at a ` #` that goes on without a blank, as in `abc #def`: there,
/// YAML takes for a comment what may be half of the secret.
fn cut_secrets(text: &str, root: &Node, vocabulary: &Vocabulary) -> BTreeSet<String> {
    let is_cut = |value: &Node| {
        let plain = matches!(
            &value.kind,
            Kind::Scalar {
                style: Style::Plain,
                ..
            }
        );
        let comment = line::behind(text, value.span.end).trim_start().strip_prefix('#');
        // Comments behind ciphertext are ciphertext as well.
        let sealed = value.as_str().is_some_and(is_ciphertext);
        plain
            && !sealed
            && !value.span.is_empty()
            && comment.is_some_and(|comment| comment.starts_with(|c: char| !c.is_whitespace() && c != '#'))
    };
    root.entries()
        .iter()
        .filter_map(|(key, value)| Some((key.as_str()?, value)))
        .filter(|(key, value)| vocabulary.keys().top_kind(key) == Some(KeyKind::Secret) && is_cut(value))
        .map(|(key, _)| key.to_owned())
        .collect()
}

fn object(json: Value) -> serde_json::Map<String, Value> {
    match json {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

fn decrypted_json(
    clear: &SecretText,
    name: &str,
    diags: &mut Diagnostics,
) -> Result<serde_json::Map<String, Value>, Aborted> {
    // What the parser says about decrypted text is not passed on: it may quote.
    match yaml::parse(clear.expose()) {
        Ok(documents) if documents.len() == 1 => Ok(object(documents[0].to_json())),
        _ => {
            let message = format!("`{name}` is not YAML once it is decrypted");
            let finding = Diagnostic::error("config/not-yaml", message).in_file(name);
            Err(diags.abort(finding.help(format!(
                "look at it with `clusterwright secrets decrypt {name}`, and mend it with `sops edit {name}`"
            ))))
        }
    }
}

/// Notes which secrets cannot be read; any other ciphertext is refused, because everything else must be known.
fn mark_unknown(part: &mut Part, vocabulary: &Vocabulary, diags: &mut Diagnostics) -> Result<(), Aborted> {
    let mut result = Ok(());
    for (key, value) in &part.json {
        if key == "sops" || !holds_ciphertext(value) {
            continue;
        }
        if vocabulary.keys().top_kind(key) == Some(KeyKind::Secret) {
            part.unknown.insert(key.clone());
            continue;
        }
        let span = part
            .file
            .root
            .entry(key)
            .map(|(key, _)| part.file.source.span(key.span.clone()));
        let finding = Diagnostic::error(
            "config/encrypted-key",
            format!("{} is encrypted, and there is no private key here", quoted(key)),
        )
        .at_opt(span, "not a secret")
        .help(format!(
            "encrypt only the secret keys: `encrypted_regex: {}`",
            vocabulary.encrypted_regex()
        ));
        result = Err(diags.abort(finding));
    }
    result
}

fn holds_ciphertext(value: &Value) -> bool {
    match value {
        Value::String(text) => is_ciphertext(text),
        Value::Array(items) => items.iter().any(holds_ciphertext),
        Value::Object(map) => map.values().any(holds_ciphertext),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// An alias could carry a secret to where values are shown, so neither a secret nor a key that might be a misspelt one
/// may have an anchor.
fn refuse_anchored_secrets(
    file: &ConfigFile,
    vocabulary: &Vocabulary,
    diags: &mut Diagnostics,
) -> Result<(), Aborted> {
    let keys = vocabulary.keys();
    let mut suspects: Vec<(&Node, bool)> = Vec::new();
    for (key, value) in file.root.entries() {
        let name = key.as_str().unwrap_or_default();
        match keys.top_kind(name) {
            Some(KeyKind::Scalar | KeyKind::List) => {}
            Some(KeyKind::Nested) => {
                let known = |key: &Node| keys.of_entries(name)?.get(key.as_str()?);
                let entries = value.items().iter().flat_map(Node::entries);
                let unknown = entries.filter(|(key, value)| known(key).is_none() && is_anchored(key, value));
                suspects.extend(unknown.map(|(key, _)| (key, false)));
            }
            kind if is_anchored(key, value) => suspects.push((key, kind.is_some())),
            _ => {}
        }
    }
    let mut result = Ok(());
    for (key, secret) in suspects {
        let message = match key.as_str().filter(|_| secret) {
            Some(name) => format!("`{name}` has an anchor (`&`)"),
            None => "an unknown key has an anchor (`&`)".to_owned(),
        };
        let finding = Diagnostic::error("config/anchored-secret", message)
            .at(
                file.source.span(key.span.clone()),
                "a secret must stand in one place only",
            )
            .help("remove the anchor, and write the value out where it is repeated");
        result = Err(diags.abort(finding));
    }
    result
}

/// Returns whether a key, its value or anything in it has an anchor.
fn is_anchored(key: &Node, value: &Node) -> bool {
    key.anchor != 0
        || value.anchor != 0
        || value.items().iter().any(|item| is_anchored(item, item))
        || value.entries().iter().any(|(key, value)| is_anchored(key, value))
}

/// Joins the files; a key in two of them is an error.
fn merge(
    parts: Vec<Part>,
    vocabulary: &Arc<Vocabulary>,
    diags: &mut Diagnostics,
) -> Result<ConfigDocument, Aborted> {
    let mut document = ConfigDocument {
        files: Vec::new(),
        json: Value::Null,
        unknown: BTreeSet::new(),
        cut: BTreeSet::new(),
        encrypted: parts.first().is_some_and(|part| part.encrypted),
        vocabulary: Arc::clone(vocabulary),
    };
    let mut json = serde_json::Map::new();
    let mut result = Ok(());
    let mut names: Vec<String> = Vec::new();
    for part in parts {
        for (key, _) in part.file.root.entries() {
            let Some(name) = key.as_str().filter(|name| *name != "sops") else {
                continue;
            };
            let first = document.files.iter().zip(&names).find_map(|(file, file_name)| {
                let (first, _) = file.root.entry(name)?;
                Some((file.source.span(first.span.clone()), file_name))
            });
            if let Some((first, file_name)) = first {
                let finding = Diagnostic::error(
                    "config/duplicate-key",
                    format!(
                        "{} is given in `{file_name}` and in `{}`",
                        key_name(name),
                        part.name
                    ),
                )
                .at(part.file.source.span(key.span.clone()), "given again here")
                .also(first, "first given here")
                .help("remove one of the two");
                result = Err(diags.abort(finding));
            }
        }
        json.extend(part.json);
        document.unknown.extend(part.unknown);
        document.cut.extend(part.cut);
        document.files.push(part.file);
        names.push(part.name);
    }
    document.json = Value::Object(json);
    result.map(|()| document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_without_a_blank_may_be_half_of_a_secret() {
        let cut = |line: &str| {
            let text = format!("cloudflare_domain: example.com #x\n{line}\n");
            let documents = yaml::parse(&text).expect("YAML");
            !cut_secrets(&text, &documents[0], &Vocabulary::built_in()).is_empty()
        };
        for line in ["cloudflare_token: abc #def", "cloudflare_token: abc   #d #e"] {
            assert!(cut(line), "{line}");
        }
        for line in [
            "cloudflare_token: abc # the token",
            "cloudflare_token: abc #",
            "cloudflare_token: abc ## old",
            "cloudflare_token: abc#def",
            "cloudflare_token: 'abc #def'",
            "cloudflare_token: 'abc' #def",
            "cloudflare_token: ENC[AES256_GCM,data:x] #ENC[AES256_GCM,data:y]",
            "cloudflare_gateway_addr: 10.0.0.1 #def",
        ] {
            assert!(!cut(line), "{line}");
        }
    }
}
