//! Which values of a file are encrypted: one of six selector keys.

use std::cell::RefCell;

use regex::{Regex, RegexBuilder};

use crate::error::SopsError;
use crate::format::Format;

/// The suffix that SOPS assumes, and writes out, when a file or rule names no selector.
pub const DEFAULT_UNENCRYPTED_SUFFIX: &str = "_unencrypted";

/// A selector as a rule or a `sops` block names it. A match anywhere on the path decides for the whole subtree;
/// expressions are not anchored (getsops/sops `sops.go`, `shouldBeEncrypted`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// Everything but keys with this suffix.
    UnencryptedSuffix(String),
    /// Keys with this suffix.
    EncryptedSuffix(String),
    /// Everything but keys that match.
    UnencryptedRegex(String),
    /// Keys that match.
    EncryptedRegex(String),
    /// Everything but what follows a comment that matches.
    UnencryptedCommentRegex(String),
    /// What follows a comment that matches.
    EncryptedCommentRegex(String),
}

impl Selector {
    /// The selector keys in the order in which they are looked for.
    pub(crate) const KEYS: [&'static str; 6] = [
        "unencrypted_suffix",
        "encrypted_suffix",
        "unencrypted_regex",
        "encrypted_regex",
        "unencrypted_comment_regex",
        "encrypted_comment_regex",
    ];

    /// Returns the selector that stands for the whole document: SOPS' default.
    pub fn whole_document() -> Self {
        Self::UnencryptedSuffix(DEFAULT_UNENCRYPTED_SUFFIX.to_owned())
    }

    pub(crate) fn from_key(key: &str, text: &str) -> Option<Self> {
        let text = text.to_owned();
        Some(match key {
            "unencrypted_suffix" => Self::UnencryptedSuffix(text),
            "encrypted_suffix" => Self::EncryptedSuffix(text),
            "unencrypted_regex" => Self::UnencryptedRegex(text),
            "encrypted_regex" => Self::EncryptedRegex(text),
            "unencrypted_comment_regex" => Self::UnencryptedCommentRegex(text),
            "encrypted_comment_regex" => Self::EncryptedCommentRegex(text),
            _ => return None,
        })
    }

    /// Returns the key that names this selector in `.sops.yaml` and in the `sops` block.
    pub fn key(&self) -> &'static str {
        match self {
            Self::UnencryptedSuffix(_) => Self::KEYS[0],
            Self::EncryptedSuffix(_) => Self::KEYS[1],
            Self::UnencryptedRegex(_) => Self::KEYS[2],
            Self::EncryptedRegex(_) => Self::KEYS[3],
            Self::UnencryptedCommentRegex(_) => Self::KEYS[4],
            Self::EncryptedCommentRegex(_) => Self::KEYS[5],
        }
    }

    /// Returns the suffix or expression.
    pub fn text(&self) -> &str {
        match self {
            Self::UnencryptedSuffix(text)
            | Self::EncryptedSuffix(text)
            | Self::UnencryptedRegex(text)
            | Self::EncryptedRegex(text)
            | Self::UnencryptedCommentRegex(text)
            | Self::EncryptedCommentRegex(text) => text,
        }
    }
}

/// A selector that is known to compile.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    selector: Selector,
    regex: Option<Regex>,
}

impl Scope {
    /// Returns what is encrypted in files of a format. Selectors mean nothing in binary ones.
    pub(crate) fn of(format: Format, selector: &Selector) -> Result<Self, SopsError> {
        match format {
            Format::Binary => Self::new(&Selector::UnencryptedRegex("^$".to_owned())),
            _ => Self::new(selector),
        }
    }

    pub(crate) fn new(selector: &Selector) -> Result<Self, SopsError> {
        let regex = match selector {
            Selector::UnencryptedSuffix(_) | Selector::EncryptedSuffix(_) => None,
            _ => Some(compiled(selector)?),
        };
        Ok(Self {
            selector: selector.clone(),
            regex,
        })
    }

