//! Where secrets are kept while everything else is rendered.
//!
//! Each secret is replaced by a token: text that nobody can guess, safe as plain YAML, and easy to find again. Only
//! `seal` looks tokens up. A filter that changed a token is found in two ways: the run's nonce appears mangled
//! ([`Vault::nonce`]), or the same render with [`Vault::respelled`] tokens differs in more than the tokens.

use std::fmt::Write as _;
use std::ops::Range;

use serde_json::Value;

use crate::sys::{Entropy, SecretText};

/// How every token starts.
const PREFIX: &str = "cwsecret";

/// Bytes of randomness in a token.
const NONCE_BYTES: usize = 16;

/// Bytes of randomness in a token of [`Vault::respelled`]: tokens must differ in length too.
const RESPELLED_BYTES: usize = 21;

/// A secret and what it is for.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The config key, or another name for a value computed from secrets.
    pub key: String,
    /// The value; `None` when the secret exists but cannot be read, as without the private key in CI.
    pub value: Option<SecretText>,
}

/// The secrets of a run by token.
#[derive(Debug, Clone)]
pub struct Vault {
    nonce: String,
    other_nonce: String,
    entries: Vec<Entry>,
}

impl Vault {
    /// Makes an empty vault with a fresh nonce.
    pub fn new(entropy: &mut dyn Entropy) -> Self {
        Self {
            nonce: hex(entropy, NONCE_BYTES),
            other_nonce: hex(entropy, RESPELLED_BYTES),
            entries: Vec::new(),
        }
    }

    /// Keeps a secret and returns its token. The same key with the same value gets the same token.
    pub fn insert(&mut self, key: &str, value: Option<SecretText>) -> String {
        let same = |entry: &Entry| entry.key == key && entry.value == value;
        let index = self.entries.iter().position(same).unwrap_or_else(|| {
            let key = key.to_owned();
            self.entries.push(Entry { key, value });
            self.entries.len() - 1
        });
        self.token(index)
    }

    /// Returns what a token stands for.
    pub fn lookup(&self, token: &str) -> Option<&Entry> {
        let index: usize = token
            .strip_prefix(&self.start())?
            .strip_suffix('x')?
            .parse()
            .ok()?;
        let entry = self.entries.get(index)?;
        (self.token(index) == token).then_some(entry)
    }

    /// Returns whether the whole text is one token.
    pub fn is_token(&self, text: &str) -> bool {
        self.lookup(text).is_some()
    }

    /// Returns every whole token in a text with its bytes, in order.
    pub fn find_tokens<'t>(&self, text: &'t str) -> Vec<(Range<usize>, &'t str)> {
        let start = self.start();
        text.match_indices(&start)
            .filter_map(|(at, _)| {
                let rest = &text[at + start.len()..];
                let end = at + start.len() + rest.find('x')? + 1;
                let token = &text[at..end];
                self.is_token(token).then_some((at..end, token))
            })
            .collect()
    }

    /// Returns the random part of every token: lower-case hexadecimal digits. Text that holds it, or a long part of
    /// it, in any case and outside a whole token holds a token that something has changed.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Returns all entries with their tokens, in the order they were inserted.
    pub fn entries(&self) -> impl Iterator<Item = (String, &Entry)> {
        let token = |(index, entry)| (self.token(index), entry);
        self.entries.iter().enumerate().map(token)
    }

    /// Returns a vault of the same secrets under tokens of another nonce and another length.
    #[must_use]
    pub fn respelled(&self) -> Self {
        Self {
            nonce: self.other_nonce.clone(),
            other_nonce: self.nonce.clone(),
            entries: self.entries.clone(),
        }
    }

    /// Replaces, in every text of `value`, this vault's tokens by those of `other`, a [`Vault::respelled`] of it.
    pub fn swap_tokens(&self, value: &mut Value, other: &Self) {
        match value {
            Value::String(text) => *text = self.swap_in_text(text, other),
            Value::Array(items) => items.iter_mut().for_each(|item| self.swap_tokens(item, other)),
            Value::Object(map) => map.values_mut().for_each(|item| self.swap_tokens(item, other)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Returns the text with this vault's tokens replaced by those of `other`.
    pub fn swap_in_text(&self, text: &str, other: &Self) -> String {
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (range, token) in self.find_tokens(text) {
            out.push_str(&text[done..range.start]);
            let index = &token[self.start().len()..];
            out.push_str(&other.start());
            out.push_str(index);
            done = range.end;
        }
        out.push_str(&text[done..]);
        out
    }

    fn start(&self) -> String {
        format!("{PREFIX}{}x", self.nonce)
    }

    fn token(&self, index: usize) -> String {
        format!("{}{index}x", self.start())
    }
}

fn hex(entropy: &mut dyn Entropy, count: usize) -> String {
    let mut bytes = vec![0; count];
    entropy.fill(&mut bytes);
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sys::FixedEntropy;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[test]
    fn tokens_are_found_and_looked_up() {
        let mut vault = Vault::new(&mut FixedEntropy::new(1));
        let tokens: Vec<String> = (0..12)
            .map(|i| vault.insert(&format!("key_{i}"), Some(secret("s"))))
            .collect();
        assert!(
            tokens[11]
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
        let text = format!("a: {} b: {}{}", tokens[1], tokens[11], tokens[0]);
        let found: Vec<&str> = vault
            .find_tokens(&text)
            .into_iter()
            .map(|(_, token)| token)
            .collect();
        assert_eq!(found, [&tokens[1], &tokens[11], &tokens[0]]);
        assert_eq!(vault.lookup(&tokens[11]).expect("known").key, "key_11");
        assert!(!vault.is_token(&tokens[1][..tokens[1].len() - 1]));
        assert!(!vault.is_token(&tokens[1].to_uppercase()));
        assert!(!vault.is_token(&tokens[1].replace("x1x", "x01x")));
        assert!(!vault.is_token(&tokens[1].replace("x1x", "x99x")));
    }

    #[test]
    fn the_same_secret_has_one_token() {
        let mut vault = Vault::new(&mut FixedEntropy::new(1));
        assert_eq!(
            vault.insert("a", Some(secret("s"))),
            vault.insert("a", Some(secret("s")))
        );
        assert_ne!(
            vault.insert("a", Some(secret("s"))),
            vault.insert("a", Some(secret("t")))
        );
        assert_ne!(vault.insert("a", None), vault.insert("b", None));
    }

    #[test]
    fn respelled_tokens_swap_there_and_back() {
        let mut vault = Vault::new(&mut FixedEntropy::new(1));
        let token = vault.insert("a", Some(secret("s")));
        let other = vault.respelled();
        let before = json!({"x": [format!("<{token}>")], "y": 1});
        let mut value = before.clone();
        vault.swap_tokens(&mut value, &other);
        let text = value["x"][0].as_str().expect("text");
        assert_ne!(text.len(), token.len() + 2);
        assert!(vault.find_tokens(text).is_empty() && !text.contains(vault.nonce()));
        assert_eq!(other.lookup(&text[1..text.len() - 1]).expect("known").key, "a");
        other.swap_tokens(&mut value, &vault);
        assert_eq!(value, before);
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut vault = Vault::new(&mut FixedEntropy::new(1));
        vault.insert("a", Some(secret("hunter2")));
        assert!(!format!("{vault:?}").contains("hunter2"));
    }
}
