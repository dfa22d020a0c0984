//! No two nodes share a name, an address or a network card.

use super::Rule;
use crate::diag::Diagnostic;
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: Rule = Rule {
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
        let values = facts.nodes::<String>(key);
        for (index, (_, second)) in values.iter().enumerate() {
            let Some((_, first)) = values[..index]
                .iter()
                .find(|(_, first)| first.value == second.value)
            else {
                continue;
            };
            let message = format!("two nodes have {what} `{}`", second.value);
            let finding = about_two(
                Diagnostic::error(code, message),
                first,
                second,
                ["used here", "and here"],
            );
            out.push(finding.help(format!("correct `{key}` of one of them")));
        }
    }
}
