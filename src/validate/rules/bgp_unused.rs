//! The other BGP keys have no effect while BGP is off.

use super::{BGP_SWITCHES, KeyRule};
use crate::config::schema;
use crate::diag::Diagnostic;
use crate::validate::facts::Facts;

pub(super) const RULE: KeyRule = KeyRule {
    name: "bgp_unused",
    codes: &["config/unused-bgp-key"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    // Half-set BGP has its own finding.
    if BGP_SWITCHES.iter().any(|key| facts.has(key)) {
        return;
    }
    for key in schema::keys().top().filter(|key| key.starts_with("cilium_bgp_")) {
        if let Some(span) = facts.key_span(key) {
            out.push(
                Diagnostic::error("config/unused-bgp-key", format!("`{key}` is set, but BGP is off"))
                    .at(span, "has no effect")
                    .help(format!(
                        "remove `{key}`, or set `cilium_bgp_router_addr`, `cilium_bgp_router_asn` and `cilium_bgp_node_asn`"
                    )),
            );
        }
    }
}
