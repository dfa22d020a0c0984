//! Node, pod and service network must not overlap: an address would lead to two places.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::model::{Cidr, TextValue as _};
use crate::validate::facts::{Facts, about_two};

pub(super) const RULE: KeyRule = KeyRule {
    name: "cidrs_overlap",
    codes: &["config/overlapping-cidrs"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let networks: Vec<_> = ["/node_cidr", "/cluster_pod_cidr", "/cluster_svc_cidr"]
        .iter()
        .filter_map(|pointer| facts.get::<Cidr>(pointer))
        .collect();
    for (index, first) in networks.iter().enumerate() {
        for second in &networks[index + 1..] {
            if !first.value.overlaps(&second.value) {
                continue;
            }
            let message = format!("{} and {} overlap", first.named(), second.named());
            let finding = Diagnostic::error("config/overlapping-cidrs", message);
            let labels = [first.key.as_str(), second.key.as_str()];
            let finding = about_two(finding, first, second, labels);
            out.push(finding.help(format!(
                "give `{}` a network apart from `{}`, such as {}",
                second.key,
                first.key,
                free_network(
                    &networks.iter().map(|fact| fact.value).collect::<Vec<_>>(),
                    &second.key
                )
            )));
        }
    }
}

/// Returns a /16 that is free of all networks, another one for each key.
fn free_network(taken: &[Cidr], key: &str) -> String {
    let tens = (42..=255)
        .chain(0..42)
        .map(|second| format!("10.{second}.0.0/16"));
    tens.chain((16..32).map(|second| format!("172.{second}.0.0/16")))
        .filter(|text| Cidr::parse(text).is_ok_and(|free| !taken.iter().any(|cidr| cidr.overlaps(&free))))
        .nth(usize::from(key == "cluster_svc_cidr"))
        .map_or_else(|| "one in 192.168.0.0/16".to_owned(), |text| format!("`{text}`"))
}
