//! Serving certificates of kubelets need somebody who approves them.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "kubelet_certificates",
    codes: &["config/unapproved-kubelet-certificates"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let on = |key: &str| facts.get::<bool>(&format!("/{key}")).filter(|flag| flag.value);
    let (Some(certificates), Some(ccm)) = (on("kubelet_serving_certificates"), on("proxmox_ccm_enabled"))
    else {
        return;
    };
    let finding = Diagnostic::error(
        "config/unapproved-kubelet-certificates",
        "`kubelet_serving_certificates` needs talos-ccm, which does not run beside `proxmox_ccm_enabled`",
    );
    let labels = ["takes its place", "nobody would approve them"];
    out.push(
        about_two(finding, &ccm, &certificates, labels)
            .help("remove `kubelet_serving_certificates`, or `proxmox_ccm_enabled`"),
    );
}
