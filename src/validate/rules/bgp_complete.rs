//! BGP needs the router's address and both AS numbers.

use super::{BGP_SWITCHES, KeyRule, all_or_none};
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "bgp_complete",
    codes: &["config/incomplete-bgp"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    all_or_none(facts, &BGP_SWITCHES, "config/incomplete-bgp", "BGP", out);
}
