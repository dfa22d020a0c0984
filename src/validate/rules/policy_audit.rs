//! Hubble alone keeps what enforcing would drop.

use super::{KeyRule, listed};
use crate::config::PolicyMode;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "policy_audit",
    codes: &["config/blind-audit"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let audit = facts
        .get::<PolicyMode>("/network_policies_mode")
        .is_some_and(|mode| mode.value == PolicyMode::Audit);
    let hubble = facts.get::<bool>("/hubble_enabled").is_none_or(|flag| flag.value);
    if !facts.is_on("network_policies_enabled") || !audit || hubble {
        return;
    }
    let switches = ["monitoring_enabled: true", "hubble_enabled: true"];
    let missing = if facts.is_on("monitoring_enabled") {
        &switches[1..]
    } else {
        &switches[..]
    };
    let place = ["network_policies_mode", "network_policies_enabled"]
        .iter()
        .find_map(|key| facts.key_span(key));
    out.push(
        Diagnostic::warning(
            "config/blind-audit",
            "the network policies only audit, and without Hubble nothing keeps what they would drop",
        )
        .at_opt(place, "nothing is dropped, and nothing is recorded")
        .help(format!(
            "write {}; `docs/verify.md` tells how to look, also without Hubble",
            listed(missing)
        )),
    );
}
