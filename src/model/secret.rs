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
        written_out(text).map(|()| Self(()))
    }
}

/// What stands before a token in an HTTP header, what is wrong, and the edit.
const SCHEMES: [(&str, &str, &str); 3] = [
    (
        "Bearer ",
        "starts with `Bearer `, which is no part of a token",
        "remove `Bearer ` and keep what follows",
    ),
    (
        "Token ",
        "starts with `Token `, which is no part of a token",
        "remove `Token ` and keep what follows",
    ),
    (
        "Authorization:",
        "is a whole HTTP header",
        "keep only the token: what follows `Authorization: Bearer `",
    ),
];

fn begins_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// One line that is the secret, not the name of a place that holds it.
fn written_out(text: &str) -> Result<(), Invalid> {
    one_line(text)?;
    let whole = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    if whole("${", "}") || whole("{{", "}}") || whole("$(", ")") {
        return Err(unexpanded());
    }
    if text.starts_with("op://") || text.starts_with("ref+") {
        return Err(Invalid::new("is a reference, which nothing looks up")
            .help("write the secret itself in place of the reference: `cluster.yaml` is read as it stands"));
    }
    Ok(())
}

/// Returns whether a text is `$NAME`, as a shell writes it.
fn is_shell_variable(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    })
}

fn unexpanded() -> Invalid {
    Invalid::new("is a variable, which nothing fills in")
        .help("write the secret itself in place of the variable: `cluster.yaml` is read as it stands")
}

/// A key or token as a service hands it out: one word, without what stands before it in an HTTP header.
#[derive(Debug)]
pub struct SecretWord(());

impl TextValue for SecretWord {
    const FORMAT: &'static str = "secret-word";
    const CODE: &'static str = "config/bad-secret";
    const EXPECTED: &'static str = "a token without blanks";
    const PATTERN: Option<&'static str> = None;

    fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(scheme) = SCHEMES.iter().find(|scheme| begins_with(text.trim(), scheme.0)) {
            return Err(Invalid::new(scheme.1).help(scheme.2));
        }
        written_out(text)?;
        if is_shell_variable(text) {
            return Err(unexpanded());
        }
        if text.contains(char::is_whitespace) {
            return Err(Invalid::new("has a blank inside, which no token has")
                .help("remove the blank and what does not belong to the token, or copy the token again"));
        }
        Ok(Self(()))
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
        SecretWord::parse(text)?;
        if text.contains(['"', '\\']) {
            return Err(Invalid::new("contains a quote or a backslash"));
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
        written_out(text)?;
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
        written_out(text)?;
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

    #[test]
    fn what_is_not_the_secret_itself_is_told_apart() {
        for text in [
            "${CF_TOKEN}",
            "{{ token }}",
            "$(cat token)",
            "op://vault/item/field",
        ] {
            assert!(SecretFormat::parse(text).is_err(), "{text}");
            assert!(SecretWord::parse(text).is_err(), "{text}");
        }
        for text in [
            "$CF_TOKEN",
            "Bearer abc",
            "bearer abc",
            "Token abc",
            "Authorization: Bearer abc",
            "abc def",
        ] {
            let invalid = SecretToken::parse(text).expect_err(text);
            assert!(
                invalid.help.is_some() && invalid.fixed_reason().is_some(),
                "{text}"
            );
            assert!(
                SecretFormat::parse(text).is_ok(),
                "{text}: a password may be that"
            );
        }
        for text in ["Bearer", "0.4c7d.abc:de==", "$ecret1", "to$ken"] {
            assert!(SecretToken::parse(text).is_ok(), "{text}");
        }
        assert!(SecretWord::parse("a\"b\\c").is_ok(), "a key of an own S3 server");
    }
}
