//! How a file is to be encrypted.

use crate::error::SopsError;
use crate::format::Format;
use crate::keys::groups::KeyGroups;
use crate::keys::key::Recipient;
use crate::rules::selector::{Scope, Selector};

/// How a file is to be encrypted: for whom, which values, and what the MAC covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionRule {
    /// Who can open the file; order and repetition mean nothing.
    pub recipients: Vec<Recipient>,
    /// Which values are encrypted.
    pub selector: Selector,
    /// Whether values outside the selector are left out of the MAC.
    pub mac_only_encrypted: bool,
    /// Indentation of the `sops` block in spaces. JSON keeps that of its text; in binary files, 0 is a tab.
    pub indent: usize,
    /// Groups whose keys must come together; `recipients` then lists the keys of all of them.
    pub groups: Option<KeyGroups>,
}

impl EncryptionRule {
    /// Makes the rule for Kubernetes Secrets: `data` and `stringData` encrypted, MAC over these alone, two spaces.
    pub fn secrets(recipients: Vec<Recipient>) -> Self {
        Self {
            recipients,
            selector: Selector::EncryptedRegex("^(data|stringData)$".to_owned()),
            mac_only_encrypted: true,
            indent: 2,
            groups: None,
        }
    }

    /// Returns the compiled selector if files can be written with this rule.
    pub(crate) fn writable(&self, format: Format) -> Result<Scope, SopsError> {
        if self.recipients.is_empty() {
            return Err(SopsError::NoRecipients);
        }
        Scope::of(format, &self.selector)
    }
}
