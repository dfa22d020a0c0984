//! A pool holds no address that a machine has.

use std::net::{IpAddr, Ipv4Addr};

use yaml::Node;

use crate::check::addresses::{AddressRange, Pool, Taken, pools, taken};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::context::pool::gaps;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "taken-address-in-pool",
    level: Severity::Error,
    summary: "a load balancer pool holds an address of a node, of the Kubernetes API or of the router",
    docs: include_str!("taken_address_in_pool.md"),
    run,
};

/// How many addresses a finding names.
const NAMED: usize = 6;

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for pool in pools(manifests) {
        let taken = taken(manifests, pool.object.path);
        for (block, node) in &pool.blocks {
            let inside: Vec<(&IpAddr, &Taken)> =
                taken.iter().filter(|(ip, _)| block.contains(**ip)).collect();
            if !inside.is_empty() {
                findings.push(finding(&pool, *block, node, &inside));
            }
        }
    }
}

fn finding(pool: &Pool<'_>, block: AddressRange, node: &Node, inside: &[(&IpAddr, &Taken)]) -> Finding {
    let named: Vec<String> = inside
        .iter()
        .take(NAMED)
        .map(|(ip, taken)| format!("{ip} ({})", taken.whose))
        .collect();
    let more = match inside.len().saturating_sub(NAMED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let message = format!(
        "{} `{}` gives out addresses that machines have: {}{more}",
        pool.object.kind,
        pool.object.name,
        named.join(", ")
    );
    let help = match around(block, inside) {
        Some(blocks) if !blocks.is_empty() => format!("replace the block by {}", blocks.join(", ")),
        _ => "replace the block by ones with `start` and `stop` around these addresses".to_owned(),
    };
    let mut finding = Finding::new(pool.object.path, message, help).at(node.span.clone(), "holds them");
    let places = inside
        .iter()
        .take(NAMED)
        .map(|(_, taken)| (taken.path.clone(), taken.span.clone(), taken.whose.clone()));
    finding.also.extend(places);
    finding
}

/// Returns the blocks that leave the addresses out, as YAML.
fn around(block: AddressRange, inside: &[(&IpAddr, &Taken)]) -> Option<Vec<String>> {
    let number = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => Some(u32::from(*ip)),
        IpAddr::V6(_) => None,
    };
    let (first, last) = (number(&block.first)?, number(&block.last)?);
    let gaps = gaps(first, last, inside.iter().filter_map(|(ip, _)| number(ip)));
    let yaml = |(start, stop)| {
        let (start, stop) = (Ipv4Addr::from(start), Ipv4Addr::from(stop));
        format!("`- {{start: {start}, stop: {stop}}}`")
    };
    Some(gaps.into_iter().map(yaml).collect())
}
