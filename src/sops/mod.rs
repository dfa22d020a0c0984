//! SOPS files with age, written so that `sops` and Flux accept them: YAML with X25519 recipients.
//!
//! Own code on the `age` crate. Files are edited as text: what is not an encrypted value keeps its bytes, and
//! [`update`](update()) keeps every ciphertext whose plaintext has not changed.

mod config;
mod decrypt;
mod document;
mod edit;
mod encrypt;
mod error;
mod key;
mod keyless;
mod keypath;
mod mac;
mod merge;
mod metadata;
mod opened;
mod place;
mod plan;
mod rekey;
mod rule;
mod scope;
mod selector;
mod splice;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod typing;
mod update;
mod value;
mod walk;

pub use config::Config;
pub use decrypt::{DecryptedValue, MacCheck, decrypt, decrypt_values};
pub use edit::{NewValue, extract, replace, set, unset};
pub use encrypt::encrypt;
pub use error::SopsError;
pub use key::{Identities, Recipient, generate_identity};
pub use keyless::{Keyless, compare_keyless};
pub use keypath::{KeyPath, Step};
pub use merge::{Merged, merge};
pub use rekey::{Rekeyed, rotate, update_keys};
pub use rule::Rule;
pub use scope::scope_spans;
pub use selector::{DEFAULT_UNENCRYPTED_SUFFIX, Selector};
pub use status::{Status, status, unsealed_leaves};
pub use update::{Updated, update};
pub use value::ValueType;
