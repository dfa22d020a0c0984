//! What Proxmox VE calls things.

use super::{HttpUrl, Invalid, TextValue, string_value};

/// The path of the API, which templates add.
const API_PATH: &str = "/api2/json";

/// The URL of the Proxmox API, up to the port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProxmoxEndpoint(String);

string_value!(ProxmoxEndpoint);

impl TextValue for ProxmoxEndpoint {
    const FORMAT: &'static str = "proxmox-endpoint";
    const CODE: &'static str = "config/bad-url";
    const EXPECTED: &'static str = "a URL without a path such as `https://pve.example.com:8006`";
    const PATTERN: Option<&'static str> = Some(r"^https?://[^\s/]+$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        let short = text
            .trim_end_matches('/')
            .trim_end_matches(API_PATH)
            .trim_end_matches('/');
        HttpUrl::parse(short)?;
        if short != text {
            let reason = if text.contains(API_PATH) {
                "ends with `/api2/json`, which is added to it"
            } else {
                "ends with `/`"
            };
            return Err(Invalid::new(reason).suggest(short));
        }
        let host = text.split_once("://").map_or(text, |(_, rest)| rest);
        if let Some(at) = host.find(['/', '?', '#']) {
            let end = text.len() - host.len() + at;
            return Err(Invalid::new("has a path").suggest(&text[..end]));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The id of an API token: `user@realm!token`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProxmoxTokenId(String);

string_value!(ProxmoxTokenId);

impl TextValue for ProxmoxTokenId {
    const FORMAT: &'static str = "proxmox-token-id";
    const CODE: &'static str = "config/bad-token-id";
    const EXPECTED: &'static str = "`user@realm!token` such as `kubernetes-csi@pve!csi`";
    const PATTERN: Option<&'static str> = Some("^[^@!]+@[^@!]+![^@!=]+$");

    fn parse(text: &str) -> Result<Self, Invalid> {
        if text.contains('=') {
            return Err(Invalid::new(
                "has a `=`: the secret belongs into a key of its own",
            ));
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\')) {
            return Err(Invalid::new("contains a blank, a quote or a backslash"));
        }
        let parts = text
            .split_once('@')
            .and_then(|(user, rest)| Some((user, rest.split_once('!')?)));
        let Some((user, (realm, token))) = parts else {
            return Err(Invalid::new("is not `user@realm!token`"));
        };
        let plain = |part: &str| !part.is_empty() && !part.contains(['@', '!']);
        if plain(user) && plain(realm) && plain(token) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("is not `user@realm!token`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_no_path() {
        let suggestion = |text: &str| ProxmoxEndpoint::parse(text).expect_err("invalid").suggestion;
        let good = "https://pve.example.com:8006";
        assert!(ProxmoxEndpoint::parse(good).is_ok());
        for text in ["/", "/api2/json", "/api2/json/", "/nodes?x"] {
            assert_eq!(
                suggestion(&format!("{good}{text}")).as_deref(),
                Some(good),
                "{text}"
            );
        }
        assert!(ProxmoxEndpoint::parse("https:///api2/json").is_err());
    }

    #[test]
    fn token_ids_have_three_parts() {
        assert!(ProxmoxTokenId::parse("kubernetes-csi@pve!csi").is_ok());
        for text in [
            "root@pam", "root!x", "a@b!c=d", "@b!c", "a@b!", "a@b!c!d", "a b@c!d",
        ] {
            assert!(ProxmoxTokenId::parse(text).is_err(), "{text}");
        }
        let reason = ProxmoxTokenId::parse("a@b!c=s3cret").expect_err("secret").reason;
        assert!(!reason.contains("s3cret"));
    }
}
