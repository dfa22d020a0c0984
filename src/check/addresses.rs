//! Addresses that objects ask of Cilium's load balancer, the pools that they come from, and what has an address already.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use ipnet::IpNet;
use yaml::Node;

use super::helm::{PROMETHEUS, VICTORIA_METRICS};
use super::manifests::{Manifests, Object};
use super::walk;
use crate::tree::RepoPath;

/// The file of talhelper that names nodes.
const TALCONFIG: &str = "talconfig.yaml";
/// Annotations that ask for addresses: today's name and the first one.
const ANNOTATIONS: &[&str] = &["lbipam.cilium.io/ips", "io.cilium/lb-ipam-ips"];
/// The field of a Service that asks for one.
const FIELD: &str = "loadBalancerIP";
/// A text with none of these asks for nothing.
const MARKS: &[&str] = &["lbipam.cilium.io", "lb-ipam-ips", FIELD];
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    /// The first address.
    pub first: IpAddr,
    /// The last address.
    pub last: IpAddr,
}

impl AddressRange {
    /// Returns whether an address lies in the block.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.first.is_ipv4() == ip.is_ipv4() && self.first <= ip && ip <= self.last
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}–{}", self.first, self.last)
    }
}

/// Returns all addresses that are asked for, in the order of the files.
pub fn wanted<'a>(manifests: &Manifests<'a>) -> Vec<Wanted<'a>> {
    let mut out = Vec::new();
    let kustomize = manifests
        .files()
        .filter(|(path, _)| path.is_kustomization())
        .flat_map(|(path, nodes)| nodes.iter().filter_map(move |node| Object::new(path, node)))
        .filter(|object| object.api_version.starts_with("kustomize.config.k8s.io/"));
    for object in manifests.objects.iter().copied().chain(kustomize) {
        let text = manifests.text(object.path);
        // What a ConfigMap holds is data, whatever it looks like.
        let is_data = object.kind == "ConfigMap";
        let mut push = |value: &Node, list: &str, sharing: Option<&'a str>| {
            for part in list.split(',').map(str::trim) {
                let Ok(ip) = part.parse() else { continue };
                let span = walk::word(text, value, part, &['.', ':']);
                out.push(Wanted {
                    object,
                    ip,
                    span: span.unwrap_or(value.span.clone()),
                    sharing,
                });
            }
        };
        walk::entries(object.node, &mut |mapping, key, value| {
            let Some(list) = value.as_str() else { return };
            if entry_asks(mapping, key) {
                let sharing = SHARING.iter().find_map(|key| mapping.get(key)?.as_str());
                push(value, list, sharing);
            } else if !is_data && list.contains('\n') && MARKS.iter().any(|mark| list.contains(mark)) {
                // A patch as text, as kustomize takes it.
                in_patch(list).iter().for_each(|found| push(value, found, None));
            }
        });
        if object.kind == "Gateway" {
            let addresses = object.node.path(&["spec", "addresses"]).map(Node::items);
            for value in addresses
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.get("value"))
            {
                push(value, value.as_str().unwrap_or_default(), None);
            }
        }
    }
    out
}

/// Returns whether an object asks for an address, be it one that Flux fills in later.
pub fn asks_for_one(node: &Node) -> bool {
    let mut found = false;
    walk::entries(node, &mut |_, key, value| {
        found |= asks(key.as_str().unwrap_or_default()) && value.as_str().is_some();
    });
    found
}

fn asks(key: &str) -> bool {
    ANNOTATIONS.contains(&key) || key == FIELD
}

/// Returns whether an entry of a mapping asks for an address, be it the value of a JSON patch.
fn entry_asks(mapping: &Node, key: &Node) -> bool {
    let key = key.as_str().unwrap_or_default();
    asks(key) || key == "value" && mapping.str_at(&["path"]).is_some_and(pointer_asks)
}

/// Returns whether the path of a JSON patch leads to what asks for an address.
fn pointer_asks(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    asks(&last.replace("~1", "/").replace("~0", "~"))
}

/// Returns what a patch asks for.
fn in_patch(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for document in yaml::parse(text).unwrap_or_default() {
        walk::entries(&document, &mut |mapping, key, value| {
            if entry_asks(mapping, key) {
                found.extend(value.as_str().map(str::to_owned));
            }
        });
    }
    found
}

/// A pool that is in use.
#[derive(Debug)]
pub struct Pool<'a> {
    /// The object.
    pub object: Object<'a>,
    /// Its blocks, each with the node that says so.
    pub blocks: Vec<(AddressRange, &'a Node)>,
}

