//! A load balancer address has one owner.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::check::addresses::{Wanted, wanted};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "duplicate-lb-address",
    level: Severity::Error,
    summary: "two Services or Gateways ask for the same load balancer address",
    docs: include_str!("duplicate_lb_address.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    // A patch asks for an object that may ask for the same.
    let mut wanted = wanted(manifests);
    wanted.retain(|wanted| wanted.object.kind != "Kustomization");
    let mut owners: BTreeMap<IpAddr, &Wanted<'_>> = BTreeMap::new();
    for second in &wanted {
        let Some(first) = owners.get(&second.ip) else {
            owners.insert(second.ip, second);
            continue;
        };
        let same = std::ptr::eq(first.object.node, second.object.node);
        if same || first.sharing.is_some() && first.sharing == second.sharing {
            continue;
        }
        let name = |wanted: &Wanted<'_>| format!("{} `{}`", wanted.object.kind, wanted.object.name);
        let message = format!(
            "{} and {} both ask for the address {}",
            name(first),
            name(second),
            second.ip
        );
        let help = "write another address of the pool; only Services with the same `lbipam.cilium.io/sharing-key` may share";
        let mut finding = Finding::new(second.object.path, message, help).at(second.span.clone(), "taken");
        let also = (
            first.object.path.clone(),
            first.span.clone(),
            "first here".to_owned(),
        );
        finding.also.push(also);
        findings.push(finding);
    }
}
