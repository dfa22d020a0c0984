//! Configuration: from files to findings, and what is generated from the types.

mod encrypted;
mod example;
mod files;
mod fixtures;
mod generated;
mod masking;

use clusterwright::config::{Cluster, Decrypted, Vault, parse};
use clusterwright::diag::{Aborted, Diagnostic, Diagnostics};
use clusterwright::sys::FixedEntropy;
use clusterwright::validate::validate;

/// A decryption that finds no private key.
#[expect(clippy::unnecessary_wraps, reason = "the signature of `load`'s decryption")]
fn no_identity(_: &str) -> Result<Decrypted, Diagnostic> {
    Ok(Decrypted::NoIdentity)
}

/// Parses and validates texts of `(name, text)`.
fn check(texts: &[(&str, String)]) -> (Diagnostics, Result<Cluster, Aborted>) {
    let mut diags = Diagnostics::default();
    let mut vault = Vault::new(&mut FixedEntropy::new(7));
    let result = parse(texts, &no_identity, &mut diags)
        .and_then(|document| validate(&document, &mut vault, &mut diags));
    (diags, result)
}
