//! A volume on Proxmox storage finds its node by the labels that say which host the node runs on.

use super::{KeyRule, listed};
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "proxmox_host",
    codes: &["config/unknown-proxmox-host"],
    check,
};

/// How many nodes are underlined; the message names them all.
const SHOWN: usize = 3;

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    if !facts.is_on("proxmox_csi_enabled") || facts.is_on("proxmox_ccm_enabled") {
        return;
    }
    let missing: Vec<usize> = (0..facts.node_count())
        .filter(|index| !facts.node_has(*index, "proxmox_host"))
        .collect();
    if missing.is_empty() {
        return;
    }
    let names: Vec<String> = missing.iter().map(|index| facts.node_name(*index)).collect();
    let message = format!(
        "no volume of `proxmox_csi_enabled` finds its node: nothing says which Proxmox host runs {}",
        names.join(", ")
    );
    let mut finding = Diagnostic::error("config/unknown-proxmox-host", message)
        .at_opt(facts.key_span("proxmox_csi_enabled"), "switched on here");
    let places = missing
        .iter()
        .filter_map(|index| facts.get::<String>(&format!("/nodes/{index}/name"))?.span);
    for place in places.take(SHOWN) {
        finding = finding.also(place, "has no `proxmox_host`");
    }
    let tokens = ["proxmox_ccm_token_id", "proxmox_ccm_token_secret"];
    out.push(
        finding
            .help("add `proxmox_host: NAME` to each of them, with the name that Proxmox gives the host")
            .help(format!(
                "or write `proxmox_ccm_enabled: true` with {}, which finds it out",
                listed(&tokens)
            )),
    );
}
