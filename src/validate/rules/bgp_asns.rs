//! The session with the router is eBGP: the AS numbers differ.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::model::Asn;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "bgp_asns",
    codes: &["config/same-asn"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let router = facts.get::<Asn>("/cilium_bgp_router_asn");
    let node = facts.get::<Asn>("/cilium_bgp_node_asn");
    let (Some(router), Some(node)) = (router, node) else {
        return;
    };
    if router.value == node.value {
        let message = format!("router and nodes have the same AS number, {}", node.value);
        let finding = Diagnostic::error("config/same-asn", message);
        let finding = about_two(finding, &router, &node, ["the router's", "the nodes'"]);
        let other = if router.value.0 == 64514 { 64515 } else { 64514 };
        out.push(finding.help(format!(
            "give the nodes another one: `cilium_bgp_node_asn: \"{other}\"`"
        )));
    }
}
