//! SSH keys as age identities. Only with the cargo feature `ssh`.

use std::sync::{Arc, Mutex, PoisonError};

use age_core::format::{FileKey, Stanza};

use super::error::SopsError;
use super::identities::Ask;
use super::key::Recipient;
use super::question::Question;

/// The key of an SSH private key file. The crate's type cannot be shared between threads, so it stands behind a lock.
struct Key(Mutex<Box<dyn age::Identity + Send>>);

impl age::Identity for Key {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let key = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        key.unwrap_stanza(stanza)
    }
}

/// Reads an SSH private key; a passphrase is asked for when the key is needed.
pub(super) fn read(
    file: &[u8],
    name: &str,
    ask: &Ask,
) -> Result<(Arc<dyn age::Identity + Send + Sync>, Option<Recipient>), SopsError> {
    let bad = |_| SopsError::BadIdentity { line: 1 };
    let key = age::ssh::Identity::from_buffer(file, Some(name.to_owned())).map_err(bad)?;
    if let age::ssh::Identity::Unsupported(_) = key {
        return Err(SopsError::LockedIdentity {
            name: name.to_owned(),
            what: "is an SSH key of a kind that age cannot use",
        });
    }
    let recipient = age::ssh::Recipient::try_from(key.clone()).ok();
    let recipient = recipient.map(|recipient| Recipient::of_identity(recipient.to_string()));
    let key = key.with_callbacks(Question::new(name, ask));
    Ok((Arc::new(Key(Mutex::new(Box::new(key)))), recipient))
}

#[cfg(test)]
mod tests {
    use super::super::identities::Identities;
    use super::super::key::wrap;
    use super::*;

    #[test]
    fn a_key_of_ssh_opens_what_is_wrapped_for_it() {
        let private = include_bytes!("../../tests/support/github-deploy.key");
        let ask: Ask = Arc::new(|_| None);
        let me = Identities::read(private, "id_ed25519", &ask).unwrap();
        let public = me.recipients().remove(0);
        assert!(public.as_str().starts_with("ssh-ed25519 "));
        let wrapped = wrap(&[9; 32], &Recipient::new(public.as_str()).unwrap()).unwrap();
        assert_eq!(*me.unwrap([("", wrapped.as_str())].into_iter()).unwrap(), [9; 32]);
    }
}
