//! Other texts with a shape.

use super::{Invalid, TextValue, string_value};

/// Shows a character in a message, control characters by their code.
pub(super) fn visible(c: char) -> String {
    match c {
        ' ' => "a blank".to_owned(),
        '`' => "a backtick".to_owned(),
        c if c.is_ascii_graphic() || c.is_alphanumeric() => format!("`{c}`"),
        c => format!("the character U+{:04X}", u32::from(c)),
    }
}

/// A text of one line that is not blank. It stands in double quotes in many files, and so holds neither `"` nor `\`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(String);

string_value!(Line);

impl TextValue for Line {
    const FORMAT: &'static str = "line";
    const CODE: &'static str = "config/bad-text";
    const EXPECTED: &'static str = "a text of one line without quotes";
    const PATTERN: Option<&'static str> = Some(r"\S");

    fn parse(text: &str) -> Result<Self, Invalid> {
        one_line(text)?;
        if let Some(c) = text.chars().find(|c| matches!(c, '"' | '\\')) {
            return Err(Invalid::new(format!("must not contain {}", visible(c))));
        }
        Ok(Self(text.to_owned()))
    }
}

pub(super) fn one_line(text: &str) -> Result<(), Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::new("is blank"));
    }
    if text.trim_end_matches(['\n', '\r']) != text {
        return Err(Invalid::new("ends with a line break, as a `|` block does"));
    }
    if text.contains(['\n', '\r']) {
        return Err(Invalid::new("spans several lines"));
    }
    if text.trim() != text {
        return Err(Invalid::new("has blanks around it"));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("contains a control character"));
    }
    Ok(())
}

/// `owner/name` of a repository on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepositoryName(String);

string_value!(RepositoryName);

impl TextValue for RepositoryName {
    const FORMAT: &'static str = "github-repository";
    const CODE: &'static str = "config/bad-repository";
    const EXPECTED: &'static str = "`owner/name` of the GitHub repository, such as `octocat/home-ops`";
    const PATTERN: Option<&'static str> = Some("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let short = text
            .trim_start_matches("https://")
            .trim_start_matches("ssh://")
            .trim_start_matches("git@")
            .trim_start_matches("github.com")
            .trim_start_matches([':', '/'])
            .trim_end_matches(".git");
        if short != text {
            let invalid = Invalid::new("is an address; `owner/name` is enough");
            return Err(if Self::parse(short).is_ok() {
                invalid.suggest(short)
            } else {
                invalid
            });
        }
        let Some((owner, name)) = text.split_once('/') else {
            return Err(Invalid::new("is not `owner/name`: it has no `/`"));
        };
        let owner_ok = !owner.is_empty() && owner.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let name_ok = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if owner_ok && name_ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "is not `owner/name` with letters, digits and `-` (the name also `_` and `.`)",
            ))
        }
    }
}

/// The name of a git branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branch(String);

string_value!(Branch);

