//! Texts that are read for one answer: the methods of [`File`] by format and text, and what needs no [`File`].

use std::path::Path;

use yaml::Node;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::error::SopsError;
use crate::file::File;
use crate::format::Format;
use crate::keys::identities::Identities;
use crate::keys::key::Recipient;
use crate::ops::binary;
use crate::ops::decrypt::DecryptedValue;
use crate::ops::edit::NewValue;
use crate::ops::encrypt::encrypt_in;
use crate::ops::key_change::KeyChange;
use crate::ops::keyless::Keyless;
use crate::ops::merge::{self, Merged, Sides};
use crate::ops::opened::MacCheck;
use crate::ops::rekey::Rekeyed;
use crate::ops::status::Status;
use crate::ops::update::Updated;
use crate::rules::rule::EncryptionRule;
use crate::text::document::Documents;
use crate::text::keypath::At;

impl Format {
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

    /// Encrypts a plaintext under a new data key. Layout and order stay; see [`crate::encrypt()`].
    ///
    /// # Errors
    /// When the plaintext is not of this format, is encrypted already, or holds what SOPS cannot keep.
    pub fn encrypt(
        self,
        plain: &[u8],
        rule: &EncryptionRule,
        entropy: &mut dyn Entropy,
    ) -> Result<String, SopsError> {
        match self {
            Self::Binary => binary::encrypt(plain, rule, entropy),
            _ => encrypt_in(self, self.text(plain)?, rule, entropy),
        }
    }

    /// See [`File::decrypt`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::decrypt`].
    pub fn decrypt(
        self,
        text: &str,
        identities: &Identities,
        check: MacCheck,
    ) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        File::read(self, text)?.decrypt(identities, check)
    }

    /// See [`File::extract`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::extract`].
    pub fn extract(
        self,
        text: &str,
        at: At<'_>,
        identities: &Identities,
        check: MacCheck,
    ) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        File::read(self, text)?.extract(at, identities, check)
    }

    /// See [`File::decrypt_values`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::decrypt_values`].
    pub fn decrypt_values(
        self,
        text: &str,
        identities: &Identities,
    ) -> Result<Vec<DecryptedValue>, SopsError> {
        File::read(self, text)?.decrypt_values(identities)
    }

    /// See [`File::update`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::update`].
    pub fn update(
        self,
        text: &str,
        plain: &[u8],
        rule: &EncryptionRule,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Updated, SopsError> {
        File::read(self, text)?.update(plain, rule, identities, entropy)
    }

    /// See [`File::replace`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::replace`].
    pub fn replace(
        self,
        text: &str,
        plain: &[u8],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        File::read(self, text)?.replace(plain, identities, entropy)
    }

    /// See [`File::set`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::set`].
    pub fn set(
        self,
        text: &str,
        at: At<'_>,
        value: &NewValue,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        File::read(self, text)?.set(at, value, identities, entropy)
    }

    /// See [`File::unset`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::unset`].
    pub fn unset(
        self,
        text: &str,
        at: At<'_>,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        File::read(self, text)?.unset(at, identities, entropy)
    }

    /// See [`File::seal_typed`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::seal_typed`].
    pub fn seal_typed(
        self,
        text: &str,
        before: &[&str],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        File::read(self, text)?.seal_typed(before, identities, entropy)
    }

    /// See [`File::rotate`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::rotate`].
    pub fn rotate(
        self,
        text: &str,
        add: &[Recipient],
        remove: &[Recipient],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Rekeyed, SopsError> {
        File::read(self, text)?.rotate(add, remove, identities, entropy)
    }

    /// See [`File::update_keys`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::update_keys`].
    pub fn update_keys(
        self,
        text: &str,
        rule: &EncryptionRule,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<Rekeyed>, SopsError> {
        File::read(self, text)?.update_keys(rule, identities, entropy)
    }

    /// See [`File::key_change`].
    ///
    /// # Errors
    /// Those of [`File::read`].
    pub fn key_change(self, text: &str, rule: &EncryptionRule) -> Result<KeyChange, SopsError> {
        Ok(File::read(self, text)?.key_change(rule))
    }

    /// Merges theirs into ours, seen from their base; without a usable one, values that differ are conflicts.
    ///
    /// Mappings are merged key by key; lists and single values are taken whole, texts in binary files by lines. Comments
    /// and layout of both sides are kept where their lines do not touch, else those of ours. Recipients are merged as
    /// well: one that either side removed is gone, with a new data key; a rotation on either side counts. One that
    /// theirs added can open the result if he is among [`Sides::may_open`]; else he is left out, and told.
    ///
    /// # Errors
    /// When `ours` or `theirs` cannot be opened, was changed by hand, or the result cannot be written.
    pub fn merge(
        self,
        sides: Sides<'_>,
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Merged, SopsError> {
        merge::merge(self, sides, identities, entropy)
    }

    /// See [`File::status`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::status`].
    pub fn status(self, text: &str) -> Result<Status, SopsError> {
        match File::read(self, text) {
            Ok(file) => file.status(),
            // Whatever is not a JSON object is the plaintext of a binary file.
            Err(SopsError::Syntax { .. } | SopsError::NotAMapping { .. } | SopsError::EmptyDocument)
                if self == Self::Binary =>
            {
                Err(SopsError::NotEncrypted)
            }
            Err(error) => Err(error),
        }
    }

    /// See [`File::compare_keyless`].
    ///
    /// # Errors
    /// Those of [`File::read`] and [`File::compare_keyless`].
    pub fn compare_keyless(
        self,
        text: &str,
        plain: &[u8],
        rule: &EncryptionRule,
    ) -> Result<Keyless, SopsError> {
        File::read(self, text)?.compare_keyless(plain, rule)
    }

    /// Returns the documents of a text as mappings, the metadata of every format as an entry `sops`. The plaintext of a
    /// binary file has none.
    ///
    /// # Errors
    /// When the text is not of this format.
    pub fn documents(self, text: &str) -> Result<Vec<Node>, SopsError> {
        let mut docs = Documents::read(text, self)?;
        Ok(docs.all.iter_mut().filter_map(|doc| doc.root.take()).collect())
    }
}
