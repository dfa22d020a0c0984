//! A session should survive two lost keepalives (RFC 4271 suggests a third of the hold time between them).

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "bgp_timers",
    codes: &["config/short-hold-time"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let hold = facts.get::<u16>("/cilium_bgp_hold_time");
    let keepalive = facts.get::<u16>("/cilium_bgp_keepalive_time");
    let (Some(hold), Some(keepalive)) = (hold, keepalive) else {
        return;
    };
    let least = 3 * keepalive.value;
    if hold.value < least {
        let message = format!("{} is less than three times {}", hold.named(), keepalive.named());
        let finding = Diagnostic::warning("config/short-hold-time", message);
        let finding = about_two(
            finding,
            &hold,
            &keepalive,
            [
                "seconds until the session is lost",
                "seconds between signs of life",
            ],
        );
        out.push(finding.help(format!(
            "write `cilium_bgp_hold_time: {}`, or a shorter `cilium_bgp_keepalive_time`",
            least.min(300)
        )));
    }
}
