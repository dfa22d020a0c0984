//! The formats of files that SOPS knows, and what can be done with each.

use std::path::Path;
use std::str::FromStr;

use yaml::Node;
use zeroize::Zeroizing;

use super::binary;
use super::decrypt::{self, DecryptedValue, MacCheck, decrypt_in};
use super::document::Documents;
use super::edit::{self, NewValue};
use super::encrypt::encrypt_in;
use super::error::SopsError;
use super::key::{Identities, Recipient};
use super::key_change::KeyChange;
use super::keyless::{Keyless, compare_in};
use super::keypath::At;
use super::merge::{self, Merged};
use super::metadata::Metadata;
use super::rekey::{self, Rekeyed};
use super::rule::Rule;
use super::selector::{Scope, Selector};
use super::status::{Status, status_in};
use super::typed;
use super::update::{Updated, update_in};
use crate::sys::Entropy;

/// How a file is written. All formats but YAML have one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// YAML, with several documents if need be.
    Yaml,
    /// A JSON object.
    Json,
    /// `KEY=value` lines.
    Dotenv,
    /// Sections of `key = value` lines.
    Ini,
    /// Anything else: the whole file is one value, in a JSON object.
    Binary,
}

impl Format {
    /// Returns the format that SOPS takes a file for, by its name.
    pub fn of(path: impl AsRef<Path>) -> Self {
        let name = path.as_ref().file_name().map(|name| name.to_string_lossy());
        let name = name.as_deref().unwrap_or_default();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            Some("ini") => Self::Ini,
            _ => Self::Binary,
        }
    }

    /// Returns the word that SOPS has for it, as in `--input-type`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }

    /// Returns the format of a file whose text is at hand. SOPS goes by the name; where that tells nothing, a file that is
    /// encrypted tells by itself.
    pub fn of_text(path: impl AsRef<Path>, text: &str) -> Self {
        match Self::of(path) {
            Self::Binary if text.contains("sops") && !binary::is_one_value(text) => {
                [Self::Json, Self::Yaml, Self::Dotenv, Self::Ini]
                    .into_iter()
                    .find(|format| format.status(text).is_ok())
                    .unwrap_or(Self::Binary)
            }
            format => format,
        }
    }

    /// Encrypts a plaintext under a new data key. Layout and order stay; see [`super::encrypt()`].
    ///
    /// # Errors
    /// When the plaintext is not of this format, is encrypted already, or holds what SOPS cannot keep.
    pub fn encrypt(self, plain: &[u8], rule: &Rule, entropy: &mut dyn Entropy) -> Result<String, SopsError> {
        match self {
            Self::Binary => binary::encrypt(plain, rule, entropy),
            _ => encrypt_in(self, self.text(plain)?, rule, entropy),
        }
    }

    /// Decrypts a file to the bytes it was made from.
    ///
    /// # Errors
    /// When the text is no SOPS file, no identity opens it, a value was tampered with, or the MAC does not agree.
    pub fn decrypt(
        self,
        text: &str,
        identities: &Identities,
        check: MacCheck,
    ) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        if self == Self::Binary {
            return binary::decrypt(text, identities, check);
        }
        let plain = decrypt_in(self, text, identities, check)?;
        Ok(Zeroizing::new(plain.expose().as_bytes().to_vec()))
    }

    /// Returns a value of a file: a scalar as it is, anything else as JSON in JSON files and as YAML in the others.
    ///
    /// # Errors
    /// Those of [`Format::decrypt`]; [`SopsError::NoSuchValue`] when there is none.
    pub fn extract(
        self,
        existing: &str,
        at: At<'_>,
        identities: &Identities,
        check: MacCheck,
    ) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        edit::extract(self, existing, at, identities, check)
    }

    /// Returns the values inside the encrypted scope in document order, nulls left out. The MAC must agree.
    ///
    /// # Errors
    /// Those of [`Format::decrypt`].
    pub fn decrypt_values(
        self,
        text: &str,
        identities: &Identities,
    ) -> Result<Vec<DecryptedValue>, SopsError> {
        decrypt::values(self, text, identities)
    }

    /// Brings an existing file to a new plaintext and a rule, keeping what did not change; see [`super::update()`].
    ///
    /// # Errors
    /// Those of [`super::update()`].
    pub fn update(
        self,
        existing: &str,
        plain: &[u8],
        rule: &Rule,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Updated, SopsError> {
        match self {
            Self::Binary => binary::update(existing, plain, rule, identities, entropy),
            _ => update_in(self, existing, self.text(plain)?, rule, identities, entropy),
        }
    }

    /// Brings a file to a new plaintext under its own rule: recipients, selector and data key stay. `None` when the new
    /// plaintext is what decrypting the file gives.
    ///
    /// # Errors
    /// Those of [`Format::decrypt`] for `existing`, those of [`Format::encrypt`] for `plain`.
    pub fn replace(
        self,
        existing: &str,
        plain: &[u8],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        match self {
            Self::Binary => edit::replace_bytes(existing, plain, identities, entropy),
            _ => edit::replace(self, existing, self.text(plain)?, identities, entropy),
        }
    }

    /// Puts a value at a place; `None` when it is there already. What is missing on the way is
    /// made. A binary file has one value, `data`.
    ///
    /// # Errors
    /// Those of [`Format::decrypt`]; [`SopsError::NoSuchValue`] when the path leads through a value that is no mapping or
    /// list; [`SopsError::Layout`] where the file is written in a way that cannot be edited; [`SopsError::Unholdable`]
    /// for a value that the format cannot hold.
    pub fn set(
        self,
        existing: &str,
        at: At<'_>,
        value: &NewValue,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        edit::set(self, existing, at, value, identities, entropy)
    }

    /// Takes a value out, with its key or list position.
    ///
    /// # Errors
    /// Those of [`Format::set`]; [`SopsError::NoSuchValue`] when there is none.
    pub fn unset(
        self,
        existing: &str,
        at: At<'_>,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        edit::unset(self, existing, at, identities, entropy)
    }

    /// Encrypts the values that a person typed in clear where they should be encrypted; `None` when there are none. The MAC
    /// must agree with the file without them, or with what one of the versions `before` has in their place.
    ///
    /// # Errors
    /// [`SopsError::PlainInScope`] when the MAC agrees in neither way, or such a value is an item of a list; otherwise those
    /// of [`Format::set`].
    pub fn seal_typed(
        self,
        existing: &str,
        before: &[&str],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        if self == Self::Binary {
            return Ok(None);
        }
        typed::seal_typed(self, existing, before, identities, entropy)
    }

    /// Gives a file a new data key, and so every value a new ciphertext. Recipients stay but for those added, to the first
    /// key group if there are groups, and removed.
    ///
    /// # Errors
    /// When nothing opens the file, when it was changed by hand, when it has keys of other kinds than age, or when no
    /// recipient would be left.
    pub fn rotate(
        self,
        existing: &str,
        add: &[Recipient],
        remove: &[Recipient],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Rekeyed, SopsError> {
        rekey::rotate(self, existing, add, remove, identities, entropy)
    }

    /// Brings the recipients and key groups of a file to those of a rule; `None` when they are the same, whatever the
    /// order.
    ///
    /// A new recipient gets the data key, or the share of its group, wrapped; values, MAC, time and the keys wrapped for
    /// the others stay as they are. When one goes, who knows the data key, or the groups are others, data key and
    /// ciphertexts are new.
    ///
    /// # Errors
    /// Those of [`Format::rotate`].
    pub fn update_keys(
        self,
        existing: &str,
        rule: &Rule,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Rekeyed>, SopsError> {
        rekey::update_keys(self, existing, rule, identities, entropy)
    }

    /// Returns how the recipients and key groups of a file differ from those of a rule. Needs no key.
    ///
    /// # Errors
    /// When the text is no SOPS file.
    pub fn key_change(self, text: &str, rule: &Rule) -> Result<KeyChange, SopsError> {
        let docs = Documents::read(text, self)?;
        Ok(KeyChange::between(&Metadata::read(&docs)?, rule))
    }

    /// Merges `theirs` into `ours`, seen from `base`; without a usable base, values that differ are conflicts.
    ///
    /// Mappings are merged key by key; lists and single values are taken whole, texts in binary files by lines. Comments
    /// and layout of both sides are kept where their lines do not touch, else those of ours. Recipients are merged as
    /// well: one that either side removed is gone, with a new data key; a rotation on either side counts.
    ///
    /// # Errors
    /// When `ours` or `theirs` cannot be opened, was changed by hand, or the result cannot be written.
    pub fn merge(
        self,
        base: Option<&str>,
        ours: &str,
        theirs: &str,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Merged, SopsError> {
        merge::merge(self, base, ours, theirs, identities, entropy)
    }

    /// Looks at a SOPS file without opening it.
    ///
    /// # Errors
    /// When the text is no SOPS file or its selector does not compile.
    pub fn status(self, text: &str) -> Result<Status, SopsError> {
        match status_in(self, text) {
            // Whatever is not a JSON object is the plaintext of a binary file.
            Err(SopsError::Syntax { .. } | SopsError::NotAMapping { .. } | SopsError::EmptyDocument)
                if self == Self::Binary =>
            {
                Err(SopsError::NotEncrypted)
            }
            other => other,
        }
    }

    /// Compares the structure of a SOPS file with that of a new plaintext; see [`super::compare_keyless()`].
    ///
    /// # Errors
    /// Those of [`super::compare_keyless()`].
    pub fn compare_keyless(self, existing: &str, plain: &[u8], rule: &Rule) -> Result<Keyless, SopsError> {
        match self {
            Self::Binary => binary::compare_keyless(existing, plain, rule),
            _ => compare_in(self, existing, self.text(plain)?, rule),
        }
    }

    /// Returns the documents of a file as mappings, the metadata of every format as an entry `sops`. The plaintext of a
    /// binary file has none.
    ///
    /// # Errors
    /// When the text is not of this format.
    pub fn documents(self, text: &str) -> Result<Vec<Node>, SopsError> {
        let mut docs = Documents::read(text, self)?;
        Ok(docs.all.iter_mut().filter_map(|doc| doc.root.take()).collect())
    }

    /// Returns what is encrypted in files of this format. Selectors mean nothing in binary ones.
    pub(crate) fn scope(self, selector: &Selector) -> Result<Scope, SopsError> {
        match self {
            Self::Binary => Scope::new(&Selector::UnencryptedRegex("^$".to_owned())),
            _ => Scope::new(selector),
        }
    }

    fn text(self, plain: &[u8]) -> Result<&str, SopsError> {
        std::str::from_utf8(plain).map_err(|error| SopsError::Syntax {
            format: self.word(),
            message: "it is not UTF-8 text".to_owned(),
            span: error.valid_up_to()..error.valid_up_to(),
        })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Yaml, Self::Json, Self::Dotenv, Self::Ini, Self::Binary]
            .into_iter()
            .find(|format| format.word() == word)
            .ok_or_else(|| "the formats are yaml, json, dotenv, ini and binary".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_as_in_sops() {
        for (name, format) in [
            ("a/secret.sops.yaml", Format::Yaml),
            ("a.yml", Format::Yaml),
            ("x.json", Format::Json),
            (".env", Format::Dotenv),
            ("prod.env", Format::Dotenv),
            ("a.ini", Format::Ini),
            ("yaml", Format::Binary),
            ("a.env.bak", Format::Binary),
            ("", Format::Binary),
        ] {
            assert_eq!(Format::of(name), format, "{name}");
            assert_eq!(Format::from_str(format.word()), Ok(format));
        }
        assert!(Format::from_str("toml").is_err());
    }
}
