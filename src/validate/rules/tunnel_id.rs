//! The tunnel's id is known, from its file or from the key, and they agree.

use super::KeyRule;
use crate::diag::Diagnostic;
use crate::model::{TextValue as _, Uuid};
use crate::validate::facts::Facts;
use crate::world::side::TUNNEL;

pub(super) const RULE: KeyRule = KeyRule {
    name: "tunnel_id",
    codes: &["config/other-tunnel", "config/missing-tunnel-id"],
    check,
};

fn check(facts: &Facts<'_>, out: &mut Vec<Diagnostic>) {
    let key = facts.get::<Uuid>("/cloudflare_tunnel_id");
    let in_file = facts
        .side
        .tunnel_id
        .as_deref()
        .and_then(|id| Uuid::parse(id).ok());
    match (key, in_file) {
        (Some(key), Some(id)) if key.value != id => {
            let message = format!("`cloudflare_tunnel_id` is not the id in `{TUNNEL}`");
            out.push(
                Diagnostic::error("config/other-tunnel", message)
                    .at_opt(key.span, "another tunnel")
                    .help(format!(
                        "write `cloudflare_tunnel_id: {id}`, or remove the key: the file is enough"
                    )),
            );
        }
        (None, None) if facts.side.without_tunnel && !facts.has("cloudflare_tunnel_id") => {
            let message = format!("without `{TUNNEL}`, `cloudflare_tunnel_id` is needed");
            out.push(
                Diagnostic::error("config/missing-tunnel-id", message)
                    .at_opt(
                        facts.key_span("cloudflare_domain"),
                        "its DNS records lead to the tunnel",
                    )
                    .note("the id is no secret: it stands in the name that the records lead to")
                    .help(format!(
                        "add `cloudflare_tunnel_id: ` with the `TunnelID` of `{TUNNEL}`"
                    )),
            );
        }
        _ => {}
    }
}
