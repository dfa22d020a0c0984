//! Hardware addresses.

use super::{Invalid, TextValue, string_value};

/// A MAC address: six lower-case hexadecimal pairs with colons, as Talos compares them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(String);

string_value!(MacAddress);

impl TextValue for MacAddress {
    const FORMAT: &'static str = "mac";
    const CODE: &'static str = "config/bad-mac";
    const EXPECTED: &'static str = "a MAC address in lower case such as `bc:24:11:0a:00:01`";
    const PATTERN: Option<&'static str> = Some("^[0-9a-f]{2}(:[0-9a-f]{2}){5}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let pairs: Vec<&str> = text.split(':').collect();
        let well_formed = pairs.len() == 6
            && pairs
                .iter()
                .all(|pair| pair.len() == 2 && pair.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        if well_formed {
            return Ok(Self(text.to_owned()));
        }
        let digits: String = text
            .chars()
            .filter(|c| !matches!(c, ':' | '-' | '.'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            let pairs: Vec<&str> = (0..6).map(|i| &digits[2 * i..2 * i + 2]).collect();
            return Err(Invalid::new("is not written as Talos needs it").suggest(pairs.join(":")));
        }
        Err(Invalid::new(
            "is not a MAC address: six pairs of `0-9a-f` are needed",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_get_a_suggestion() {
        for text in [
            "BC:24:11:0A:00:01",
            "bc-24-11-0a-00-01",
            "bc24.110a.0001",
            "bc24110a0001",
        ] {
            let invalid = MacAddress::parse(text).expect_err(text);
            assert_eq!(invalid.suggestion.as_deref(), Some("bc:24:11:0a:00:01"), "{text}");
        }
        assert!(MacAddress::parse("bc:24:11:0a:00").is_err());
        assert!(MacAddress::parse("bc:24:11:0a:00:0é").is_err());
    }
}
