//! The Proxmox cloud controller manager needs a login.

use super::{KeyRule, needs};
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "proxmox_ccm",
    codes: &["config/incomplete-proxmox-ccm"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let keys = [
        "proxmox_endpoint",
        "proxmox_ccm_token_id",
        "proxmox_ccm_token_secret",
    ];
    if facts.is_on("proxmox_ccm_enabled") {
        needs(
            facts,
            "proxmox_ccm_enabled",
            &keys,
            "config/incomplete-proxmox-ccm",
            out,
        );
    }
}
