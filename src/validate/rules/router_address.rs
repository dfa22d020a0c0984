//! The routers lie in `node_cidr`, and their addresses are nobody else's.
//!
//! An address of a router that a gateway, a node or the API announces by ARP takes the whole network from its router.

use super::{KeyRule, LB_ADDRESSES};
use crate::diag::Diagnostic;
use crate::model::{Cidr, Ipv4};
use crate::validate::facts::{Fact, Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "router_address",
    codes: &["config/router-address-taken", "config/router-outside-network"],
    check,
};

/// The key of the nodes' default gateway.
const GATEWAY: &str = "node_default_gateway";

/// The key of the router that speaks BGP.
const BGP: &str = "cilium_bgp_router_addr";

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let network = facts.get::<Cidr>("/node_cidr");
    let written: Vec<Fact<Ipv4>> = [GATEWAY, BGP]
        .iter()
        .filter_map(|key| facts.written(&format!("/{key}")))
        .collect();
    if let Some(network) = &network {
        out.extend(written.iter().filter_map(|router| outside(router, network)));
    }
    // An invalid gateway has its own finding; the first address would then be a guess.
    let gateway = if facts.has(GATEWAY) {
        None
    } else {
        network.as_ref().and_then(by_default)
    };
    let mut routers: Vec<Fact<Ipv4>> = gateway.into_iter().chain(written).collect();
    routers.dedup_by_key(|router| router.value);
    for (what, key, user) in users(facts) {
        if let Some(router) = routers.iter().find(|router| router.value == user.value) {
            out.push(taken(&what, &key, &user, router));
        }
    }
}

/// The address that the router is taken to have; its place is that of the network which it is computed from.
fn by_default(network: &Fact<Cidr>) -> Option<Fact<Ipv4>> {
    Some(Fact {
        value: network.value.router()?,
        key: network.key.clone(),
        span: network.span,
    })
}

/// Everything that has an address of its own: how messages call it, its key, the address.
fn users(facts: &Facts<'_>) -> Vec<(String, String, Fact<Ipv4>)> {
    let keys = std::iter::once("cluster_api_addr").chain(LB_ADDRESSES);
    let keys = keys.filter_map(|key| {
        let address = facts.get::<Ipv4>(&format!("/{key}"))?;
        Some((format!("`{key}`"), key.to_owned(), address))
    });
    let nodes = facts.nodes::<Ipv4>("address");
    let nodes = nodes
        .into_iter()
        .map(|(index, address)| (facts.node_name(index), "address".to_owned(), address));
    keys.chain(nodes).collect()
}

fn taken(what: &str, key: &str, user: &Fact<Ipv4>, router: &Fact<Ipv4>) -> Diagnostic {
    let is_default = router.key == "node_cidr";
    let whose = if is_default {
        format!(
            "the first address of `{}`, which the router has unless `{GATEWAY}` says otherwise",
            router.key
        )
    } else {
        format!("the address of the router, `{}`", router.key)
    };
    let message = format!("{what} has {}, {whose}", user.value);
    let finding = Diagnostic::error("config/router-address-taken", message);
    let finding = about_two(finding, router, user, ["the router's", "used here"]);
    let finding = finding.note("whoever answers for this address cuts the network off from its router");
    if is_default {
        finding.help(format!(
            "write another `{key}`; if the router has another address, write that one as `{GATEWAY}`"
        ))
    } else {
        finding.help(format!("write another `{key}`, or correct `{}`", router.key))
    }
}

fn outside(router: &Fact<Ipv4>, network: &Fact<Cidr>) -> Option<Diagnostic> {
    if network.value.is_host(router.value) {
        return None;
    }
    let message = format!(
        "{} is no address of a machine in {}: the nodes reach no router there",
        router.named(),
        network.named()
    );
    let finding = Diagnostic::error("config/router-outside-network", message);
    let finding = about_two(finding, network, router, ["the network", "not an address of it"]);
    Some(finding.help(match network.value.router() {
        Some(first) => format!(
            "write the router's address in this network, such as `{}: {first}`",
            router.key
        ),
        None => format!("correct `{}` or `{}`", router.key, network.key),
    }))
}
