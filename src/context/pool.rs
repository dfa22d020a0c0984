//! Which addresses Cilium may give to Services: the pool's network without those that something else has.
//!
//! Cilium's allocator gives every address of a pool to whoever asks next, starting at the first that is free, and the
//! L2 policy then answers for it by ARP: an address of the router or of the Kubernetes API in the pool takes the network
//! or the cluster down. Source for what a block may be: `CiliumLoadBalancerIPPool` of Cilium 1.19 (`cidr`, or `start`
//! with `stop`, both ends in it); `allowFirstLastIPs: "No"` counts for `cidr` alone, and not for a /31 or /32.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Serialize;

use crate::model::{Cidr, Ipv4};

/// One entry of a pool's `blocks`: a network, or a range.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PoolBlock {
    /// The network; empty for a range.
    pub cidr: String,
    /// The first address of a range.
    pub start: String,
    /// Its last address.
    pub stop: String,
}

impl PoolBlock {
    /// Returns the block that is a whole network.
    pub fn whole(cidr: &str) -> Self {
        Self {
            cidr: cidr.to_owned(),
            ..Self::default()
        }
    }
}

/// Returns the fewest blocks with every address of a network that a host can have, but those that are taken. A network
/// in which nothing is taken stays whole.
pub fn blocks(network: &Cidr, taken: impl IntoIterator<Item = Ipv4>) -> Vec<PoolBlock> {
    let taken: Vec<Ipv4> = taken.into_iter().filter(|ip| network.is_host(*ip)).collect();
    if taken.is_empty() {
        return vec![PoolBlock::whole(&network.to_string())];
    }
    let (first, last) = (network.0.network(), network.0.broadcast());
    let edge = u32::from(network.0.prefix_len() < 31);
    let (first, last) = (u32::from(first) + edge, u32::from(last) - edge);
    let gaps = gaps(first, last, taken.into_iter().map(|ip| u32::from(ip.0)));
    let address = |number| Ipv4Addr::from(number).to_string();
    gaps.into_iter()
        .map(|(start, stop)| PoolBlock {
            cidr: String::new(),
            start: address(start),
            stop: address(stop),
        })
        .collect()
}

/// Returns what is left of a range, both ends in it, without some numbers: ranges in order, none touching the next.
pub fn gaps(first: u32, last: u32, without: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
    let without: BTreeSet<u32> = without.into_iter().collect();
    let mut out = Vec::new();
    let mut next = Some(first);
    for number in without
        .into_iter()
        .filter(|number| (first..=last).contains(number))
    {
        if let Some(start) = next.filter(|start| *start < number) {
            out.push((start, number - 1));
        }
        next = number.checked_add(1);
    }
    out.extend(next.filter(|start| *start <= last).map(|start| (start, last)));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::TextValue as _;

    fn texts(network: &str, taken: &[&str]) -> Vec<String> {
        let ip = |text: &&str| Ipv4::parse(text).expect("an address");
        blocks(&Cidr::parse(network).expect("a network"), taken.iter().map(ip))
            .into_iter()
            .map(|block| match block.cidr.as_str() {
                "" => format!("{}-{}", block.start, block.stop),
                cidr => cidr.to_owned(),
            })
            .collect()
    }

    #[test]
    fn what_is_taken_is_left_out() {
        let taken = [
            "10.10.10.254",
            "10.10.10.1",
            "10.10.10.11",
            "10.10.10.12",
            "10.10.10.11",
        ];
        assert_eq!(
            texts("10.10.10.0/24", &taken),
            ["10.10.10.2-10.10.10.10", "10.10.10.13-10.10.10.253"]
        );
        assert_eq!(texts("10.0.0.0/8", &["10.0.0.1"]), ["10.0.0.2-10.255.255.254"]);
        assert_eq!(
            texts("10.0.0.0/29", &["10.0.0.3"]),
            ["10.0.0.1-10.0.0.2", "10.0.0.4-10.0.0.6"]
        );
    }

    #[test]
    fn a_network_without_others_in_it_stays_whole() {
        assert_eq!(
            texts("10.20.0.0/24", &["10.10.10.1", "10.20.0.0"]),
            ["10.20.0.0/24"]
        );
    }

    #[test]
    fn tiny_networks_have_no_edges_to_leave_out() {
        assert_eq!(texts("10.0.0.0/31", &["10.0.0.0"]), ["10.0.0.1-10.0.0.1"]);
        assert_eq!(texts("10.0.0.0/31", &[]), ["10.0.0.0/31"]);
        assert_eq!(texts("10.0.0.7/32", &["10.0.0.7"]), [""; 0]);
        assert_eq!(texts("10.0.0.0/30", &["10.0.0.1", "10.0.0.2"]), [""; 0]);
        assert_eq!(
            texts("255.255.255.254/31", &["255.255.255.255"]),
            ["255.255.255.254-255.255.255.254"]
        );
        assert_eq!(texts("0.0.0.0/0", &["0.0.0.1"]), ["0.0.0.2-255.255.255.254"]);
    }

    proptest! {
        #[test]
        fn blocks_hold_exactly_what_is_free(
            base in any::<u32>(),
            prefix in 22_u8..=32,
            offsets in prop::collection::vec(0_u32..1100, 0..40),
        ) {
            let net = ipnet::Ipv4Net::new(Ipv4Addr::from(base), prefix).expect("a network").trunc();
            let network = Cidr(net);
            let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
            let taken: Vec<Ipv4> = offsets
                .iter()
                .filter_map(|offset| first.checked_add(*offset))
                .map(|number| Ipv4(Ipv4Addr::from(number)))
                .collect();
            let blocks = blocks(&network, taken.clone());
            let parsed: Vec<(u32, u32)> = blocks
                .iter()
                .filter(|block| block.cidr.is_empty())
                .map(|block| {
                    let number = |text: &str| u32::from(text.parse::<Ipv4Addr>().expect("an address"));
                    (number(&block.start), number(&block.stop))
                })
                .collect();
            let whole = blocks == [PoolBlock::whole(&network.to_string())];
            for number in first..=last {
                let ip = Ipv4(Ipv4Addr::from(number));
                let free = network.is_host(ip) && !taken.contains(&ip);
                let held = if whole {
                    network.is_host(ip)
                } else {
                    parsed.iter().any(|(start, stop)| (*start..=*stop).contains(&number))
                };
                prop_assert_eq!(free, held, "{}", ip);
            }
            // As few as can be: between two blocks something is taken.
            for pair in parsed.windows(2) {
                prop_assert!(pair[0].1 + 1 < pair[1].0);
            }
        }
    }
}
