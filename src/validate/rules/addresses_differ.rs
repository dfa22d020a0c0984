//! API and load balancer addresses must be pairwise different.

use super::{KeyRule, LB_ADDRESSES};
use crate::diag::Diagnostic;
use crate::model::Ipv4;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "addresses_differ",
    codes: &["config/duplicate-address"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let addresses: Vec<_> = std::iter::once("cluster_api_addr")
        .chain(LB_ADDRESSES)
        .filter_map(|key| facts.get::<Ipv4>(&format!("/{key}")))
        .collect();
    for (index, second) in addresses.iter().enumerate() {
        let Some(first) = addresses[..index]
            .iter()
            .find(|first| first.value == second.value)
        else {
            continue;
        };
        let message = format!("`{}` and `{}` are both {}", first.key, second.key, first.value);
        let finding = Diagnostic::error("config/duplicate-address", message);
        let finding = about_two(finding, first, second, ["used here", "and here"]);
        out.push(finding.help(format!("give `{}` an address of its own", second.key)));
    }
}
