//! Configuration: from files to findings, and what is generated from the types.

mod edits;
mod encrypted;
mod example;
mod files;
mod fixtures;
mod generated;
mod masking;

use clusterwright::config::{Cluster, Decrypted, Vault, Vocabulary, parse};
use clusterwright::diag::{Aborted, Diagnostic, Diagnostics};
use clusterwright::sys::FixedEntropy;
use clusterwright::validate::validate;
use clusterwright::world::side::Reported;

/// A decryption that finds no private key.
#[expect(clippy::unnecessary_wraps, reason = "the signature of a decryption")]
fn no_identity(_: &str) -> Result<Decrypted, Diagnostic> {
    Ok(Decrypted::NoIdentity)
}

/// The id of a tunnel in `cloudflare-tunnel.json`.
const TUNNEL_ID: &str = "6ff42ae2-765d-4adf-8112-31c55c1551ef";

/// Every side file is there.
fn all_beside() -> Reported {
    Reported {
        deploy_key: true,
        tunnel_id: Some(TUNNEL_ID.to_owned()),
        keyless: false,
        without_tunnel: false,
    }
}

/// Parses and validates texts of `(name, text)`, with every side file there.
fn check(texts: &[(&str, String)]) -> (Diagnostics, Result<Cluster, Aborted>) {
    check_beside(texts, &all_beside())
}

fn check_beside(texts: &[(&str, String)], side: &Reported) -> (Diagnostics, Result<Cluster, Aborted>) {
    let mut diags = Diagnostics::default();
    let mut vault = Vault::new(&mut FixedEntropy::new(7));
    let result = parse(texts, &Vocabulary::built_in(), &no_identity, &mut diags)
        .and_then(|document| validate(&document, side, &mut vault, &mut diags));
    (diags, result)
}
