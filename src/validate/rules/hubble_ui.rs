//! The web page of Hubble shows what Hubble sees.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "hubble_ui",
    codes: &["config/needs-hubble"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let hubble = facts.get::<bool>("/hubble_enabled").filter(|flag| !flag.value);
    let ui = facts
        .written::<bool>("/hubble_ui_enabled")
        .filter(|flag| flag.value);
    let (Some(hubble), Some(ui)) = (hubble, ui) else {
        return;
    };
    let finding = Diagnostic::error(
        "config/needs-hubble",
        "`hubble_ui_enabled` needs `hubble_enabled`, which is off",
    );
    let finding = about_two(finding, &hubble, &ui, ["switched off here", "switched on here"]);
    let monitoring = facts
        .get::<bool>("/monitoring_enabled")
        .filter(|flag| !flag.value);
    // Hubble itself needs it.
    out.push(finding.help(match monitoring {
        Some(_) => {
            "write `monitoring_enabled: true` and `hubble_enabled: true`, or `hubble_ui_enabled: false`"
        }
        None => "write `hubble_enabled: true`, or `hubble_ui_enabled: false`",
    }));
}
