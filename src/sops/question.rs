//! What the `age` crate asks a person on behalf of SSH keys and plugins.

use age::Callbacks;
use age::secrecy::SecretString;

use super::identities::Ask;

/// Answers the questions about one key.
#[derive(Clone)]
pub(super) struct Question {
    name: String,
    ask: Option<Ask>,
}

impl Question {
    /// Passes requests for a passphrase on to the person.
    #[cfg(feature = "ssh")]
    pub(super) fn new(name: &str, ask: &Ask) -> Self {
        Self {
            name: name.to_owned(),
            ask: Some(std::sync::Arc::clone(ask)),
        }
    }

    /// Answers nothing: a plugin then uses its own ways to ask.
    #[cfg(feature = "plugin")]
    pub(super) fn silent() -> Self {
        Self {
            name: String::new(),
            ask: None,
        }
    }
}

impl Callbacks for Question {
    fn display_message(&self, _message: &str) {}

    fn confirm(&self, _message: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _description: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _description: &str) -> Option<SecretString> {
        let ask = self.ask.as_ref()?;
        ask(&self.name).map(|text| SecretString::from(text.expose().to_owned()))
    }
}
