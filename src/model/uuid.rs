//! Ids that services make up.

use super::{Invalid, TextValue, string_value};

/// A UUID in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(String);

string_value!(Uuid);

impl TextValue for Uuid {
    const FORMAT: &'static str = "uuid-id";
    const CODE: &'static str = "config/bad-id";
    const EXPECTED: &'static str = "a UUID such as `6ff42ae2-765d-4adf-8112-31c55c1551ef`";
    const PATTERN: Option<&'static str> = Some("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let lengths = text.split('-').map(str::len);
        if !text.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            return Err(Invalid::new(
                "is not a UUID: only `0-9`, `a-f` and `-` are allowed",
            ));
        }
        if !lengths.eq([8, 4, 4, 4, 12]) {
            return Err(Invalid::new(
                "is not a UUID: five groups of 8, 4, 4, 4 and 12 digits are needed",
            ));
        }
        let lower = text.to_ascii_lowercase();
        if lower != text {
            return Err(Invalid::new("has capital letters").suggest(lower));
        }
        Ok(Self(lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counted() {
        assert!(Uuid::parse("6ff42ae2-765d-4adf-8112-31c55c1551ef").is_ok());
        for text in [
            "6ff42ae2765d4adf811231c55c1551ef",
            "6ff42ae2-765d-4adf-8112-31c55c1551e",
            "x",
            "é",
        ] {
            assert!(Uuid::parse(text).is_err(), "{text}");
        }
        let capital = Uuid::parse("6FF42AE2-765d-4adf-8112-31c55c1551ef").expect_err("capital");
        assert_eq!(
            capital.suggestion.as_deref(),
            Some("6ff42ae2-765d-4adf-8112-31c55c1551ef")
        );
    }
}
