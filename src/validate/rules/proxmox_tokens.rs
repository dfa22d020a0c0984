//! A token that makes volumes has more rights than one that reads machines should have.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::model::ProxmoxTokenId;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "proxmox_tokens",
    codes: &["config/shared-proxmox-token"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let csi = facts.get::<ProxmoxTokenId>("/proxmox_csi_token_id");
    let ccm = facts.get::<ProxmoxTokenId>("/proxmox_ccm_token_id");
    let (Some(csi), Some(ccm)) = (csi, ccm) else {
        return;
    };
    if csi.value == ccm.value {
        let finding = Diagnostic::warning(
            "config/shared-proxmox-token",
            "volumes and node metadata use the same Proxmox token",
        );
        let finding = about_two(finding, &csi, &ccm, ["makes volumes", "only reads machines"]);
        out.push(finding.help(
            "make a second token in Proxmox, with the right `VM.Audit` alone, for `proxmox_ccm_token_id`",
        ));
    }
}
