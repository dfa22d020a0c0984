//! Where secrets wait for `seal`.
//!
//! Everything between `validate` and `seal` sees a token in place of a secret: random text that means nothing and
//! survives plain YAML. The vault alone knows what a token stands for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::known::Known;
use crate::sys::{Entropy, SecretText};

/// What every token starts with.
const PREFIX: &str = "cwsecret";
/// What the second spelling starts with: no character at its place is the same, so that slices differ as well.
const OTHER_PREFIX: &str = "dxtfdsfuz";

/// Secrets by token.
#[derive(Debug, Default)]
pub struct Vault {
    nonce: String,
    /// The second spelling: another nonce of another length.
    other_nonce: String,
    entries: Vec<VaultEntry>,
    /// Their values, and others that must stand nowhere in clear.
    known: Known,
}

/// A secret and what it is for.
#[derive(Debug)]
pub struct VaultEntry {
    /// The config key, or the name below `secrets.`.
    pub key: String,
    /// `None` when the secret is set but its value is not known, for want of the private key.
    pub value: Option<SecretText>,
    /// Whether templates read it as `secrets.<name>` and not by its own name.
    computed: bool,
    /// Whether it is text of the file as it is written, quotes included.
    verbatim: bool,
}

impl Vault {
    /// Makes an empty vault with unguessable token texts.
    pub fn new(entropy: &mut dyn Entropy) -> Self {
        let mut bytes = [0; 36];
        entropy.fill(&mut bytes);
        let hex = |bytes: &[u8]| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        Self {
            nonce: hex(&bytes[..16]),
            other_nonce: hex(&bytes[16..]),
            entries: Vec::new(),
            known: Known::default(),
        }
    }

    /// Takes the secret of a config key and returns its token.
    pub fn insert(&mut self, key: &str, value: Option<SecretText>) -> String {
        self.watch(key, value.as_ref());
        self.add(key, value, false)
    }

    /// Takes a secret that is computed or read from a side file: templates read it as `secrets.<name>`.
    pub fn insert_computed(&mut self, name: &str, value: Option<SecretText>) -> String {
        self.watch(name, value.as_ref());
        self.add(name, value, true)
    }

    /// Takes a value that must stand nowhere in clear, beside those that it has tokens for.
    pub fn watch(&mut self, name: &str, value: Option<&SecretText>) {
        if let Some(value) = value {
            self.known.add(name, value.expose());
        }
    }

