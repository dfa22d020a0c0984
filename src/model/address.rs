//! IPv4 addresses.

use std::net::Ipv4Addr;

use super::{Invalid, TextValue, text_value};

/// An IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipv4(pub Ipv4Addr);

impl std::fmt::Display for Ipv4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(Ipv4);

impl TextValue for Ipv4 {
    const FORMAT: &'static str = "ipv4";
    const CODE: &'static str = "config/bad-address";
    const EXPECTED: &'static str = "an IPv4 address such as `10.10.10.5`";
    const PATTERN: Option<&'static str> = Some(r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if let Ok(address) = text.parse() {
            return Ok(Self(address));
        }
        if let Some((address, prefix)) = text.split_once('/') {
            return Err(match Self::parse(address) {
                Ok(address) if prefix.parse::<u8>().is_ok() => {
                    Invalid::new(format!("is a network; an address has no `/{prefix}`"))
                        .suggest(address.to_string())
                }
                _ => Invalid::new("is not an IPv4 address"),
            });
        }
        Err(octets(text))
    }
}

/// Says what is wrong with a text that should be four numbers.
pub(super) fn octets(text: &str) -> Invalid {
    if text.trim() != text {
        return Invalid::new("has blanks around it").suggest(text.trim());
    }
    if text.contains(':') && text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Invalid::new("is an IPv6 address; only IPv4 is supported here");
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && host.parse::<Ipv4Addr>().is_ok()
        && port.parse::<u16>().is_ok()
    {
        return Invalid::new("has a port; only the address belongs here").suggest(host);
    }
    let parts: Vec<&str> = text.split('.').collect();
    if parts.iter().any(|part| !part.bytes().all(|b| b.is_ascii_digit())) {
        return Invalid::new("is not an IPv4 address");
    }
    if parts.len() != 4 || parts.contains(&"") {
        let given = parts.iter().filter(|part| !part.is_empty()).count();
        return Invalid::new(format!(
            "is not an IPv4 address: four numbers are needed, not {given}"
        ));
    }
    if let Some(part) = parts.iter().find(|p| p.parse::<u32>().map_or(true, |n| n > 255)) {
        return Invalid::new(format!("is not an IPv4 address: {part} is more than 255"));
    }
    let plain: Vec<String> = parts
        .iter()
        .map(|part| {
            part.parse::<u8>()
                .map_or_else(|_| (*part).to_owned(), |n| n.to_string())
        })
        .collect();
    Invalid::new("has a number with leading zeros").suggest(plain.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_an_address() {
        for (text, reason, suggestion) in [
            (
                "10.0.0.1/24",
                "is a network; an address has no `/24`",
                Some("10.0.0.1"),
            ),
            ("10.0.0.256", "is not an IPv4 address: 256 is more than 255", None),
            (
                "10.0.0",
                "is not an IPv4 address: four numbers are needed, not 3",
                None,
            ),
            (
                "10.0.0.",
                "is not an IPv4 address: four numbers are needed, not 3",
                None,
            ),
            ("10.0.0.01", "has a number with leading zeros", Some("10.0.0.1")),
            (
                "10.0.0.1:6443",
                "has a port; only the address belongs here",
                Some("10.0.0.1"),
            ),
            ("fd00::1", "is an IPv6 address; only IPv4 is supported here", None),
            (" 10.0.0.1", "has blanks around it", Some("10.0.0.1")),
            ("router", "is not an IPv4 address", None),
        ] {
            let invalid = Ipv4::parse(text).expect_err(text);
            assert_eq!(
                (&*invalid.reason, invalid.suggestion.as_deref()),
                (reason, suggestion)
            );
        }
    }
}
