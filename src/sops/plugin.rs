//! Keys that a program `age-plugin-NAME` holds, such as that of a hardware token. Only with the cargo feature `plugin`.

use std::io;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use age::plugin::{Identity, IdentityPluginV1, Recipient, RecipientPluginV1, ResolveError};
use age::{Callbacks, DecryptError};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::SecretString;

use super::error::SopsError;

/// A plugin's key. The program is looked for when the key is needed: without it, other keys still work.
struct Key(Mutex<Identity>);

impl age::Identity for Key {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let identity = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let identities = std::slice::from_ref(&*identity);
        match IdentityPluginV1::new(identity.plugin(), identities, Silent) {
            Ok(plugin) => age::Identity::unwrap_stanzas(&plugin, stanzas),
            Err(_) => Some(Err(DecryptError::Io(io::Error::other("is not in PATH")))),
        }
    }
}

/// Answers nothing: a plugin then uses its own ways to ask.
#[derive(Clone)]
struct Silent;

impl Callbacks for Silent {
    fn display_message(&self, _message: &str) {}

    fn confirm(&self, _message: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _description: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _description: &str) -> Option<SecretString> {
        None
    }
}

/// Reads `AGE-PLUGIN-…`; returns also the name of the program.
pub(super) fn identity(text: &str) -> Option<(Arc<dyn age::Identity + Send + Sync>, String)> {
    let identity = Identity::from_str(text).ok()?;
    let program = format!("age-plugin-{}", identity.plugin());
    Some((Arc::new(Key(Mutex::new(identity))), program))
}

/// Reads `age1NAME1…`.
pub(super) fn recipient(text: &str) -> Result<Box<dyn age::Recipient>, SopsError> {
    let recipient = Recipient::from_str(text).map_err(|_| SopsError::BadRecipient { index: 1 })?;
    let plugin = recipient.plugin().to_owned();
    match RecipientPluginV1::new(&plugin, &[recipient], &[], Silent) {
        Ok(plugin) => Ok(Box::new(plugin)),
        Err(ResolveError::MissingPlugin { binary_name }) => {
            Err(SopsError::MissingPlugin { program: binary_name })
        }
        Err(_) => Err(SopsError::BadRecipient { index: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::identities::Identities;
    use super::super::key::{self, generate_identity};
    use super::super::post_quantum;
    use super::*;

    /// A key of the plugin `nowhere`, which nobody has.
    fn missing() -> String {
        let hrp = bech32::Hrp::parse("AGE-PLUGIN-NOWHERE-").unwrap();
        bech32::encode_upper::<bech32::Bech32>(hrp, b"anything").unwrap()
    }

    #[test]
    fn a_missing_program_is_named_and_hides_no_other_key() {
        let (private, public) = generate_identity();
        let recipient = super::super::key::Recipient::new(&public).unwrap();
        let wrapped = key::wrap(&[7; 32], &recipient).unwrap();
        let mut me = Identities::parse(&missing()).unwrap();
        let error = me.unwrap([("", wrapped.as_str())].into_iter()).unwrap_err();
        let SopsError::NoIdentityMatches { tried, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(tried, ["`age-plugin-nowhere` is not in PATH"]);
        me.extend(Identities::parse(private.expose()).unwrap());
        assert_eq!(*me.unwrap([("", wrapped.as_str())].into_iter()).unwrap(), [7; 32]);
    }

    #[test]
    fn recipients_need_their_program() {
        let hrp = bech32::Hrp::parse("age1nowhere").unwrap();
        let text = bech32::encode::<bech32::Bech32>(hrp, b"anything").unwrap();
        assert_eq!(
            super::super::key::Recipient::new(&text).unwrap_err(),
            SopsError::MissingPlugin {
                program: "age-plugin-nowhere".to_owned()
            }
        );
        assert!(!text.starts_with(post_quantum::RECIPIENT_PREFIX));
    }
}