impl TextValue for Branch {
    const FORMAT: &'static str = "git-branch";
    const CODE: &'static str = "config/bad-branch";
    const EXPECTED: &'static str = "the name of a git branch such as `main`";
    const PATTERN: Option<&'static str> = Some(r"^[^\s~^:?*\[\\]+$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::new("is empty"));
        }
        if let Some(c) = text
            .chars()
            .find(|c| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(*c))
        {
            return Err(Invalid::new(format!(
                "is not a branch name: {} is not allowed",
                visible(c)
            )));
        }
        if let Some(branch) = text.strip_prefix("refs/heads/") {
            return Err(Invalid::new("is a full ref name").suggest(branch));
        }
        let bad = text.starts_with(['/', '-']) || text.ends_with(['/', '.']) || text.contains("..");
        if bad || text.contains("//") || text.contains("@{") {
            return Err(Invalid::new("is not a name that git allows for a branch"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// An `http` or `https` URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpUrl(String);

string_value!(HttpUrl);

impl TextValue for HttpUrl {
    const FORMAT: &'static str = "http-url";
    const CODE: &'static str = "config/bad-url";
    const EXPECTED: &'static str = "a URL such as `https://10.10.10.1`";
    const PATTERN: Option<&'static str> = Some(r"^https?://[^\s/]+");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let Some(rest) = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
        else {
            let plain = !text.is_empty() && !text.contains("://") && !text.contains(char::is_whitespace);
            let invalid = Invalid::new("does not start with `https://` or `http://`");
            return Err(if plain {
                invalid.suggest(format!("https://{text}"))
            } else {
                invalid
            });
        };
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Invalid::new("contains blanks"));
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.is_empty() {
            return Err(Invalid::new("has no host"));
        }
        if host.contains('@') {
            return Err(Invalid::new(
                "holds a user name or password; they do not belong in a URL",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A version of three numbers without a leading `v`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(String);

string_value!(Version);

impl TextValue for Version {
    const FORMAT: &'static str = "version";
    const CODE: &'static str = "config/bad-version";
    const EXPECTED: &'static str = "a version of three numbers such as `1.12.0`";
    const PATTERN: Option<&'static str> = Some(r"^[0-9]+\.[0-9]+\.[0-9]+$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(version) = text
            .strip_prefix('v')
            .filter(|version| Self::parse(version).is_ok())
        {
            return Err(Invalid::new("starts with `v`").suggest(version));
        }
        let parts: Vec<&str> = text.split('.').collect();
        let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if parts.len() == 2 && parts.iter().all(number) {
            return Err(Invalid::new("has two numbers; three are needed").suggest(format!("{text}.0")));
        }
        if parts.len() != 3 || !parts.iter().all(number) {
            return Err(Invalid::new("is not a release of three numbers"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The exact version of a Helm chart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChartVersion(String);

string_value!(ChartVersion);

impl TextValue for ChartVersion {
    const FORMAT: &'static str = "chart-version";
    const CODE: &'static str = "config/bad-version";
    const EXPECTED: &'static str = "an exact version of a chart such as `1.12.0`";
    const PATTERN: Option<&'static str> = Some(r"^v?[0-9]+\.[0-9]+\.[0-9]+([+-][0-9A-Za-z.+-]+)?$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let word = |text: &str| {
            let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+');
            !text.is_empty() && text.bytes().all(ok)
        };
        let release = text.strip_prefix('v').unwrap_or(text);
        let (release, rest) = match release.find(['-', '+']) {
            Some(end) => (&release[..end], Some(&release[end + 1..])),
            None => (release, None),
        };
        let exact = text.trim_start_matches(['=', '^', '~', '>', '<', ' ']);
        if exact != text && Self::parse(exact).is_ok() {
            return Err(Invalid::new("is a range, not an exact version").suggest(exact));
        }
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if release.split('.').count() != 3
            || !release.split('.').all(number)
            || rest.is_some_and(|rest| !word(rest))
        {
            return Err(Invalid::new("is not an exact version of three numbers"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The id of a schematic of the Talos image factory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchematicId(String);

string_value!(SchematicId);

impl TextValue for SchematicId {
    const FORMAT: &'static str = "schematic-id";
    const CODE: &'static str = "config/bad-schematic";
    const EXPECTED: &'static str = "the 64 characters that factory.talos.dev shows as the schematic id";
    const PATTERN: Option<&'static str> = Some("^[a-z0-9]{64}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let count = text.chars().count();
        if count != 64 {
            return Err(Invalid::new(format!(
                "has {count} characters; a schematic id has 64"
            )));
        }
        if !text.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9')) {
            return Err(Invalid::new(
                "is not a schematic id: only `a-z` and `0-9` are allowed",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The name of an HTTP header for a claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(String);

string_value!(HeaderName);

impl TextValue for HeaderName {
    const FORMAT: &'static str = "header";
    const CODE: &'static str = "config/bad-header";
    const EXPECTED: &'static str = "a header name that starts with `X-`, such as `X-User-Groups`";
    const PATTERN: Option<&'static str> = Some("^X-[A-Za-z0-9-]+$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let Some(name) = text.strip_prefix("X-") else {
            return Err(Invalid::new("does not start with `X-`"));
        };
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(Invalid::new(
                "is not a header name: only letters, digits and `-` are allowed",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggestion<T: TextValue>(text: &str) -> Option<String> {
        T::parse(text).err().and_then(|invalid| invalid.suggestion)
    }

    #[test]
    fn likely_slips_get_a_suggestion() {
        let repository = suggestion::<RepositoryName>("https://github.com/octocat/home-ops.git");
        assert_eq!(repository.as_deref(), Some("octocat/home-ops"));
        let repository = suggestion::<RepositoryName>("git@github.com:octocat/home-ops.git");
        assert_eq!(repository.as_deref(), Some("octocat/home-ops"));
        assert_eq!(suggestion::<Version>("v1.12.0").as_deref(), Some("1.12.0"));
        assert_eq!(suggestion::<Version>("1.12").as_deref(), Some("1.12.0"));
        assert_eq!(suggestion::<Branch>("refs/heads/main").as_deref(), Some("main"));
        assert_eq!(
            suggestion::<HttpUrl>("10.0.0.1").as_deref(),
            Some("https://10.0.0.1")
        );
    }

    #[test]
    fn chart_versions_are_exact() {
        for text in ["1.2.3", "v1.16.4", "0.0.1-rc.1", "4.5.0+build.7"] {
            assert!(ChartVersion::parse(text).is_ok(), "{text}");
        }
        for text in ["1.2", "latest", "1.x.0", ">=1.2.3 <2", "1.2.3-", "1.2.3 ", ""] {
            assert!(ChartVersion::parse(text).is_err(), "{text}");
        }
        assert_eq!(suggestion::<ChartVersion>("^1.2.3").as_deref(), Some("1.2.3"));
    }

    #[test]
    fn urls_hold_no_credentials() {
        assert!(HttpUrl::parse("https://admin:x@10.0.0.1").is_err());
        assert!(HttpUrl::parse("https://").is_err());
        assert!(HttpUrl::parse("https://10.0.0.1:8443/x").is_ok());
    }
}
