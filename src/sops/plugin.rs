//! Keys that a program `age-plugin-NAME` holds, such as a `YubiKey`'s. Only with the cargo feature `plugin`.

use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use age::plugin::{Identity, IdentityPluginV1, Recipient, RecipientPluginV1};
use age_core::format::{FileKey, Stanza};

use super::question::Question;

/// A plugin's key. The program is looked for when the key is needed: without it, other keys still work.
struct Key(Mutex<Identity>);

impl age::Identity for Key {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let identity = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let identities = std::slice::from_ref(&*identity);
        let plugin = IdentityPluginV1::new(identity.plugin(), identities, Question::silent()).ok()?;
        plugin.unwrap_stanza(stanza)
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, age::DecryptError>> {
        let identity = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let identities = std::slice::from_ref(&*identity);
        let plugin = IdentityPluginV1::new(identity.plugin(), identities, Question::silent()).ok()?;
        age::Identity::unwrap_stanzas(&plugin, stanzas)
    }
}

/// Reads `AGE-PLUGIN-…`.
pub(super) fn identity(text: &str) -> Option<Arc<dyn age::Identity + Send + Sync>> {
    let identity = Identity::from_str(text).ok()?;
    Some(Arc::new(Key(Mutex::new(identity))))
}

/// Reads `age1NAME1…`; `None` also when there is no program for it.
pub(super) fn recipient(text: &str) -> Option<Box<dyn age::Recipient>> {
    let recipient = Recipient::from_str(text).ok()?;
    let plugin = recipient.plugin().to_owned();
    let plugin = RecipientPluginV1::new(&plugin, &[recipient], &[], Question::silent()).ok()?;
    Some(Box::new(plugin))
}
