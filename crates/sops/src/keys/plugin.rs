//! Keys that a program `age-plugin-NAME` holds, such as that of a hardware token. Only with the cargo feature `plugin`.

use std::io;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use age::plugin::{Identity, IdentityPluginV1, Recipient, RecipientPluginV1, ResolveError};
use age::{Callbacks, DecryptError};
use age_core::format::{FileKey, Stanza};
use age_core::secrecy::SecretString;

use crate::error::SopsError;
use crate::keys::prompt::{Nobody, Prompt};

/// A plugin's key. The program is looked for when the key is needed: without it, other keys still work.
struct Key {
    identity: Mutex<Identity>,
    prompt: Arc<dyn Prompt>,
}

impl age::Identity for Key {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let identity = self.identity.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |why: String| Some(Err(DecryptError::Io(io::Error::other(why))));
        let voice = Voice::of(&self.prompt);
        let identities = std::slice::from_ref(&*identity);
        let Ok(plugin) = IdentityPluginV1::new(identity.plugin(), identities, voice.clone()) else {
            return failed("is not in PATH".to_owned());
        };
        match (
            age::Identity::unwrap_stanzas(&plugin, stanzas),
            voice.unanswered(),
        ) {
            (Some(Ok(key)), _) => Some(Ok(key)),
            (_, Some(question)) => failed(format!(
                "asks “{question}”, and there is no terminal to answer on"
            )),
            (other, None) => other,
        }
    }
}

/// What a plugin says, and the answers it gets.
#[derive(Clone)]
struct Voice {
    prompt: Arc<dyn Prompt>,
    /// The first question that nobody answered.
    unanswered: Arc<OnceLock<String>>,
}

impl Voice {
    fn of(prompt: &Arc<dyn Prompt>) -> Self {
        Self {
            prompt: Arc::clone(prompt),
            unanswered: Arc::default(),
        }
    }

    fn unanswered(&self) -> Option<&String> {
        self.unanswered.get()
    }

    fn noted<T>(&self, question: &str, answer: Option<T>) -> Option<T> {
        if answer.is_none() {
            self.unanswered.get_or_init(|| question.trim().to_owned());
        }
        answer
    }
}

impl Callbacks for Voice {
    fn display_message(&self, message: &str) {
        self.prompt.tell(message);
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        self.noted(message, self.prompt.choose(message, yes, no))
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.noted(description, self.prompt.text(description))
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        let answer = self.prompt.secret(description);
        let answer = answer.map(|answer| SecretString::from(answer.expose().to_owned()));
        self.noted(description, answer)
    }
}

/// Reads `AGE-PLUGIN-…`; returns also the name of the program.
pub(crate) fn identity(
    text: &str,
    prompt: &Arc<dyn Prompt>,
) -> Option<(Arc<dyn age::Identity + Send + Sync>, String)> {
    let identity = Identity::from_str(text).ok()?;
    let program = format!("age-plugin-{}", identity.plugin());
    let key = Key {
        identity: Mutex::new(identity),
        prompt: Arc::clone(prompt),
    };
    Some((Arc::new(key), program))
}

/// Reads `age1NAME1…`.
pub(crate) fn recipient(text: &str) -> Result<Box<dyn age::Recipient>, SopsError> {
    let recipient = Recipient::from_str(text).map_err(|_| SopsError::BadRecipient { index: 1 })?;
    let plugin = recipient.plugin().to_owned();
    // To encrypt, no token is needed.
    let nobody: Arc<dyn Prompt> = Arc::new(Nobody);
    match RecipientPluginV1::new(&plugin, &[recipient], &[], Voice::of(&nobody)) {
        Ok(plugin) => Ok(Box::new(plugin)),
        Err(ResolveError::MissingPlugin { binary_name }) => {
            Err(SopsError::MissingPlugin { program: binary_name })
        }
        Err(_) => Err(SopsError::BadRecipient { index: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::post_quantum;
    use super::*;
    use crate::keys::identities::Identities;
    use crate::keys::key::{self, generate_identity};

    /// A key of the plugin `nowhere`, which nobody has.
    fn missing() -> String {
        let hrp = bech32::Hrp::parse("AGE-PLUGIN-NOWHERE-").unwrap();
        bech32::encode_upper::<bech32::Bech32>(hrp, b"anything").unwrap()
    }

    #[test]
    fn a_missing_program_is_named_and_hides_no_other_key() {
        let (private, public) = generate_identity();
        let recipient = key::Recipient::new(&public).unwrap();
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
            key::Recipient::new(&text).unwrap_err(),
            SopsError::MissingPlugin {
                program: "age-plugin-nowhere".to_owned()
            }
        );
        assert!(!text.starts_with(post_quantum::RECIPIENT_PREFIX));
    }
}
