//! Two versions of a SOPS file, told by keys.

use crate::diff::redact::{KeyDiff, compare};
use crate::sops::{self, Identities, MacCheck};
use crate::sys::SecretText;

/// Returns what differs: by value when both can be opened, so that a rotation shows no change; else by ciphertext.
pub fn keys(old: Option<&str>, new: Option<&str>, identities: &Identities) -> KeyDiff {
    let opened = |text: Option<&str>| text.map(|text| clear(text, identities)).transpose();
    match (opened(old), opened(new)) {
        (Ok(one), Ok(other)) => {
            let bytes =
                |text: &Option<SecretText>| text.as_ref().map(|text| text.expose().as_bytes().to_vec());
            let (one, other) = (
                zeroize::Zeroizing::new(bytes(&one)),
                zeroize::Zeroizing::new(bytes(&other)),
            );
            let mut diff = compare(one.as_deref(), other.as_deref());
            let sealed = compare(old.map(str::as_bytes), new.map(str::as_bytes));
            diff.notes.extend(sealed.notes);
            diff.notes.dedup();
            diff
        }
        _ => compare(old.map(str::as_bytes), new.map(str::as_bytes)),
    }
}

/// Decrypts a text; one that is no SOPS file is clear already.
///
/// # Errors
/// When it cannot be opened.
pub fn clear(text: &str, identities: &Identities) -> Result<SecretText, sops::SopsError> {
    match sops::decrypt(text, identities, MacCheck::Verify) {
        Err(sops::SopsError::NotEncrypted) => Ok(SecretText::new(text.to_owned())),
        other => other,
    }
}
