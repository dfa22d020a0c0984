//! No two nodes share a name, an address or a network card.

use std::collections::BTreeMap;

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::validate::facts::{Fact, Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "node_uniqueness",
    codes: &[
        "config/duplicate-node-name",
        "config/duplicate-node-address",
        "config/duplicate-node-mac",
    ],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    for (key, code, what) in [
        ("name", "config/duplicate-node-name", "the name"),
        ("address", "config/duplicate-node-address", "the address"),
        ("mac_addr", "config/duplicate-node-mac", "the MAC address"),
    ] {
        let mut seen: BTreeMap<String, Fact<String>> = BTreeMap::new();
        for (_, second) in facts.nodes::<String>(key) {
            let Some(first) = seen.get(&second.value) else {
                seen.insert(second.value.clone(), second);
                continue;
            };
            let message = format!("two nodes have {what} `{}`", second.value);
            let finding = about_two(
                Diagnostic::error(code, message),
                first,
                &second,
                ["used here", "and here"],
            );
            out.push(finding.help(format!("correct `{key}` of one of them")));
        }
    }
}
