//! The API address lies in `node_cidr`; load balancer addresses lie in the pool they are handed out from.

use super::{KeyRule, LB_ADDRESSES};
use crate::diag::Diagnostic;
use crate::model::{Cidr, Ipv4};
use crate::validate::facts::{Fact, Facts};

pub(super) const RULE: KeyRule = KeyRule {
    name: "addresses_placed",
    codes: &["config/address-outside-network"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let nodes = facts.get::<Cidr>("/node_cidr");
    if let (Some(api), Some(nodes)) = (facts.get::<Ipv4>("/cluster_api_addr"), &nodes) {
        out.extend(misplaced(&api, nodes));
    }
    // An invalid pool has its own finding; falling back to the node network would then mislead.
    let pool = if facts.has("cilium_lb_pool_cidr") {
        facts.get("/cilium_lb_pool_cidr")
    } else {
        nodes
    };
    let Some(pool) = pool else { return };
    for key in LB_ADDRESSES {
        let address = facts.get::<Ipv4>(&format!("/{key}"));
        out.extend(address.and_then(|address| misplaced(&address, &pool)));
    }
}

/// Reports an address that no host in the network can have.
fn misplaced(address: &Fact<Ipv4>, network: &Fact<Cidr>) -> Option<Diagnostic> {
    if network.value.is_host(address.value) {
        return None;
    }
    let message = if network.value.contains(address.value) {
        format!(
            "{} is the first or last address of {}, which no host can have",
            address.named(),
            network.named()
        )
    } else {
        format!("{} is outside {}", address.named(), network.named())
    };
    let finding = Diagnostic::error("config/address-outside-network", message)
        .at_opt(address.span, format!("not an address of `{}`", network.key));
    let finding = match network.span {
        Some(span) => finding.also(span, "the network"),
        None => finding,
    };
    let (first, last) = (network.value.0.hosts().next(), network.value.0.hosts().last());
    let range = first
        .zip(last)
        .map(|(first, last)| format!(", {first} to {last}"))
        .unwrap_or_default();
    Some(finding.help(format!("choose an unused address in {}{range}", network.value)))
}
