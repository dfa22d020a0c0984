//! A node's address lies in `node_cidr` and is not promised to something else.

use super::{KeyRule, LB_ADDRESSES};
use crate::diag::Diagnostic;
use crate::model::{Cidr, Ipv4};
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "node_addresses",
    codes: &["config/node-outside-network", "config/node-address-taken"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let network = facts.get::<Cidr>("/node_cidr");
    let taken: Vec<_> = std::iter::once("cluster_api_addr")
        .chain(LB_ADDRESSES)
        .filter_map(|key| facts.get::<Ipv4>(&format!("/{key}")))
        .collect();
    for (index, address) in facts.nodes::<Ipv4>("address") {
        let node = facts.node_name(index);
        if let Some(network) = network
            .as_ref()
            .filter(|network| !network.value.is_host(address.value))
        {
            let message = format!(
                "{node} has the address {}, which no host in {} has",
                address.value,
                network.named()
            );
            let finding = Diagnostic::error("config/node-outside-network", message);
            let finding = about_two(
                finding,
                network,
                &address,
                ["the network", "not an address of it"],
            );
            out.push(finding.help("correct the node's `address`, or `node_cidr`"));
        }
        if let Some(other) = taken.iter().find(|other| other.value == address.value) {
            let message = format!("{node} has the address of `{}`, {}", other.key, other.value);
            let finding = Diagnostic::error("config/node-address-taken", message);
            let finding = about_two(finding, other, &address, ["promised here", "and used here"]);
            out.push(finding.help(format!(
                "give the node an address of its own, or change `{}`",
                other.key
            )));
        }
    }
}
