//! SOPS files with age, written so that `sops` and Flux accept them: YAML, JSON, dotenv, INI and binary files, for
//! X25519 and post-quantum keys.
//!
//! Own code on the `age` crate. Files are edited as text: what is not an encrypted value keeps its bytes, and
//! [`update`](update()) keeps every ciphertext whose plaintext has not changed. [`Format`] does the same for each format;
//! the functions without one are those of YAML.
//!
//! # What the format leaves open
//!
//! Values are authenticated together with the mapping keys above them, and the MAC covers all values in their order.
//! A change by hand goes unnoticed, for every program that reads these files, where it touches
//!
//! - comments, indentation and line breaks that mean the same, and text behind the `]` of an encrypted value;
//! - the keys of plain values, and of mappings that hold nothing else;
//! - where one plain value ends and the next one begins: they are hashed without a mark between them;
//! - empty texts and nulls: their keys, which of the two they are, and whether they are there at all;
//! - in the `sops` block: `version`, the names of recipients, unknown keys, and the part of the selector that changes no
//!   decision;
//! - with `mac_only_encrypted`: everything outside of the encrypted scope.
//!
//! Flux checks no MAC: for Flux, values of one list can also change places, and values can be dropped. A test keeps this
//! list exact (`tests/open_ends.rs`).

mod assemble;
mod binary;
mod block;
mod config;
mod decrypt;
mod document;
mod edit;
mod encrypt;
mod error;
mod format;
mod groups;
mod identities;
mod json;
mod key;
mod key_change;
mod keyless;
mod keypath;
mod line_place;
mod lines;
mod mac;
mod markers;
mod merge;
mod metadata;
mod opened;
mod place;
mod plan;
#[cfg(feature = "plugin")]
mod plugin;
mod post_quantum;
mod prompt;
mod rekey;
mod rule;
mod scope;
mod selector;
mod shamir;
mod splice;
#[cfg(feature = "ssh")]
mod ssh;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod typed;
mod typing;
mod update;
mod value;
mod walk;

pub use config::{Config, Glance};
pub use decrypt::{DecryptedValue, MacCheck, decrypt};
pub use edit::NewValue;
pub use encrypt::encrypt;
pub use error::SopsError;
pub use format::Format;
pub use groups::KeyGroups;
pub use identities::{Identities, Supply, short};
pub use key::{Recipient, RecipientKind, generate_identity, generate_post_quantum_identity};
pub use key_change::KeyChange;
pub use keyless::{Keyless, compare_keyless};
pub use keypath::{At, KeyPath, Step};
pub use merge::Merged;
pub use prompt::{Nobody, Prompt};
pub use rekey::Rekeyed;
pub use rule::Rule;
pub use scope::{Covered, covered, covered_keys};
pub use selector::{DEFAULT_UNENCRYPTED_SUFFIX, Selector};
pub use status::{Status, status};
pub use update::{Updated, update};
pub use value::ValueType;
