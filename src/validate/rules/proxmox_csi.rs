//! Volumes on Proxmox need a login and a storage.

use super::{KeyRule, needs};
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "proxmox_csi",
    codes: &["config/incomplete-proxmox-csi"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let keys = [
        "proxmox_endpoint",
        "proxmox_csi_token_id",
        "proxmox_csi_token_secret",
        "proxmox_csi_storage",
    ];
    if facts.is_on("proxmox_csi_enabled") {
        needs(
            facts,
            "proxmox_csi_enabled",
            &keys,
            "config/incomplete-proxmox-csi",
            out,
        );
    }
}
