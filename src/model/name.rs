//! Names: of hosts, of Kubernetes objects, of nodes.

use super::text::visible;
use super::{Invalid, TextValue, string_value};

/// The most characters a DNS label may have (RFC 1035), and a Kubernetes label value.
const MAX_LABEL: usize = 63;

/// The most characters a DNS name may have (RFC 1035).
const MAX_NAME: usize = 253;

/// A fully qualified domain name without the final dot, of at least two labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fqdn(String);

string_value!(Fqdn);

impl TextValue for Fqdn {
    const FORMAT: &'static str = "fqdn";
    const CODE: &'static str = "config/bad-domain";
    const EXPECTED: &'static str = "a domain name such as `example.com`";
    const PATTERN: Option<&'static str> = Some(r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some((_, rest)) = text.split_once("://") {
            let host = rest.split('/').next().unwrap_or_default();
            let invalid = Invalid::new("is a URL; only the domain name belongs here");
            return Err(if Self::parse(host).is_ok() {
                invalid.suggest(host)
            } else {
                invalid
            });
        }
        if let Some(name) = text.strip_suffix('.').filter(|name| Self::parse(name).is_ok()) {
            return Err(Invalid::new("ends with a dot").suggest(name));
        }
        if let Some(name) = text.strip_prefix("*.") {
            return Err(Invalid::new("is a wildcard; a plain domain name is needed").suggest(name));
        }
        if text.parse::<std::net::Ipv4Addr>().is_ok() {
            return Err(Invalid::new("is an address, not a domain name"));
        }
        if !text.contains('.') {
            return Err(Invalid::new("is not a full domain name: it has no dot"));
        }
        dns_name(text, "domain name")?;
        Ok(Self(text.to_owned()))
    }
}

/// One label of a domain name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostLabel(String);

string_value!(HostLabel);

impl TextValue for HostLabel {
    const FORMAT: &'static str = "dns-label";
    const CODE: &'static str = "config/bad-label";
    const EXPECTED: &'static str = "the first part of a host name such as `grafana`";
    const PATTERN: Option<&'static str> = Some("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some((label, _)) = text.split_once('.') {
            let invalid = Invalid::new("has a dot; only the first part of the host name belongs here");
            return Err(if Self::parse(label).is_ok() {
                invalid.suggest(label)
            } else {
                invalid
            });
        }
        label(text, "host name")?;
        Ok(Self(text.to_owned()))
    }
}

/// The name of a Kubernetes object (RFC 1123 subdomain).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(String);

string_value!(ObjectName);

impl TextValue for ObjectName {
    const FORMAT: &'static str = "object-name";
    const CODE: &'static str = "config/bad-name";
    const EXPECTED: &'static str = "a Kubernetes name such as `local-path`";
    const PATTERN: Option<&'static str> = Some(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        dns_name(text, "Kubernetes name")?;
        Ok(Self(text.to_owned()))
    }
}

/// The value of a Kubernetes label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelValue(String);

string_value!(LabelValue);

impl TextValue for LabelValue {
    const FORMAT: &'static str = "label-value";
    const CODE: &'static str = "config/bad-name";
    const EXPECTED: &'static str = "a name of letters, digits, `-`, `_` and `.` such as `home`";
    const PATTERN: Option<&'static str> = Some("^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        characters(text, "name", "letters, digits, `-`, `_` and `.`", allowed)?;
        ends(text, |c| c.is_ascii_alphanumeric(), "a letter or digit")?;
        Ok(Self(text.to_owned()))
    }
}

/// The name of a node: its host name, and the name of its patch directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

string_value!(NodeName);

impl TextValue for NodeName {
    const FORMAT: &'static str = "node-name";
    const CODE: &'static str = "config/bad-node-name";
    const EXPECTED: &'static str = "a host name such as `k8s-1`";
    const PATTERN: Option<&'static str> = Some("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if matches!(text, "global" | "controller" | "worker") {
            return Err(Invalid::new(
                "is taken: `global`, `controller` and `worker` name directories of Talos patches",
            ));
        }
        label(text, "host name")?;
        Ok(Self(text.to_owned()))
    }
}

/// The name of a Linux kernel module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelModule(String);

string_value!(KernelModule);

impl TextValue for KernelModule {
    const FORMAT: &'static str = "kernel-module";
    const CODE: &'static str = "config/bad-name";
    const EXPECTED: &'static str = "the name of a kernel module such as `nbd`";
    const PATTERN: Option<&'static str> = Some("^[A-Za-z0-9_-]{1,63}$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        characters(text, "module name", "letters, digits, `-` and `_`", allowed)?;
        Ok(Self(text.to_owned()))
    }
}

/// Checks a name of one or more labels.
fn dns_name(text: &str, what: &str) -> Result<(), Invalid> {
    if text.len() > MAX_NAME {
        return Err(Invalid::new(format!("is longer than {MAX_NAME} characters")));
    }
    if text.contains("..") {
        return Err(Invalid::new(format!("is not a {what}: it has two dots in a row")));
    }
    text.split('.')
        .try_for_each(|part| label(part, what))
        .map_err(|invalid| {
            let lower = text.to_ascii_lowercase();
            match invalid.suggestion {
                Some(_) => invalid.suggest(lower),
                None => invalid,
            }
        })
}

/// Checks one label.
fn label(text: &str, what: &str) -> Result<(), Invalid> {
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
    let lower = text.to_ascii_lowercase();
    if lower != text && lower.chars().all(allowed) {
        return Err(Invalid::new("has capital letters").suggest(lower));
    }
    characters(text, what, "`a-z`, `0-9` and `-`", allowed)?;
    ends(text, |c| c != '-', "a letter or digit")
}

fn characters(text: &str, what: &str, listed: &str, allowed: fn(char) -> bool) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(format!("is not a {what}: it is empty")));
    }
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        let shown = visible(c);
        return Err(Invalid::new(format!(
            "is not a {what}: {shown} is not allowed, only {listed}"
        )));
    }
    if text.len() > MAX_LABEL {
        return Err(Invalid::new(format!("is longer than {MAX_LABEL} characters")));
    }
    Ok(())
}

fn ends(text: &str, allowed: fn(char) -> bool, what: &str) -> Result<(), Invalid> {
    let inner = text.starts_with(allowed) && text.ends_with(allowed);
    if inner {
        Ok(())
    } else {
        Err(Invalid::new(format!("must start and end with {what}")))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn reason<T: TextValue>(text: &str) -> (Cow<'static, str>, Option<String>) {
        let Err(invalid) = T::parse(text) else {
            panic!("{text} was accepted");
        };
        (invalid.reason, invalid.suggestion)
    }

    #[test]
    fn names_are_explained() {
        assert_eq!(
            reason::<Fqdn>("https://example.com/x").1.as_deref(),
            Some("example.com")
        );
        assert_eq!(reason::<Fqdn>("Example.com").1.as_deref(), Some("example.com"));
        assert_eq!(reason::<Fqdn>("example.com.").1.as_deref(), Some("example.com"));
        assert_eq!(
            reason::<HostLabel>("grafana.example.com").1.as_deref(),
            Some("grafana")
        );
        assert!(reason::<NodeName>("worker").0.contains("taken"));
        assert!(reason::<NodeName>("k8s_1").0.contains("`_` is not allowed"));
        assert!(reason::<NodeName>("-a").0.contains("start and end"));
        assert!(
            reason::<Fqdn>(&format!("{}.com", "a".repeat(64)))
                .0
                .contains("longer")
        );
        assert!(NodeName::parse("a").is_ok() && LabelValue::parse("Home_1.x").is_ok());
    }
}
