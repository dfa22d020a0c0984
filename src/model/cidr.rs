//! IPv4 networks.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Invalid, TextValue, address, text_value};

/// An IPv4 network in CIDR notation, host bits zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(pub Ipv4Net);

impl Cidr {
    /// Returns whether the two networks share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.contains(&other.0.network()) || other.0.contains(&self.0.network())
    }

    /// Returns whether the address lies in the network.
    pub fn contains(&self, address: super::Ipv4) -> bool {
        self.0.contains(&address.0)
    }

    /// Returns the n-th address, counted from the network's own; nothing where the network ends before.
    pub fn nth(&self, n: u32) -> Option<super::Ipv4> {
        let address = Ipv4Addr::from(u32::from(self.0.network()).checked_add(n)?);
        self.0.contains(&address).then_some(super::Ipv4(address))
    }

    /// Returns the address that the router has in most networks: the first that a host can have.
    pub fn router(&self) -> Option<super::Ipv4> {
        self.nth(1)
    }

    /// Returns whether a host may have the address: it lies in the network and is neither the network's own nor its
    /// broadcast address.
    pub fn is_host(&self, address: super::Ipv4) -> bool {
        let edge = address.0 == self.0.network() || address.0 == self.0.broadcast();
        self.contains(address) && (!edge || self.0.prefix_len() >= 31)
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(Cidr);

impl TextValue for Cidr {
    const FORMAT: &'static str = "cidr";
    const CODE: &'static str = "config/bad-cidr";
    const EXPECTED: &'static str = "a network such as `10.10.10.0/24`";
    const PATTERN: Option<&'static str> = Some(r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if text.contains(',') {
            let first = text.split(',').next().unwrap_or_default().trim();
            let invalid = Invalid::new("is a list; one IPv4 network is supported here, and no dual stack");
            return Err(if Self::parse(first).is_ok() {
                invalid.suggest(first)
            } else {
                invalid
            });
        }
        let Some((host, prefix)) = text.split_once('/') else {
            return Err(match text.parse::<Ipv4Addr>() {
                Ok(address) => Invalid::new("has no prefix length").suggest(likely_network(address)),
                Err(_) => address::octets(text),
            });
        };
        let address: Ipv4Addr = host.parse().map_err(|_| address::octets(host))?;
        let length: u8 = prefix
            .parse()
            .ok()
            .filter(|_| prefix.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| Invalid::new("has a prefix length that is not a number"))?;
        let net = Ipv4Net::new(address, length)
            .map_err(|_| Invalid::new(format!("has a prefix length of {length}; 32 is the most")))?;
        if net.trunc() != net {
            return Err(Invalid::new("has host bits set").suggest(net.trunc().to_string()));
        }
        Ok(Self(net))
    }
}

/// Returns the network of an address at its last number that is not zero.
fn likely_network(address: Ipv4Addr) -> String {
    let [a, b, c, _] = address.octets();
    match (b, c) {
        (0, 0) => format!("{a}.0.0.0/8"),
        (_, 0) => format!("{a}.{b}.0.0/16"),
        _ => format!("{a}.{b}.{c}.0/24"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_network() {
        for (text, reason, suggestion) in [
            ("10.10.10.5/24", "has host bits set", Some("10.10.10.0/24")),
            ("10.10.10.0", "has no prefix length", Some("10.10.10.0/24")),
            ("10.42.0.0", "has no prefix length", Some("10.42.0.0/16")),
            ("10.10.10.0/33", "has a prefix length of 33; 32 is the most", None),
            ("10.10.10.0/x", "has a prefix length that is not a number", None),
            (
                "10.42.0.0/16,fd00:10:42::/56",
                "is a list; one IPv4 network is supported here, and no dual stack",
                Some("10.42.0.0/16"),
            ),
            (
                "fd00::/56",
                "is an IPv6 address; only IPv4 is supported here",
                None,
            ),
            ("10.10.10.0/+8", "has a prefix length that is not a number", None),
            (
                "10.10.300.0/24",
                "is not an IPv4 address: 300 is more than 255",
                None,
            ),
        ] {
            let invalid = Cidr::parse(text).expect_err(text);
            assert_eq!(
                (&*invalid.reason, invalid.suggestion.as_deref()),
                (reason, suggestion)
            );
        }
    }

    #[test]
    fn addresses_are_counted_from_the_network_s_own() {
        let nth = |text, n| {
            let cidr = Cidr::parse(text).expect("valid");
            cidr.nth(n).map(|address| address.to_string())
        };
        assert_eq!(nth("10.43.0.0/16", 10).as_deref(), Some("10.43.0.10"));
        assert_eq!(nth("10.0.0.0/30", 10), None, "out of range");
        assert_eq!(nth("255.255.255.0/24", u32::MAX), None, "beyond the last of all");
        assert_eq!(nth("10.0.0.7/32", 1), None);
    }

    #[test]
    fn overlap_is_symmetric() {
        let cidr = |text| Cidr::parse(text).expect("valid");
        assert!(cidr("10.0.0.0/8").overlaps(&cidr("10.42.0.0/16")));
        assert!(cidr("10.42.0.0/16").overlaps(&cidr("10.0.0.0/8")));
        assert!(!cidr("10.42.0.0/16").overlaps(&cidr("10.43.0.0/16")));
    }
}
