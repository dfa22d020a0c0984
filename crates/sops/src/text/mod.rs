//! What stands in a file: its documents, the values in the order in which SOPS takes them, how they are written, and the `sops` block.

pub(crate) mod assemble;
pub(crate) mod block;
pub(crate) mod document;
pub(crate) mod json;
pub(crate) mod keypath;
pub(crate) mod line_place;
pub(crate) mod lines;
pub(crate) mod markers;
pub(crate) mod metadata;
pub(crate) mod place;
pub(crate) mod typing;
pub(crate) mod value;
pub(crate) mod walk;
pub(crate) mod write;

/// The top-level key that holds SOPS' metadata.
pub(crate) const SOPS_KEY: &str = "sops";
