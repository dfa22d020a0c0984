//! Who can open a file: recipients, identities, and the data key wrapped for each of them.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::str::FromStr;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::error::SopsError;
use super::value::DataKey;
use crate::sys::SecretText;

/// Somebody who can open a file: the public half of an age key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient(String);

impl Recipient {
    /// Reads an X25519 recipient, `age1…`.
    ///
    /// # Errors
    /// [`SopsError::UnsupportedRecipient`] for post-quantum, plugin and SSH recipients, [`SopsError::BadRecipient`]
    /// for anything else that is no recipient.
    pub fn new(text: &str) -> Result<Self, SopsError> {
        Self::numbered(text, 1)
    }

    /// Reads a list of recipients; errors carry the position.
    ///
    /// # Errors
    /// Those of [`Recipient::new`].
    pub fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, SopsError> {
        texts
            .into_iter()
            .enumerate()
            .map(|(i, text)| Self::numbered(text, i + 1))
            .collect()
    }

    fn numbered(text: &str, index: usize) -> Result<Self, SopsError> {
        let text = text.trim();
        if age::x25519::Recipient::from_str(text).is_ok() {
            return Ok(Self(text.to_owned()));
        }
        let rest = text.strip_prefix("age1");
        let kind = if text.starts_with("age1pq1") {
            "post-quantum"
        } else if text.starts_with("ssh-") {
            "SSH"
        } else if rest.is_some_and(|rest| rest.contains('1')) {
            "plugin"
        } else {
            return Err(SopsError::BadRecipient { index });
        };
        Err(SopsError::UnsupportedRecipient { kind })
    }

    /// Returns the text, `age1…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The private keys at hand. Silent in `Debug`.
#[derive(Default, Clone)]
pub struct Identities {
    keys: Vec<age::x25519::Identity>,
    unsupported: BTreeSet<&'static str>,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identities({})", self.keys.len())
    }
}

impl Identities {
    /// Reads the text of an identity file: one key per line, comments and blank lines. Kinds of keys that are not
    /// supported are remembered and named when nothing else opens a file.
    ///
    /// # Errors
    /// [`SopsError::BadIdentity`] for a line that is none of these.
    pub fn parse(text: &str) -> Result<Self, SopsError> {
        let mut identities = Self::default();
        let start = text.trim_start();
        if start.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") || start.starts_with("age-encryption.org/")
        {
            identities
                .unsupported
                .insert("passphrase-protected identity file");
            return Ok(identities);
        }
        for (i, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.starts_with("AGE-SECRET-KEY-PQ-1") {
                identities.unsupported.insert("post-quantum identity");
            } else if line.starts_with("AGE-PLUGIN-") {
                identities.unsupported.insert("plugin identity");
            } else {
                let key = age::x25519::Identity::from_str(line)
                    .map_err(|_| SopsError::BadIdentity { line: i + 1 })?;
                identities.keys.push(key);
            }
        }
        Ok(identities)
    }

    /// Adds the keys of another set.
    pub fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.unsupported.extend(other.unsupported);
    }

    /// Returns whether there is no key that could open anything.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the public halves, in order.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.keys
            .iter()
            .map(|key| Recipient(key.to_public().to_string()))
            .collect()
    }

    /// Returns the kinds of identities that were given but cannot be used.
    pub fn unsupported(&self) -> impl Iterator<Item = &'static str> {
        self.unsupported.iter().copied()
    }

    /// Opens the first of the wrapped data keys that one of the identities opens.
    pub(crate) fn unwrap<'a>(&self, wrapped: impl Iterator<Item = &'a str>) -> Result<DataKey, SopsError> {
        for text in wrapped {
            if let Some(bytes) = self.open(text) {
                return DataKey::from_slice(&bytes).ok_or(SopsError::DataKey);
            }
        }
        Err(SopsError::NoIdentityMatches {
            unsupported: self.unsupported().collect(),
        })
    }

    fn open(&self, armoured: &str) -> Option<Zeroizing<Vec<u8>>> {
        // The reader of the age crate fails on blank lines before the armour, which SOPS accepts.
        let armoured = format!("{}\n", armoured.trim());
        let decryptor = age::Decryptor::new(ArmoredReader::new(armoured.as_bytes())).ok()?;
        let keys = self.keys.iter().map(|key| key as &dyn age::Identity);
        let mut bytes = Zeroizing::new(Vec::with_capacity(64));
        decryptor
            .decrypt(keys)
            .ok()?
            .take(64)
            .read_to_end(&mut bytes)
            .ok()?;
        Some(bytes)
    }
}