    /// Returns the selector.
    pub(crate) fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Returns whether comments decide.
    pub(crate) fn reads_comments(&self) -> bool {
        matches!(
            self.selector,
            Selector::UnencryptedCommentRegex(_) | Selector::EncryptedCommentRegex(_)
        )
    }

    /// Returns whether a comment decides about what follows it.
    pub(crate) fn is_marker(&self, comment: &str) -> bool {
        let matches = |regex: &Regex| regex.is_match(comment);
        self.reads_comments() && self.regex.as_ref().is_some_and(matches)
    }

    /// Returns whether the value at these keys, below these comments, is to be encrypted.
    pub(crate) fn holds(&self, keys: &[String], comments: &[String]) -> bool {
        let matches = |texts: &[String]| {
            self.regex
                .as_ref()
                .is_some_and(|regex| texts.iter().any(|text| regex.is_match(text)))
        };
        match &self.selector {
            Selector::UnencryptedSuffix(suffix) => !keys.iter().any(|key| key.ends_with(suffix)),
            Selector::EncryptedSuffix(suffix) => keys.iter().any(|key| key.ends_with(suffix)),
            Selector::UnencryptedRegex(_) => !matches(keys),
            Selector::EncryptedRegex(_) => matches(keys),
            Selector::UnencryptedCommentRegex(_) => !matches(comments),
            Selector::EncryptedCommentRegex(_) => matches(comments),
        }
    }
}

/// Most memory of one regular expression of a `.sops.yaml`, in bytes. Those that people write take some thousands;
/// the default of the crate, 10 MiB, would add up over the rules of a file.
const MAX_REGEX: usize = 512 << 10;

/// Compiles a regular expression of a `.sops.yaml`, or of the metadata of a file.
pub(crate) fn regex(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text)
        .size_limit(MAX_REGEX)
        .dfa_size_limit(MAX_REGEX)
        .build()
}

/// Compiles the expression of a selector. The last one is kept: all files of a tree share it, and compiling takes
/// longer than what else there is to do for a file that did not change.
fn compiled(selector: &Selector) -> Result<Regex, SopsError> {
    thread_local! {
        static LAST: RefCell<Option<Regex>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| match last {
        Some(regex) if regex.as_str() == selector.text() => Ok(regex.clone()),
        _ => {
            let compiled = regex(selector.text());
            let regex = compiled.map_err(|_| SopsError::SelectorRegex { key: selector.key() })?;
            Ok(last.insert(regex).clone())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(key: &str, text: &str, keys: &[&str], comments: &[&str]) -> bool {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Scope::new(&Selector::from_key(key, text).unwrap())
            .unwrap()
            .holds(&own(keys), &own(comments))
    }

    #[test]
    fn each_selector_decides_anywhere_on_the_path() {
        assert!(holds("unencrypted_suffix", "_u", &["a", "b"], &[]));
        assert!(!holds("unencrypted_suffix", "_u", &["a_u", "b"], &[]));
        assert!(holds("encrypted_suffix", "_e", &["a_e", "b"], &[]));
        assert!(!holds("encrypted_suffix", "_e", &["a_ex"], &[]));
        assert!(holds(
            "encrypted_regex",
            "^(data|stringData)$",
            &["stringData", "k"],
            &[]
        ));
        assert!(!holds(
            "encrypted_regex",
            "^(data|stringData)$",
            &["metadata"],
            &[]
        ));
        assert!(
            holds("encrypted_regex", "data", &["metadata"], &[]),
            "not anchored"
        );
        assert!(!holds("unencrypted_regex", "^a$", &["x", "a"], &[]));
        assert!(!holds("unencrypted_comment_regex", "plain", &["a"], &[" plain:"]));
        assert!(holds(
            "encrypted_comment_regex",
            "secret",
            &["a"],
            &["x", " secret"]
        ));
        assert!(!holds("encrypted_comment_regex", "secret", &["secret"], &[]));
    }

    #[test]
    fn an_expression_that_does_not_compile_is_an_error() {
        let error = Scope::new(&Selector::EncryptedRegex("(".to_owned())).unwrap_err();
        assert_eq!(
            error,
            SopsError::SelectorRegex {
                key: "encrypted_regex"
            }
        );
    }
}
