//! The shapes of secrets. Only for checking: a secret's value is never held in these types, and every reason is fixed
//! text, because one that repeats the value could not be shown.

use super::text::one_line;
use super::{HttpUrl, Invalid, TextValue};

/// The shape of every secret: one line, not blank, no blanks around it. A block scalar (`|`) would add a line break,
/// which no service accepts in a token.
#[derive(Debug)]
pub struct SecretFormat(());

impl TextValue for SecretFormat {
    const FORMAT: &'static str = "secret";
    const CODE: &'static str = "config/bad-secret";
    const EXPECTED: &'static str = "a secret on one line";
    const PATTERN: Option<&'static str> = Some(r"\S");

    fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text).map(|()| Self(()))
    }
}

/// A token that is written into a file between quotes, and so holds neither blanks nor `"` nor `\`.
#[derive(Debug)]
pub struct SecretToken(());

impl TextValue for SecretToken {
    const FORMAT: &'static str = "secret-token";
    const CODE: &'static str = "config/bad-secret";
    const EXPECTED: &'static str = "a token without blanks and quotes";
    const PATTERN: Option<&'static str> = None;

    fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text)?;
        if text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\\')) {
            return Err(Invalid::new("contains a blank, a quote or a backslash"));
        }
        Ok(Self(()))
    }
}

/// An address that is itself a secret.
#[derive(Debug)]
pub struct SecretHttpUrl(());

impl TextValue for SecretHttpUrl {
    const FORMAT: &'static str = "secret-http-url";
    const CODE: &'static str = "config/bad-secret";
    const EXPECTED: &'static str = "an address that starts with `https://` or `http://`";
    const PATTERN: Option<&'static str> = None;

    fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text)?;
        HttpUrl::parse(text).map(|_| Self(())).map_err(without_value)
    }
}

/// An address that is itself a secret, and travels encrypted only.
#[derive(Debug)]
pub struct SecretHttpsUrl(());

impl TextValue for SecretHttpsUrl {
    const FORMAT: &'static str = "secret-https-url";
    const CODE: &'static str = "config/bad-secret";
    const EXPECTED: &'static str = "an address that starts with `https://`";
    const PATTERN: Option<&'static str> = None;

    fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text)?;
        if !text.starts_with("https://") {
            return Err(Invalid::new("does not start with `https://`"));
        }
        HttpUrl::parse(text).map(|_| Self(())).map_err(without_value)
    }
}

/// A suggestion would repeat the secret.
fn without_value(invalid: Invalid) -> Invalid {
    Invalid::new(invalid.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_suggestions_hold_nothing_of_the_secret() {
        for text in [
            "s3cret",
            "ftp://s3cret",
            "http://s3cret",
            "https://u:s3cret@x",
            "https://",
            "s3c ret\"\\",
        ] {
            for result in [
                SecretHttpUrl::parse(text).map(|_| ()),
                SecretHttpsUrl::parse(text).map(|_| ()),
                SecretToken::parse(text).map(|_| ()),
            ] {
                if let Err(invalid) = result {
                    assert!(
                        invalid.suggestion.is_none() && invalid.fixed_reason().is_some(),
                        "{text}"
                    );
                }
            }
        }
        assert!(SecretHttpsUrl::parse("http://x").is_err() && SecretHttpUrl::parse("http://x").is_ok());
        assert!(SecretToken::parse("a b").is_err() && SecretToken::parse("6f1c-77").is_ok());
    }

    #[test]
    fn secrets_are_one_line() {
        for text in ["", "  ", "x\n", "a\nb", " x", "a\u{7}b"] {
            assert!(SecretFormat::parse(text).is_err(), "{text:?}");
        }
        assert!(SecretFormat::parse("correct horse").is_ok());
    }
}
