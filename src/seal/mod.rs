//! Stage 6, `seal`: replaces secret tokens inside encrypted scopes and encrypts, keeping every ciphertext whose
//! plaintext, recipients and rule have not changed.

/// Marks a tree whose secrets are encrypted; only this stage makes one.
#[derive(Debug)]
pub struct Sealed(());

impl Sealed {
    /// Returns the marker without sealing. Only for tests of the stages behind this one.
    #[doc(hidden)]
    pub fn for_tests() -> Self {
        Self(())
    }
}
