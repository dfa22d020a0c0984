//! UniFi DNS needs both its URL and its key.

use super::{KeyRule, all_or_none};
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "unifi_pair",
    codes: &["config/incomplete-unifi"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    all_or_none(
        facts,
        &["unifi_host", "unifi_api_key"],
        "config/incomplete-unifi",
        "UniFi DNS",
        out,
    );
}
