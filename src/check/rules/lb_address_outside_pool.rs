//! A load balancer address comes from a pool.

use crate::check::addresses::{AddressRange, blocks, wanted};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "lb-address-outside-pool",
    level: Severity::Error,
    summary: "a Service or Gateway asks for an address that no pool has",
    docs: include_str!("lb_address_outside_pool.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let blocks = blocks(manifests);
    if blocks.is_empty() {
        return;
    }
    let all: Vec<String> = blocks.iter().map(AddressRange::to_string).collect();
    for wanted in wanted(manifests) {
        if blocks.iter().any(|block| block.contains(wanted.ip)) {
            continue;
        }
        let message = format!(
            "{} `{}` asks for {}, which no CiliumLoadBalancerIPPool has",
            wanted.object.kind, wanted.object.name, wanted.ip
        );
        let help = format!(
            "write an address of {}, or add a block to the pool",
            all.join(", ")
        );
        findings.push(Finding::new(wanted.object.path, message, help).at(wanted.span, "outside"));
    }
}
