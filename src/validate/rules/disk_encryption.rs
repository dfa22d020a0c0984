//! Without Secure Boot, whoever holds the machine can start another system and ask the TPM for the disk's key.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "disk_encryption",
    codes: &["config/weak-disk-encryption"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    for (index, encrypted) in facts.nodes::<bool>("encrypt_disk") {
        let secureboot = facts.get::<bool>(&format!("/nodes/{index}/secureboot"));
        if !encrypted.value || secureboot.is_none_or(|flag| flag.value) {
            continue;
        }
        let message = format!(
            "the disk of {} is encrypted, but the machine starts without Secure Boot",
            facts.node_name(index)
        );
        out.push(
            Diagnostic::warning("config/weak-disk-encryption", message)
                .at_opt(
                    encrypted.span,
                    "its key is given to any system that starts on the machine",
                )
                .help("add `secureboot: true`, and install the node from the Secure Boot image"),
        );
    }
}
