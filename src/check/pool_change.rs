//! What a change of the load balancer pool does to the Services that have addresses of it.
//!
//! Cilium takes the addresses of a block that is gone back, and gives new ones: those that a Service asks for, others at
//! will. So a run that changes the pool lists the Services, and stops where one asks for an address that falls out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use yaml::Node;

use super::addresses::{self, AddressRange, Wanted};
use super::manifests::{Manifests, Object};
use super::{texts, walk};
use crate::diag::{Diagnostic, Diagnostics};
use crate::render::{Documents, Rendered};
use crate::tree::{RepoPath, Tree};
use crate::world::secrecy::display;

/// The kind of pools.
const POOL: &str = "CiliumLoadBalancerIPPool";

/// Compares the pools of the tree with those on the disk, which `on_disk` reads.
pub fn report<'d>(
    tree: &Tree<Rendered>,
    on_disk: impl Fn(&RepoPath) -> Option<&'d [u8]>,
    diags: &mut Diagnostics,
) {
    let is_pool = |node: &Node| node.str_at(&["kind"]) == Some(POOL);
    let files = tree.stage().documents().iter();
    let unchanged = files
        .filter(|(_, nodes)| nodes.iter().any(is_pool))
        .filter_map(|(path, _)| tree.get(path))
        .all(|artifact| on_disk(&artifact.path).is_none_or(|bytes| bytes == artifact.text().as_bytes()));
    if unchanged {
        return;
    }
    let texts = texts(tree);
    let manifests = Manifests::new(tree.stage().documents(), &texts);
    let pools = addresses::pools(&manifests);
    let files: BTreeSet<&RepoPath> = pools.iter().map(|pool| pool.object.path).collect();
    let before: Documents = files
        .iter()
        .filter_map(|path| {
            let text = std::str::from_utf8(on_disk(path)?).ok()?;
            Some(((*path).clone(), Arc::new(yaml::parse(text).ok()?)))
        })
        .collect();
    let none = BTreeMap::new();
    let before = addresses::blocks(&Manifests::new(&before, &none));
    let now: Vec<AddressRange> = pools
        .iter()
        .filter(|pool| on_disk(pool.object.path).is_some())
        .flat_map(|pool| pool.blocks.iter().map(|(block, _)| *block))
        .collect();
    if before.is_empty() || before == now {
        return;
    }
    let all = addresses::blocks(&manifests);
    let wanted = addresses::wanted(&manifests);
    let falls_out = |ip: IpAddr| {
        let within = |blocks: &[AddressRange]| blocks.iter().any(|block| block.contains(ip));
        within(&before) && !within(&all)
    };
    let mut stops = false;
    for wanted in wanted.iter().filter(|wanted| falls_out(wanted.ip)) {
        stops = true;
        let path = wanted.object.path;
        let taken = addresses::taken(&manifests, path);
        let whose = taken.get(&wanted.ip).map(|taken| taken.whose.as_str());
        let id = diags
            .sources
            .add(path.as_str(), display(path.as_str(), manifests.text(path)));
        diags.push(
            lost(&manifests, wanted, whose, &all).at(id.span(wanted.span.clone()), "falls out of the pool"),
        );
    }
    if let Some(path) = files.first().filter(|_| !stops) {
        diags.push(touched(&manifests, &wanted, &before, &all).in_file(path.as_str()));
    }
}

fn lost<'a>(
    manifests: &Manifests<'a>,
    wanted: &Wanted<'a>,
    whose: Option<&str>,
    now: &[AddressRange],
) -> Diagnostic {
    let why = whose.map(|whose| format!(": it is the address of {whose}"));
    let message = format!(
        "{} has {} today, which the pool of this run does not hold{}",
        named(manifests, &wanted.object),
        wanted.ip,
        why.unwrap_or_default()
    );
    Diagnostic::error("pool/address-falls-out", message)
        .note("Cilium would take the address away as soon as the change is applied")
        .help(format!("give it an address of {}", listed(now)))
        .help(
            "if no machine has the address, correct `node_default_gateway`, `cluster_api_addr` or the node's `address`, \
             which say so",
        )
}

/// Lists the Services that have an address of the pool, as far as the tree says which.
fn touched<'a>(
    manifests: &Manifests<'a>,
    wanted: &[Wanted<'a>],
    before: &[AddressRange],
    now: &[AddressRange],
) -> Diagnostic {
    let message = format!(
        "the load balancer pool goes from {} to {}",
        listed(before),
        listed(now)
    );
    let mut finding = Diagnostic::warning("pool/changes", message);
    for object in manifests.objects.iter().filter(|object| balances(object)) {
        let mut asked: Vec<String> = wanted
            .iter()
            .filter(|wanted| std::ptr::eq(wanted.object.node, object.node))
            .map(|wanted| wanted.ip.to_string())
            .collect();
        asked.dedup();
        let name = named(manifests, object);
        finding = finding.note(if !asked.is_empty() {
            format!("{name} keeps {}, which it asks for", asked.join(", "))
        } else if addresses::asks_for_one(object.node) {
            format!("{name} asks for an address that Flux fills in: see that it lies in the pool")
        } else {
            format!("{name} asks for no address: it may get another one")
        });
    }
    finding
        .note("Cilium assigns all addresses of the pool anew when its blocks change")
        .note(
            "Services are missing here that a chart makes of type `LoadBalancer` without a value that says so, and those \
             that are not in this repository",
        )
        .help(
            "to keep an address that `kubectl get services -A` shows, ask for it first: \
             annotation `lbipam.cilium.io/ips` on the Service",
        )
}

/// Returns whether an object is, or makes, a Service with an address of the pool.
fn balances(object: &Object<'_>) -> bool {
    match object.kind {
        "Service" => object.node.str_at(&["spec", "type"]) == Some("LoadBalancer"),
        "Gateway" => object.group() == "gateway.networking.k8s.io",
        "HelmRelease" => {
            let mut found = false;
            walk::entries(object.node, &mut |_, key, value| {
                found |= key.as_str() == Some("type") && value.as_str() == Some("LoadBalancer");
            });
            found
        }
        _ => false,
    }
}

fn named<'a>(manifests: &Manifests<'a>, object: &Object<'a>) -> String {
    match manifests.namespace_of(object) {
        "" => format!("{} `{}`", object.kind, object.name),
        namespace => format!("{} `{namespace}/{}`", object.kind, object.name),
    }
}

/// How many blocks a message lists.
const LISTED: usize = 6;

fn listed(blocks: &[AddressRange]) -> String {
    let texts: Vec<String> = blocks.iter().take(LISTED).map(AddressRange::to_string).collect();
    let more = match blocks.len().saturating_sub(LISTED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    format!("{}{more}", texts.join(", "))
}