/// Wraps a data key for one recipient: an armoured age file. The age crate draws its own randomness.
pub(crate) fn wrap(key: &DataKey, recipient: &Recipient) -> Result<String, SopsError> {
    let recipient = age::x25519::Recipient::from_str(recipient.as_str()).map_err(|_| SopsError::Wrap)?;
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
        .map_err(|_| SopsError::Wrap)?;
    let write = || -> std::io::Result<Vec<u8>> {
        let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armour)?;
        writer.write_all(key.bytes())?;
        writer.finish()?.finish()
    };
    let text = write().ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(|text| format!("{}\n", text.trim()))
        .ok_or(SopsError::Wrap)
}

/// Makes a new age key: the line of an identity file, and its public half.
pub fn generate_identity() -> (SecretText, String) {
    let identity = age::x25519::Identity::generate();
    let private = SecretText::new(identity.to_string().expose_secret().to_owned());
    (private, identity.to_public().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::FixedEntropy;

    #[test]
    fn a_wrapped_key_opens_for_its_recipient_only() {
        let (private, public) = generate_identity();
        let (other, _) = generate_identity();
        let key = DataKey::generate(&mut FixedEntropy::new(1));
        let wrapped = wrap(&key, &Recipient::new(&public).unwrap()).unwrap();
        let file = format!(
            "# created: today\n# public key: {public}\n\n{}\n",
            private.expose()
        );
        let mine = Identities::parse(&file).unwrap();
        assert_eq!(mine.recipients(), [Recipient(public)]);
        let opened = mine
            .unwrap([format!("\n\n{wrapped}\n\n").as_str()].into_iter())
            .unwrap();
        assert_eq!(opened.bytes(), key.bytes());
        let theirs = Identities::parse(other.expose()).unwrap();
        assert!(matches!(
            theirs.unwrap([wrapped.as_str()].into_iter()),
            Err(SopsError::NoIdentityMatches { .. })
        ));
    }

    #[test]
    fn kinds_that_are_not_supported_are_named_and_never_shown() {
        let text = "AGE-SECRET-KEY-PQ-1QQQSECRET\nAGE-PLUGIN-YUBIKEY-1SECRET\n";
        let error = Identities::parse(text)
            .unwrap()
            .unwrap(std::iter::empty())
            .unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("post-quantum identity") && shown.contains("plugin identity"),
            "{shown}"
        );
        assert!(!shown.contains("SECRET"), "{shown}");
        let bad = Identities::parse("\n# c\nAGE-SECRET-KEY-1NONSENSE\n").unwrap_err();
        assert_eq!(bad, SopsError::BadIdentity { line: 3 });
        assert!(
            Identities::parse("-----BEGIN AGE ENCRYPTED FILE-----\n")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn recipients_are_told_apart() {
        let kind = |text| Recipient::new(text).unwrap_err();
        assert_eq!(
            kind("age1pq1xyz"),
            SopsError::UnsupportedRecipient { kind: "post-quantum" }
        );
        assert_eq!(
            kind("age1yubikey1xyz"),
            SopsError::UnsupportedRecipient { kind: "plugin" }
        );
        assert_eq!(
            kind("ssh-ed25519 AAAA me"),
            SopsError::UnsupportedRecipient { kind: "SSH" }
        );
        assert_eq!(
            Recipient::list(["age1xyz"]).unwrap_err(),
            SopsError::BadRecipient { index: 1 }
        );
    }
}
