//! The files beside `cluster.yaml`: the age key and the push token.

use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;
use crate::sys::SecretText;

/// The private age key that opens the repository's secrets.
pub const AGE_KEY: &str = "age.key";
/// The token with which GitHub signs webhook calls to Flux.
pub const PUSH_TOKEN: &str = "github-push-token.txt";
/// Side files that must never be committed.
pub const PRIVATE: [&str; 5] = [
    "cluster.yaml",
    AGE_KEY,
    PUSH_TOKEN,
    "github-deploy.key",
    "cloudflare-tunnel.json",
];

/// Largest side file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a side file; `None` when it is not there.
///
/// # Errors
/// When it is there and cannot be read as text.
pub fn read(root: &Path, name: &str) -> Result<Option<SecretText>, Diagnostic> {
    read_path(&root.join(name), name)
}

/// Reads a file that holds a secret; `name` is what findings call it.
///
/// # Errors
/// When it is there and cannot be read as text.
pub fn read_path(path: &PathBuf, name: &str) -> Result<Option<SecretText>, Diagnostic> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Diagnostic::io("read", name, &error)),
    };
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        let what = if metadata.is_file() {
            "is larger than 1 MiB"
        } else {
            "is not a file"
        };
        return Err(Diagnostic::error("side/not-text", format!("`{name}` {what}")).in_file(name));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(SecretText::new(text))),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Diagnostic::error("side/not-text", format!("`{name}` is not text")).in_file(name))
        }
        Err(error) => Err(Diagnostic::io("read", name, &error)),
    }
}

/// The finding for a side file that must be there.
pub fn missing(name: &str, what: &str) -> Diagnostic {
    Diagnostic::error("side/missing", format!("`{name}` is missing: {what}"))
        .in_file(name)
        .help("run `clusterwright init`, which creates it, or copy it here from where you keep it")
}

/// The finding for a file that a person named and that is not there.
pub fn not_found(name: &str) -> Diagnostic {
    Diagnostic::error("io/not-found", format!("`{name}` does not exist"))
        .in_file(name)
        .help("check the path")
}