    /// Returns the values that must stand nowhere in clear.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Stops looking for values that are words of these public texts. Returns their names.
    pub fn forget_common<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
        self.known.forget_common(texts)
    }

    /// Returns whether a text holds the token of a computed secret.
    pub fn has_computed(&self, name: &str, text: &str) -> bool {
        let mut places = self.find_tokens(text).into_iter();
        places.any(|(at, key)| key == name && self.lookup(&text[at]).is_some_and(|entry| entry.computed))
    }

    /// Takes a piece of a rendered file as it is written: what is put back is the same bytes.
    pub fn insert_verbatim(&mut self, name: &str, value: SecretText) -> String {
        let token = self.add(name, Some(value), false);
        if let Some(entry) = self.entries.last_mut() {
            entry.verbatim = true;
        }
        token
    }

    /// Returns whether a token stands for a piece of a file as it is written.
    pub fn is_verbatim(&self, token: &str) -> bool {
        self.lookup(token).is_some_and(|entry| entry.verbatim)
    }

    fn add(&mut self, name: &str, value: Option<SecretText>, computed: bool) -> String {
        self.entries.push(VaultEntry {
            key: name.to_owned(),
            value,
            computed,
            verbatim: false,
        });
        token(PREFIX, &self.nonce, self.entries.len() - 1)
    }

    /// Returns what a token stands for.
    pub fn lookup(&self, text: &str) -> Option<&VaultEntry> {
        let digits = text.strip_prefix(PREFIX)?.strip_prefix(&self.nonce)?;
        let digits = digits.strip_prefix('x')?.strip_suffix('x')?;
        self.entries.get(digits.parse::<usize>().ok()?)
    }

    /// Returns the tokens in a text: where, and what they are called.
    pub fn find_tokens<'a>(&'a self, text: &str) -> Vec<(Range<usize>, &'a str)> {
        let start = format!("{PREFIX}{}x", self.nonce);
        text.match_indices(&start)
            .filter_map(|(at, _)| {
                let digits = &text[at + start.len()..];
                let length = digits.find('x')?;
                let entry = self.entries.get(digits[..length].parse::<usize>().ok()?)?;
                Some((at..at + start.len() + length + 1, entry.key.as_str()))
            })
            .collect()
    }

    /// Returns whether a text holds a token.
    pub fn has_token(&self, text: &str) -> bool {
        text.contains(&self.nonce)
    }

    /// Returns a text with its tokens replaced by the secrets; `Err` with the name of one whose value is not known.
    ///
    /// # Errors
    /// When the value of a secret is not known.
    pub fn reveal(&self, text: &str) -> Result<SecretText, String> {
        let mut out = zeroize::Zeroizing::new(String::with_capacity(text.len()));
        let mut rest = 0;
        for (range, name) in self.find_tokens(text) {
            let value = self
                .lookup(&text[range.clone()])
                .and_then(|entry| entry.value.as_ref())
                .ok_or_else(|| name.to_owned())?;
            out.push_str(&text[rest..range.start]);
            out.push_str(value.expose());
            rest = range.end;
        }
        out.push_str(&text[rest..]);
        Ok(SecretText::new(std::mem::take(&mut *out)))
    }

    /// Returns whether a top-level name of the template context holds a secret.
    pub fn is_secret_name(&self, name: &str) -> bool {
        name == "secrets"
            || self
                .entries
                .iter()
                .any(|entry| !entry.computed && entry.key == name)
    }

    /// Returns the names of all secrets.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// Returns values in which each token has its second spelling.
    pub fn respell(&self, values: &Map<String, Value>) -> Map<String, Value> {
        values
            .iter()
            .map(|(key, value)| (key.clone(), self.respell_value(value)))
            .collect()
    }

    fn respell_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if self.has_token(text) => text
                .replace(
                    &format!("{PREFIX}{}", self.nonce),
                    &format!("{OTHER_PREFIX}{}", self.other_nonce),
                )
                .into(),
            Value::Array(items) => items.iter().map(|item| self.respell_value(item)).collect(),
            Value::Object(map) => Value::Object(self.respell(map)),
            other => other.clone(),
        }
    }

    /// Returns a text in which whole tokens of either spelling read the same.
    pub fn normalise(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for index in (0..self.entries.len()).rev() {
            for (prefix, nonce) in [(PREFIX, &self.nonce), (OTHER_PREFIX, &self.other_nonce)] {
                text = text.replace(&token(prefix, nonce, index), &format!("<secret {index}>"));
            }
        }
        text
    }

    /// Returns a text fit for people: each token as `<secret NAME>`.
    pub fn mask(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = 0;
        for (range, name) in self.find_tokens(text) {
            out.push_str(&text[rest..range.start]);
            let _ = write!(out, "<secret {name}>");
            rest = range.end;
        }
        out.push_str(&text[rest..]);
        out
    }

    /// Returns how many secrets are set whose value is not known.
    pub fn unknown(&self) -> usize {
        self.entries.iter().filter(|entry| entry.value.is_none()).count()
    }

    /// Returns the names and values of `secrets.*`, as tokens.
    pub fn computed(&self) -> BTreeMap<String, String> {
        let entries = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.computed);
        entries
            .map(|(index, entry)| (entry.key.clone(), token(PREFIX, &self.nonce, index)))
            .collect()
    }
}

fn token(prefix: &str, nonce: &str, index: usize) -> String {
    format!("{prefix}{nonce}x{index}x")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sys::FixedEntropy;

    fn vault() -> (Vault, String, String) {
        let mut vault = Vault::new(&mut FixedEntropy::new(1));
        let a = vault.insert("api_token", Some(SecretText::new("s3cret".to_owned())));
        let b = vault.insert_computed("age_key", None);
        (vault, a, b)
    }

    #[test]
    fn tokens_are_found_revealed_and_masked() {
        let (vault, a, b) = vault();
        let text = format!("x: {a}\ny: \"{b}!\"\n");
        assert_eq!(
            vault.mask(&text),
            "x: <secret api_token>\ny: \"<secret age_key>!\"\n"
        );
        assert_eq!(
            vault.reveal(&format!("[{a}]")).expect("known").expose(),
            "[s3cret]"
        );
        assert_eq!(vault.reveal(&b).expect_err("unknown"), "age_key");
        assert!(vault.is_secret_name("api_token") && !vault.is_secret_name("age_key"));
        assert_eq!(vault.unknown(), 1);
    }

    #[test]
    fn the_second_spelling_differs_in_text_and_length_and_normalises_to_the_same() {
        let (vault, a, _) = vault();
        let Value::Object(values) = json!({"api_token": a, "n": [{"k": a}]}) else {
            return;
        };
        let respelled = vault.respell(&values);
        let other = respelled["api_token"].as_str().expect("text");
        assert_ne!(other.len(), a.len());
        assert!(!vault.has_token(&format!("{respelled:?}")));
        assert_eq!(vault.normalise(&a), vault.normalise(other));
        assert_ne!(
            vault.normalise(&a.to_uppercase()),
            vault.normalise(&other.to_uppercase())
        );
    }

    #[test]
    fn debug_output_holds_no_secret() {
        assert!(!format!("{:?}", vault().0).contains("s3cret"));
    }
}