/// Returns all pools that are in use.
pub fn pools<'a>(manifests: &Manifests<'a>) -> Vec<Pool<'a>> {
    let objects = manifests.objects.iter().filter(|object| {
        object.kind == "CiliumLoadBalancerIPPool" && object.node.str_at(&["spec", "disabled"]) != Some("true")
    });
    objects
        .map(|object| Pool {
            object: *object,
            blocks: blocks_of(object.node),
        })
        .collect()
}

/// Returns the blocks of all pools that are in use.
pub fn blocks(manifests: &Manifests<'_>) -> Vec<AddressRange> {
    let pools = pools(manifests).into_iter();
    pools
        .flat_map(|pool| pool.blocks)
        .map(|(block, _)| block)
        .collect()
}

fn blocks_of(pool: &Node) -> Vec<(AddressRange, &Node)> {
    let edges = pool.str_at(&["spec", "allowFirstLastIPs"]) != Some("No");
    ["blocks", "cidrs"]
        .into_iter()
        .filter_map(|key| pool.path(&["spec", key]))
        .flat_map(Node::items)
        .filter_map(|node| Some((block(node, edges)?, node)))
        .collect()
}

/// Reads a block. Without `edges`, the first and the last address of a network are given to nobody, unless it has no
/// others.
fn block(node: &Node, edges: bool) -> Option<AddressRange> {
    let ip = |key: &str| node.str_at(&[key])?.parse::<IpAddr>().ok();
    if let Some(first) = ip("start") {
        let last = ip("stop").unwrap_or(first);
        return Some(AddressRange { first, last });
    }
    let net: IpNet = node.str_at(&["cidr"])?.parse().ok()?;
    let (first, last) = (net.network(), net.broadcast());
    if edges || net.max_prefix_len() - net.prefix_len() < 2 {
        return Some(AddressRange { first, last });
    }
    Some(AddressRange {
        first: step(first, 1),
        last: step(last, -1),
    })
}

/// Returns the address that is so many behind another, or before it.
fn step(ip: IpAddr, by: i8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).wrapping_add_signed(by.into())).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).wrapping_add_signed(by.into())).into(),
    }
}

/// An address that a machine has.
#[derive(Debug)]
pub struct Taken {
    /// The file that says so.
    pub path: RepoPath,
    /// The bytes there.
    pub span: Range<usize>,
    /// Whose it is: `the router`, `node k8s-1`.
    pub whose: String,
}

/// Returns the addresses of nodes, of the Kubernetes API and of routers, as far as the tree names them: in
/// `talos/talconfig.yaml`, as BGP peers, as the API that Cilium talks to, as scraped control planes. Of several clusters in
/// a repository, those count that lie nearest to a file.
pub fn taken(manifests: &Manifests<'_>, near: &RepoPath) -> BTreeMap<IpAddr, Taken> {
    let mut found = BTreeMap::new();
    let configs = nearest(
        near,
        manifests
            .files()
            .map(|(path, _)| path)
            .filter(|path| path.file_name() == TALCONFIG),
    );
    let cilium = nearest(
        near,
        manifests.releases_of("cilium").map(|release| release.object.path),
    );
    // Of what a cluster may have several, all that are as near as one of its own.
    let others = if configs.is_several || cilium.is_several {
        configs.way.max(cilium.way).max(1)
    } else {
        0
    };
    let is_near = |path: &RepoPath| shared(near, path).0 >= others;
    let mut add = |path: &RepoPath, node: &Node, whose: &str| {
        for part in node.as_str().unwrap_or_default().split(',') {
            let host = part.trim().split('/').next().unwrap_or_default();
            let Ok(ip) = host.parse::<IpAddr>() else { continue };
            if !ip.is_loopback() && !ip.is_unspecified() {
                found.entry(ip).or_insert_with(|| Taken {
                    path: path.clone(),
                    span: node.span.clone(),
                    whose: whose.to_owned(),
                });
            }
        }
    };
    for (path, documents) in manifests.files() {
        if configs.paths.contains(path) {
            documents
                .iter()
                .for_each(|document| talconfig(path, document, &mut add));
        }
    }
    for object in &manifests.objects {
        let peers = object.kind == "CiliumBGPClusterConfig" || object.kind == "CiliumBGPPeeringPolicy";
        if peers && is_near(object.path) {
            walk::entries(object.node, &mut |_, key, value| {
                if key.as_str() == Some("peerAddress") {
                    add(object.path, value, "the router");
                }
            });
        }
    }
    for release in manifests.releases_of("cilium") {
        let node = release.values.get("k8sServiceHost");
        if let Some(node) = node.filter(|_| cilium.paths.contains(release.object.path)) {
            add(release.object.path, node, "the Kubernetes API");
        }
    }
    for release in manifests
        .releases
        .iter()
        .filter(|release| [PROMETHEUS, VICTORIA_METRICS].contains(&release.chart))
        .filter(|release| is_near(release.object.path))
    {
        for component in ["kubeControllerManager", "kubeScheduler", "kubeEtcd"] {
            for node in release.values.items(&format!("{component}.endpoints")) {
                add(release.object.path, node, "a control plane node");
            }
        }
    }
    found
}

