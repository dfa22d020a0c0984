//! Who can open a file: recipients, and the data key wrapped for each of them.

use std::io::Write as _;
use std::str::FromStr as _;

use age::armor::{ArmoredWriter, Format};
use age::secrecy::ExposeSecret as _;

use crate::error::SopsError;
use crate::keys::post_quantum;
use crate::secret::SecretText;

/// What kind of key a recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecipientKind {
    /// `age1…`, X25519.
    X25519,
    /// `age1pq1…`, ML-KEM-768 and X25519 together.
    PostQuantum,
    /// `age1NAME1…`, opened by the program `age-plugin-NAME`.
    Plugin,
    /// `ssh-ed25519 …` or `ssh-rsa …`.
    Ssh,
}

impl RecipientKind {
    /// Returns the kind that a text claims to be.
    pub fn of(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("age1");
        Some(if text.starts_with(post_quantum::RECIPIENT_PREFIX) {
            Self::PostQuantum
        } else if text.starts_with("ssh-") {
            Self::Ssh
        } else if rest.is_some_and(|rest| rest.contains('1')) {
            Self::Plugin
        } else if rest.is_some() {
            Self::X25519
        } else {
            return None;
        })
    }

    /// Returns the word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::X25519 => "X25519",
            Self::PostQuantum => "post-quantum",
            Self::Plugin => "plugin",
            Self::Ssh => "SSH",
        }
    }
}

/// Somebody who can open a file: the public half of an age key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient(String);

impl Recipient {
    /// Reads a recipient: `age1…` or `age1pq1…`; with the features `ssh` and `plugin` also these kinds.
    ///
    /// # Errors
    /// [`SopsError::UnsupportedRecipient`] for kinds that this build cannot encrypt to, [`SopsError::BadRecipient`]
    /// for anything that is no recipient.
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
        match lock_for(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(SopsError::BadRecipient { .. }) => Err(SopsError::BadRecipient { index }),
            Err(error) => Err(error),
        }
    }

    /// Takes a recipient that a key of ours has.
    pub(crate) fn of_identity(text: String) -> Self {
        Self(text)
    }

    /// Returns the text, `age1…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns what kind of key it is.
    pub fn kind(&self) -> RecipientKind {
        RecipientKind::of(&self.0).unwrap_or(RecipientKind::X25519)
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns what encrypts to a recipient.
fn lock_for(text: &str) -> Result<Box<dyn age::Recipient>, SopsError> {
    let bad = SopsError::BadRecipient { index: 1 };
    let kind = RecipientKind::of(text).ok_or(bad.clone())?;
    match kind {
        RecipientKind::X25519 => age::x25519::Recipient::from_str(text)
            .map(|recipient| Box::new(recipient) as Box<dyn age::Recipient>)
            .map_err(|_| bad),
        RecipientKind::PostQuantum => post_quantum::HybridRecipient::parse(text)
            .map(|recipient| Box::new(recipient) as Box<dyn age::Recipient>)
            .ok_or(bad),
        #[cfg(feature = "ssh")]
        RecipientKind::Ssh => age::ssh::Recipient::from_str(text)
            .map(|recipient| Box::new(recipient) as Box<dyn age::Recipient>)
            .map_err(|_| bad),
        #[cfg(feature = "plugin")]
        RecipientKind::Plugin => crate::keys::plugin::recipient(text),
        #[cfg(not(all(feature = "ssh", feature = "plugin")))]
        _ => Err(SopsError::UnsupportedRecipient { kind: kind.word() }),
    }
}

/// Wraps a data key, or a share of one, for one recipient: an armoured age file. The age crate draws its own randomness.
pub(crate) fn wrap(key: &[u8], recipient: &Recipient) -> Result<String, SopsError> {
    let recipient = lock_for(recipient.as_str())?;
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&*recipient)).map_err(|_| SopsError::Wrap)?;
    let write = || -> std::io::Result<Vec<u8>> {
        let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armour)?;
        writer.write_all(key)?;
        writer.finish()?.finish()
    };
    let text = write().ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(|text| format!("{}\n", text.trim().replace("\r\n", "\n")))
        .ok_or(SopsError::Wrap)
}

/// Makes a new age key: the line of an identity file, and its public half.
pub fn generate_identity() -> (SecretText, String) {
    let identity = age::x25519::Identity::generate();
    let private = SecretText::new(identity.to_string().expose_secret().to_owned());
    (private, identity.to_public().to_string())
}

/// Makes a new post-quantum age key: the line of an identity file, and its public half.
pub fn generate_post_quantum_identity() -> (SecretText, String) {
    let identity = post_quantum::HybridIdentity::generate();
    let private = SecretText::new(identity.to_text().to_string());
    (private, identity.to_public().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::identities::Identities;

    #[test]
    fn a_wrapped_key_opens_for_its_recipient_only() {
        for generate in [generate_identity, generate_post_quantum_identity] {
            let (private, public) = generate();
            let (other, _) = generate();
            let key = [7; 32];
            let wrapped = wrap(&key, &Recipient::new(&public).unwrap()).unwrap();
            let file = format!(
                "# created: today\n# public key: {public}\n\n{}\n",
                private.expose()
            );
            let mine = Identities::parse(&file).unwrap();
            assert_eq!(mine.recipients(), [Recipient(public)]);
            let opened = mine
                .unwrap([("", format!("\n\n{wrapped}\n\n").as_str())].into_iter())
                .unwrap();
            assert_eq!(*opened, key);
            let theirs = Identities::parse(other.expose()).unwrap();
            assert!(matches!(
                theirs.unwrap([("", wrapped.as_str())].into_iter()),
                Err(SopsError::NoIdentityMatches { .. })
            ));
        }
    }

    #[test]
    fn recipients_are_told_apart() {
        let kind = |text| Recipient::new(text).unwrap_err();
        assert_eq!(kind("age1pq1xyz"), SopsError::BadRecipient { index: 1 });
        #[cfg(not(feature = "plugin"))]
        assert_eq!(
            kind("age1yubikey1xyz"),
            SopsError::UnsupportedRecipient { kind: "plugin" }
        );
        #[cfg(not(feature = "ssh"))]
        assert_eq!(
            kind("ssh-ed25519 AAAA me"),
            SopsError::UnsupportedRecipient { kind: "SSH" }
        );
        assert_eq!(
            Recipient::list(["age1xyz"]).unwrap_err(),
            SopsError::BadRecipient { index: 1 }
        );
        assert_eq!(kind("nobody"), SopsError::BadRecipient { index: 1 });
    }
}
