//! SSH keys as age identities. Only with the cargo feature `ssh`.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use age::DecryptError;
use age::secrecy::SecretString;
use age::ssh::Identity;
use age_core::format::{FileKey, Stanza};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::error::SopsError;
use crate::keys::identities::{NOBODY_TO_ASK, WRONG_PASSPHRASE};
use crate::keys::key::Recipient;
use crate::keys::prompt::Prompt;

/// The key of an SSH private key file.
struct Key {
    name: String,
    prompt: Arc<dyn Prompt>,
    /// How stanzas name it.
    tag: String,
    /// The crate's type cannot be shared between threads, so it stands behind a lock. An error says why a key behind a
    /// passphrase stays closed: nobody is asked twice.
    state: Mutex<Result<Identity, &'static str>>,
}

impl age::Identity for Key {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.args.first() != Some(&self.tag) {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(Identity::Encrypted(locked)) = &*state {
            *state = match self.prompt.passphrase(&self.name) {
                Some(passphrase) => locked
                    .decrypt(SecretString::from(passphrase.expose().to_owned()))
                    .map(Identity::from)
                    .map_err(|_| WRONG_PASSPHRASE),
                None => Err(NOBODY_TO_ASK),
            };
        }
        match &*state {
            Ok(identity) => identity.unwrap_stanza(stanza),
            Err(why) => Some(Err(DecryptError::Io(io::Error::other(*why)))),
        }
    }
}

/// Reads an SSH private key; a passphrase is asked for when a file is encrypted for the key.
pub(crate) fn read(
    file: &[u8],
    name: &str,
    prompt: &Arc<dyn Prompt>,
) -> Result<(Arc<dyn age::Identity + Send + Sync>, Recipient), SopsError> {
    let unusable = || SopsError::LockedIdentity {
        name: name.to_owned(),
        what: "is an SSH key of a kind that age cannot use",
    };
    let key =
        Identity::from_buffer(file, Some(name.to_owned())).map_err(|_| SopsError::BadIdentity { line: 1 })?;
    let recipient = age::ssh::Recipient::try_from(key.clone()).map_err(|_| unusable())?;
    let recipient = Recipient::of_identity(recipient.to_string());
    let tag = tag(recipient.as_str()).ok_or_else(unusable)?;
    let key = Key {
        name: name.to_owned(),
        prompt: Arc::clone(prompt),
        tag,
        state: Mutex::new(Ok(key)),
    };
    Ok((Arc::new(key), recipient))
}

/// Returns what stanzas for a recipient have as their first argument: four bytes of the hash of the public key.
fn tag(recipient: &str) -> Option<String> {
    let key = STANDARD.decode(recipient.split(' ').nth(1)?).ok()?;
    Some(STANDARD_NO_PAD.encode(&Sha256::digest(key)[..4]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::identities::Identities;
    use crate::keys::key::{self, generate_identity};
    use crate::keys::prompt::{Answers, Nobody};

    const OPEN: &[u8] = include_bytes!("../../../../tests/support/github-deploy.key");
    /// Behind the passphrase `test`.
    const LOCKED: &[u8] = include_bytes!("../../../../tests/support/passphrase.key");

    fn wrap(identities: &Identities) -> String {
        let public = identities.recipients().remove(0);
        assert!(public.as_str().starts_with("ssh-ed25519 "));
        key::wrap(&[9; 32], &Recipient::new(public.as_str()).unwrap()).unwrap()
    }

    #[test]
    fn a_key_of_ssh_opens_what_is_wrapped_for_it() {
        let nobody: Arc<dyn Prompt> = Arc::new(Nobody);
        let me = Identities::read(OPEN, "id_ed25519", &nobody).unwrap();
        let wrapped = wrap(&me);
        assert_eq!(*me.unwrap([("", wrapped.as_str())].into_iter()).unwrap(), [9; 32]);
    }

    #[test]
    fn a_passphrase_is_asked_for_once_and_only_for_files_of_the_key() {
        let asked = Arc::new(Mutex::new(0));
        let count = Arc::clone(&asked);
        let prompt: Arc<dyn Prompt> = Arc::new(Answers(move |question: &str| {
            assert_eq!(question, "Passphrase for id_ed25519");
            *count.lock().unwrap() += 1;
            Some("test")
        }));
        let me = Identities::read(LOCKED, "id_ed25519", &prompt).unwrap();
        let (_, other) = generate_identity();
        let theirs = key::wrap(&[8; 32], &Recipient::new(&other).unwrap()).unwrap();
        assert!(me.unwrap([("", theirs.as_str())].into_iter()).is_err());
        assert_eq!(*asked.lock().unwrap(), 0);
        let wrapped = wrap(&me);
        for _ in 0..2 {
            assert_eq!(*me.unwrap([("", wrapped.as_str())].into_iter()).unwrap(), [9; 32]);
        }
        assert_eq!(*asked.lock().unwrap(), 1);
    }

    #[test]
    fn a_key_that_stays_closed_says_why_and_hides_no_other() {
        for (answer, why) in [(None, NOBODY_TO_ASK), (Some("wrong"), WRONG_PASSPHRASE)] {
            let prompt: Arc<dyn Prompt> = Arc::new(Answers(move |_: &str| answer));
            let mut me = Identities::read(LOCKED, "id_ed25519", &prompt).unwrap();
            let wrapped = wrap(&me);
            let error = me.unwrap([("", wrapped.as_str())].into_iter()).unwrap_err();
            let SopsError::NoIdentityMatches { tried, .. } = error else {
                panic!("{error:?}")
            };
            assert_eq!(tried, [format!("`id_ed25519` {why}")]);
            let (private, public) = generate_identity();
            let other = key::wrap(&[7; 32], &Recipient::new(&public).unwrap()).unwrap();
            me.extend(Identities::parse(private.expose()).unwrap());
            let both = [("", wrapped.as_str()), ("", other.as_str())];
            assert_eq!(*me.unwrap(both.into_iter()).unwrap(), [7; 32]);
        }
    }
}
