//! The MAC over a file: SHA-512 over plaintext values in document order.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256, Sha512};

use crate::text::value::Plain;

/// A running MAC. Its state holds the end of the plaintext; it lies on the heap, so that moving it leaves no copies.
pub(crate) struct Mac {
    hash: Box<Sha512>,
    only_encrypted: bool,
}

impl Mac {
    /// Starts a MAC. With `only_encrypted`, values outside the encrypted scope do not count, and the hash starts
    /// with a constant so that the two modes never agree (getsops/sops `MACOnlyEncryptedInitialization`).
    pub(crate) fn new(only_encrypted: bool) -> Self {
        let mut hash = Box::new(Sha512::new());
        if only_encrypted {
            hash.update(Sha256::digest(b"sops"));
        }
        Self { hash, only_encrypted }
    }

    /// Returns whether a value counts.
    pub(crate) fn counts(&self, in_scope: bool) -> bool {
        in_scope || !self.only_encrypted
    }

    /// Adds a value, if it counts.
    pub(crate) fn add(&mut self, in_scope: bool, plain: &Plain) {
        if self.counts(in_scope) {
            self.hash.update(&*plain.bytes);
        }
    }

    /// Returns the MAC as SOPS writes it: upper-case hexadecimal.
    pub(crate) fn finish(mut self) -> String {
        self.hash
            .finalize_reset()
            .iter()
            .fold(String::with_capacity(128), |mut text, byte| {
                let _ = write!(text, "{byte:02X}");
                text
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::selector::{Scope, Selector};
    use crate::text::document::Documents;
    use crate::text::typing::Typed;
    use crate::text::walk::walk;

    fn mac(only_encrypted: bool) -> String {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: x, ok: true, h: 0x1F, f: 1.50, d: 2024-01-01}\nstringData: {password: hunter2, e: \"\", z: null}\n";
        let docs = Documents::parse(text).unwrap();
        let scope = Scope::new(&Selector::EncryptedRegex("^(data|stringData)$".to_owned())).unwrap();
        let mut mac = Mac::new(only_encrypted);
        for leaf in walk(&docs, &scope, false).unwrap().leaves {
            if let Typed::Value(plain) = &leaf.typed {
                mac.add(leaf.in_scope, plain);
            }
        }
        mac.finish()
    }

    #[test]
    fn agrees_with_sops_in_both_modes() {
        assert_eq!(
            mac(false),
            "A4F0BE7BDE1EBAC541B5567A58302D382E03CCAF5C061A07EEBBA782DD6EED73243432CCA175649522C8D9D07EB1B97D9A87393D73B69E4E63E24DFD5B1056C8"
        );
        assert_eq!(
            mac(true),
            "31CD661315959FEF3255F3440FA54D16E94E02DADFA16194DD9BACD1EE88156146C2BFF940C0B3598DD8237955BE84FD84FA02872113F896DCB51A6E4473008A"
        );
    }
}
