//! Who may decrypt.

use super::{Invalid, TextValue, string_value};

/// An age recipient: the public half of a key. Which kinds can be encrypted to is `seal`'s to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgeRecipient(String);

string_value!(AgeRecipient);

impl TextValue for AgeRecipient {
    const FORMAT: &'static str = "age-recipient";
    const CODE: &'static str = "config/bad-recipient";
    const EXPECTED: &'static str = "an age recipient, which starts with `age1`";
    const PATTERN: Option<&'static str> = Some("^age1[a-z0-9-]{20,}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") {
            return Err(Invalid::new(
                "is a private key: it must not be here, and should be replaced if this file was ever shared",
            ));
        }
        if text.starts_with("ssh-") {
            return Err(Invalid::new("is an SSH key; only age recipients are supported"));
        }
        let Some(data) = text.strip_prefix("age1") else {
            return Err(Invalid::new("does not start with `age1`"));
        };
        if let Some(c) = data.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
            return Err(Invalid::new(format!(
                "must not contain {}",
                super::text::visible(c)
            )));
        }
        if data.len() < 20 {
            return Err(Invalid::new("is too short for an age recipient: was it cut off?"));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_is_called_one_and_not_repeated() {
        let invalid = AgeRecipient::parse("AGE-SECRET-KEY-1QQQ").expect_err("private");
        assert!(invalid.reason.contains("private key") && !invalid.reason.contains("1QQQ"));
    }
}
