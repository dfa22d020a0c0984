//! Numbers that are written as text, as the seeds have them.

use super::{Invalid, TextValue, text_value};

/// The number of an autonomous system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(pub u32);

impl std::fmt::Display for Asn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(Asn);

impl TextValue for Asn {
    const FORMAT: &'static str = "asn";
    const CODE: &'static str = "config/bad-asn";
    const EXPECTED: &'static str = "an AS number in quotes such as `\"64513\"`";
    const PATTERN: Option<&'static str> = Some("^[1-9][0-9]{0,9}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(number) = ["AS", "as", "As"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            && digits(number)
        {
            return Err(Invalid::new("has letters; only the number belongs here").suggest(number));
        }
        if !digits(text) || text.starts_with('0') {
            return Err(Invalid::new(
                "is not an AS number: digits are needed, the first not 0",
            ));
        }
        text.parse()
            .map(Self)
            .map_err(|_| Invalid::new("is not an AS number: 4294967295 is the most"))
    }
}

/// A VLAN id, 1 to 4094.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanTag(pub u16);

impl std::fmt::Display for VlanTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

text_value!(VlanTag);

impl TextValue for VlanTag {
    const FORMAT: &'static str = "vlan";
    const CODE: &'static str = "config/bad-vlan";
    const EXPECTED: &'static str = "a VLAN id from 1 to 4094 in quotes such as `\"42\"`";
    const PATTERN: Option<&'static str> = Some("^[1-9][0-9]{0,3}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if !digits(text) || text.starts_with('0') {
            return Err(Invalid::new(
                "is not a VLAN id: digits are needed, the first not 0",
            ));
        }
        match text.parse() {
            Ok(tag @ 1..=4094) => Ok(Self(tag)),
            _ => Err(Invalid::new("is not a VLAN id: 4094 is the most")),
        }
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_ranges() {
        assert_eq!(Asn::parse("4294967295"), Ok(Asn(u32::MAX)));
        assert!(Asn::parse("4294967296").is_err() && Asn::parse("0").is_err());
        assert_eq!(
            Asn::parse("AS64513").expect_err("letters").suggestion.as_deref(),
            Some("64513")
        );
        assert!(Asn::parse("aé1").is_err());
        assert!(VlanTag::parse("4095").is_err() && VlanTag::parse("042").is_err());
        assert_eq!(VlanTag::parse("4094"), Ok(VlanTag(4094)));
    }
}
