//! Whether something is encrypted, whether it is secret, and what may be shown of it.

mod mask;

use yaml::Node;

pub use mask::{display, redact};

/// Returns whether a document is encrypted with SOPS.
pub fn is_sealed(node: &Node) -> bool {
    node.path(&["sops", "mac"]).is_some()
}