/// Files of one kind, of which each cluster has one.
struct Nearest<'p> {
    /// Those that may be of the same cluster: all while there is one, else the one with the most folders in common.
    paths: BTreeSet<&'p RepoPath>,
    /// How many folders their way from the root shares with that of the file.
    way: usize,
    /// Whether there is more than one.
    is_several: bool,
}

fn nearest<'p>(near: &RepoPath, paths: impl Iterator<Item = &'p RepoPath>) -> Nearest<'p> {
    let mut paths: BTreeSet<&RepoPath> = paths.collect();
    let is_several = paths.len() > 1;
    let best = paths
        .iter()
        .map(|path| shared(near, path))
        .max()
        .unwrap_or_default();
    if is_several {
        paths.retain(|path| shared(near, path) == best);
        // Two are as near: whose cluster it is cannot be told.
        if paths.len() > 1 {
            paths.clear();
        }
    }
    Nearest {
        paths,
        way: best.0,
        is_several,
    }
}

/// Returns how many folders from the root two files have in common, and how many names of folders anywhere:
/// `talos/home` and `kubernetes/home` share one.
fn shared(one: &RepoPath, other: &RepoPath) -> (usize, usize) {
    let of = |path: &RepoPath| -> Vec<String> {
        let folders = path.parent().split('/').filter(|name| !name.is_empty());
        folders.map(str::to_owned).collect()
    };
    let (one, other) = (of(one), of(other));
    let way = one.iter().zip(&other).take_while(|(one, other)| one == other);
    (
        way.count(),
        one.iter().filter(|name| other.contains(name)).count(),
    )
}

/// The addresses in a file of talhelper.
fn talconfig(path: &RepoPath, document: &Node, add: &mut impl FnMut(&RepoPath, &Node, &str)) {
    for node in document.get("nodes").map(Node::items).unwrap_or_default() {
        let name = node.str_at(&["hostname"]).unwrap_or("of talconfig.yaml");
        if let Some(address) = node.get("ipAddress") {
            add(path, address, &format!("node {name}"));
        }
        walk::entries(node, &mut |_, key, value| match key.as_str() {
            Some("gateway") => add(path, value, "the router"),
            Some("vip") => {
                if let Some(ip) = value.get("ip") {
                    add(path, ip, "the Kubernetes API");
                }
            }
            _ => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_without_its_edges_keeps_them_only_when_it_has_nothing_else() {
        let shown = |text: &str, edges| {
            let documents = yaml::parse(text).expect("YAML");
            block(&documents[0], edges).map(|block| block.to_string())
        };
        assert_eq!(
            shown("cidr: 10.0.0.0/24", true).as_deref(),
            Some("10.0.0.0–10.0.0.255")
        );
        assert_eq!(
            shown("cidr: 10.0.0.0/24", false).as_deref(),
            Some("10.0.0.1–10.0.0.254")
        );
        assert_eq!(
            shown("cidr: 10.0.0.0/31", false).as_deref(),
            Some("10.0.0.0–10.0.0.1")
        );
        assert_eq!(
            shown("cidr: 10.0.0.7/32", false).as_deref(),
            Some("10.0.0.7–10.0.0.7")
        );
        assert_eq!(
            shown("cidr: fd00::/126", false).as_deref(),
            Some("fd00::1–fd00::2")
        );
        assert_eq!(
            shown("start: 10.0.0.0", false).as_deref(),
            Some("10.0.0.0–10.0.0.0")
        );
    }

    #[test]
    fn patches_ask_as_well() {
        let merge = "metadata:\n  annotations:\n    lbipam.cilium.io/ips: 10.0.0.5\n";
        let json = "- op: add\n  path: /metadata/annotations/lbipam.cilium.io~1ips\n  value: 10.0.0.6\n";
        assert_eq!(in_patch(merge), ["10.0.0.5"]);
        assert_eq!(in_patch(json), ["10.0.0.6"]);
    }
}
