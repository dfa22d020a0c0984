//! How long and how much.

use super::{Invalid, TextValue, string_value};

/// A retention time in hours, days or weeks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Retention(String);

string_value!(Retention);

impl TextValue for Retention {
    const FORMAT: &'static str = "duration";
    const CODE: &'static str = "config/bad-duration";
    const EXPECTED: &'static str = "a whole number of hours, days or weeks such as `12h`, `7d` or `2w`";
    const PATTERN: Option<&'static str> = Some("^[0-9]+[dhw]$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        duration(text, &["h", "d", "w"]).map(|()| Self(text.to_owned()))
    }
}

/// A retention time in hours or days: Tempo knows no weeks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TraceRetention(String);

string_value!(TraceRetention);

impl TextValue for TraceRetention {
    const FORMAT: &'static str = "duration-hd";
    const CODE: &'static str = "config/bad-duration";
    const EXPECTED: &'static str = "a whole number of hours or days such as `72h` or `3d`";
    const PATTERN: Option<&'static str> = Some("^[0-9]+[hd]$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        duration(text, &["h", "d"]).map(|()| Self(text.to_owned()))
    }
}

/// A volume size in binary units.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quantity(String);

string_value!(Quantity);

impl TextValue for Quantity {
    const FORMAT: &'static str = "quantity";
    const CODE: &'static str = "config/bad-quantity";
    const EXPECTED: &'static str = "a whole number with `Ki`, `Mi`, `Gi` or `Ti`, such as `50Gi`";
    const PATTERN: Option<&'static str> = Some("^[0-9]+[KMGT]i$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let (number, unit) = number_and_unit(text)?;
        nonzero(number)?;
        if matches!(unit, "Ki" | "Mi" | "Gi" | "Ti") {
            return Ok(Self(text.to_owned()));
        }
        let letter = unit.chars().next().map(|c| c.to_ascii_uppercase());
        Err(match letter {
            Some(letter @ ('K' | 'M' | 'G' | 'T')) if unit.len() <= 3 => {
                Invalid::new("has a unit that is not `Ki`, `Mi`, `Gi` or `Ti`")
                    .suggest(format!("{number}{letter}i"))
            }
            None => Invalid::new("has no unit").suggest(format!("{number}Gi")),
            _ => Invalid::new("has a unit that is not `Ki`, `Mi`, `Gi` or `Ti`"),
        })
    }
}

fn duration(text: &str, units: &[&str]) -> Result<(), Invalid> {
    let (number, unit) = number_and_unit(text)?;
    nonzero(number)?;
    if units.contains(&unit) {
        return Ok(());
    }
    let listed = units
        .iter()
        .map(|u| format!("`{u}`"))
        .collect::<Vec<_>>()
        .join(" or ");
    Err(match (unit, number.parse::<u32>()) {
        ("", _) => Invalid::new("has no unit").suggest(format!("{number}d")),
        ("w", Ok(weeks)) => Invalid::new("is in weeks, which Tempo does not know")
            .suggest(format!("{}d", u64::from(weeks) * 7)),
        _ => Invalid::new(format!("has a unit that is not {listed}")),
    })
}

/// Splits leading digits from the rest.
fn number_and_unit(text: &str) -> Result<(&str, &str), Invalid> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Err(Invalid::new("does not start with a number"));
    }
    let (number, unit) = text.split_at(end);
    if unit.starts_with(['.', ',']) {
        return Err(Invalid::new("is not a whole number"));
    }
    Ok((number, unit))
}

fn nonzero(number: &str) -> Result<(), Invalid> {
    if number.bytes().all(|b| b == b'0') {
        return Err(Invalid::new("is zero"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_explained() {
        let suggestion = |r: Result<Quantity, Invalid>| r.expect_err("invalid").suggestion;
        assert_eq!(suggestion(Quantity::parse("50GB")).as_deref(), Some("50Gi"));
        assert_eq!(suggestion(Quantity::parse("50gi")).as_deref(), Some("50Gi"));
        assert_eq!(suggestion(Quantity::parse("50")).as_deref(), Some("50Gi"));
        assert!(Quantity::parse("1.5Gi").is_err() && Quantity::parse("0Gi").is_err());
        let invalid = TraceRetention::parse("2w").expect_err("weeks");
        assert_eq!(invalid.suggestion.as_deref(), Some("14d"));
        for zero in [
            TraceRetention::parse("0w").err(),
            TraceRetention::parse("0").err(),
        ] {
            assert_eq!(zero, Some(Invalid::new("is zero")));
        }
        assert_eq!(Quantity::parse("00GB"), Err(Invalid::new("is zero")));
        assert!(Retention::parse("2w").is_ok() && Retention::parse("1mo").is_err());
    }
}
