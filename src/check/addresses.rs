//! Addresses that objects ask of Cilium's load balancer, and the pools that they come from.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

use super::manifests::{Manifests, Object};
use super::walk;
use crate::yaml::Node;

/// Annotations that ask for addresses: today's name and the first one.
const ANNOTATIONS: &[&str] = &["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"];
/// Annotations that let Services share one.
const SHARING: &[&str] = &["lbipam.cilium.io/sharing-key", "io.cilium/lb-ipam-sharing-key"];

/// An address that an object asks for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Who asks.
    pub object: Object<'a>,
    /// The address.
    pub ip: IpAddr,
    /// Its bytes in the file.
    pub span: Range<usize>,
    /// Others with this key may have the same address.
    pub sharing: Option<&'a str>,
}

/// A range of addresses, both ends in it.
#[derive(Debug)]
pub struct Block {
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
}

impl Block {
    /// Returns whether an address lies in the block.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.first.is_ipv4() == ip.is_ipv4() && self.first <= ip && ip <= self.last
    }
}

/// Returns all addresses that are asked for, in the order of the files.
pub fn wanted<'a>(manifests: &Manifests<'a>) -> Vec<Wanted<'a>> {
    let mut out = Vec::new();
    for object in &manifests.objects {
        let text = manifests.text(object.path);
        walk::entries(object.node, &mut |mapping, key, value| {
            let Some(list) = value.as_str().filter(|_| {
                let key = key.as_str().unwrap_or_default();
                ANNOTATIONS.contains(&key) || key == "loadBalancerIP"
            }) else {
                return;
            };
            let sharing = SHARING.iter().find_map(|key| mapping.get(key)?.as_str());
            for part in list.split(',').map(str::trim) {
                let Ok(ip) = part.parse() else { continue };
                let span = walk::word(text, value, part, &['.', ':']);
                out.push(Wanted {
                    object: *object,
                    ip,
                    span: span.unwrap_or(value.span.clone()),
                    sharing,
                });
            }
        });
    }
    out
}

/// Returns the blocks of all pools that are in use.
pub fn blocks(manifests: &Manifests<'_>) -> Vec<Block> {
    let pools = manifests.objects.iter().filter(|object| {
        object.kind == "CiliumLoadBalancerIPPool" && object.node.str_at(&["spec", "disabled"]) != Some("true")
    });
    pools
        .flat_map(|pool| ["blocks", "cidrs"].map(|key| pool.node.path(&["spec", key])))
        .flatten()
        .flat_map(Node::items)
        .filter_map(block)
        .collect()
}

fn block(node: &Node) -> Option<Block> {
    let ip = |key: &str| node.str_at(&[key])?.parse::<IpAddr>().ok();
    if let Some(first) = ip("start") {
        let last = ip("stop").unwrap_or(first);
        return Some(Block { first, last });
    }
    let net: IpNet = node.str_at(&["cidr"])?.parse().ok()?;
    Some(Block {
        first: net.network(),
        last: net.broadcast(),
    })
}
