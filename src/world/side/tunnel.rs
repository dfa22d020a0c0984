//! `cloudflare-tunnel.json`: the credentials of the Cloudflare tunnel.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::TUNNEL;
use crate::diag::Diagnostic;
use crate::model::{TextValue as _, Uuid};
use crate::sys::{Entropy, SecretText};

/// How a person gets the file.
pub const HOW: [&str; 2] = [
    "log in with `cloudflared tunnel login`, then run \
     `cloudflared tunnel create --credentials-file cloudflare-tunnel.json <name>` here",
    "for a tunnel that exists: `cloudflared tunnel token --cred-file cloudflare-tunnel.json <name>`",
];

/// The bytes of a tunnel's secret. Source: what `cloudflared tunnel create` makes.
const SECRET_BYTES: usize = 32;

/// The tunnel that brings traffic from Cloudflare.
#[derive(Debug)]
pub struct Tunnel {
    /// Its id, a UUID; no secret.
    pub id: String,
    /// The token that `cloudflared` runs with.
    pub token: SecretText,
}

impl Tunnel {
    /// Reads the credentials that `cloudflared` has written.
    ///
    /// # Errors
    /// When it is not JSON, or lacks a field. No finding repeats anything of the text.
    pub fn parse(text: &SecretText) -> Result<Self, Diagnostic> {
        let Ok(Value::Object(fields)) = serde_json::from_str(text.expose()) else {
            return Err(wrong("is not a JSON object"));
        };
        let field = |name: &str| match fields.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Zeroizing::new(text.clone())),
            Some(_) => Err(wrong(&format!("has a field `{name}` that is not a text"))),
            None => Err(wrong(&format!("has no field `{name}`"))),
        };
        let (account, id, secret) = (field("AccountTag")?, field("TunnelID")?, field("TunnelSecret")?);
        let id = id.to_ascii_lowercase();
        if Uuid::parse(&id).is_err() {
            return Err(wrong("has a `TunnelID` that is not a UUID"));
        }
        let fields = Zeroizing::new(json!({"a": *account, "t": id, "s": *secret}).to_string());
        Ok(Self {
            token: SecretText::new(STANDARD.encode(fields.as_bytes())),
            id,
        })
    }
}

fn wrong(what: &str) -> Diagnostic {
    with_how(Diagnostic::error("side/bad-tunnel", format!("`{TUNNEL}` {what}")))
}

/// The finding for a file that is not there.
pub(super) fn missing() -> Diagnostic {
    let message = format!("`{TUNNEL}` is missing: the credentials of the Cloudflare tunnel");
    with_how(Diagnostic::error("side/missing", message))
}

fn with_how(finding: Diagnostic) -> Diagnostic {
    HOW.iter()
        .fold(finding.in_file(TUNNEL), |finding, line| finding.help(*line))
}

/// Makes up credentials that look like real ones, for `demo`.
pub fn demo(entropy: &mut dyn Entropy) -> SecretText {
    let mut bytes = [0; 32 + SECRET_BYTES];
    entropy.fill(&mut bytes);
    let hex: String = bytes[..32].iter().map(|byte| format!("{byte:02x}")).collect();
    let id = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-");
    let fields = json!({
        "AccountTag": hex[32..],
        "TunnelSecret": STANDARD.encode(&bytes[32..]),
        "TunnelID": id,
    });
    SecretText::new(format!("{fields}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::FixedEntropy;

    const GOOD: &str = r#"{"AccountTag": "5f2b", "TunnelSecret": "s3cret==", "TunnelID": "6ff42ae2-765d-4adf-8112-31c55c1551ef"}"#;

    fn parse(text: &str) -> Result<Tunnel, Diagnostic> {
        Tunnel::parse(&SecretText::new(text.to_owned()))
    }

    #[test]
    fn the_token_is_what_cloudflared_takes() {
        let tunnel = parse(GOOD).expect("good");
        assert_eq!(tunnel.id, "6ff42ae2-765d-4adf-8112-31c55c1551ef");
        let clear = STANDARD.decode(tunnel.token.expose()).expect("base64");
        assert_eq!(
            String::from_utf8_lossy(&clear),
            r#"{"a":"5f2b","t":"6ff42ae2-765d-4adf-8112-31c55c1551ef","s":"s3cret=="}"#
        );
    }

    #[test]
    fn what_is_wrong_is_named_without_the_secret() {
        for (from, to, expected) in [
            ("TunnelSecret", "Secret", "has no field `TunnelSecret`"),
            ("AccountTag", "Account", "has no field `AccountTag`"),
            ("\"5f2b\"", "5", "field `AccountTag` that is not a text"),
            ("765d", "x", "not a UUID"),
            ("{", "", "not a JSON object"),
        ] {
            let finding = parse(&GOOD.replace(from, to)).expect_err(expected);
            assert!(finding.message.contains(expected), "{}", finding.message);
            assert!(!format!("{finding:?}").contains("s3cret"), "{finding:?}");
        }
    }

    #[test]
    fn a_demo_tunnel_parses() {
        assert!(Tunnel::parse(&demo(&mut FixedEntropy::new(1))).is_ok());
    }
}
