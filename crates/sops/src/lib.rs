//! SOPS files with age, written so that `sops` and Flux accept them: YAML, JSON, dotenv, INI and binary files, for
//! X25519 and post-quantum keys, with the features `ssh` and `plugin` for SSH keys and for those of other programs.
//!
//! ```
//! use sops::{
//!     EncryptionRule, File, Format, Identities, KeyPath, MacCheck, NewValue, OsEntropy, Recipient, SecretText, generate_identity,
//! };
//!
//! // The private half of a key opens files, the public half says for whom they are.
//! let (private, public) = generate_identity();
//! let me = Identities::parse(private.expose())?;
//! let rule = EncryptionRule::secrets(vec![Recipient::new(&public)?]);
//!
//! let plain = "kind: Secret # of the database\nstringData:\n  user: app\n  password: hunter2\n";
//! let sealed = Format::Yaml.encrypt(plain.as_bytes(), &rule, &mut OsEntropy)?;
//! assert!(sealed.starts_with("kind: Secret # of the database\nstringData:\n  user: ENC["));
//!
//! // A text is read once, and asked as often as one likes.
//! let file = File::read(Format::Yaml, &sealed)?;
//! assert!(file.status()?.is_sealed());
//! assert_eq!(file.decrypt(&me, MacCheck::Verify)?.as_slice(), plain.as_bytes());
//!
//! // Another value changes its own line, and the two stamps of the file.
//! let password = KeyPath::parse("stringData.password")?;
//! let new = NewValue::Text(SecretText::new("correct horse".to_owned()));
//! let changed = file.set(password.within(0), &new, &me, &mut OsEntropy)?.expect("another value");
//! let user = |text: &str| text.lines().nth(2).map(str::to_owned);
//! assert_eq!(user(&changed), user(&sealed));
//! assert_eq!(Format::Yaml.decrypt(&changed, &me, MacCheck::Verify)?.as_slice(), plain.replace("hunter2", "correct horse").as_bytes());
//! # Ok::<(), sops::SopsError>(())
//! ```
//!
//! Own code on the `age` crate. Files are edited as text: what is not an encrypted value keeps its bytes, and
//! [`File::update`] keeps every ciphertext whose plaintext has not changed. What is handed out was read and compared once
//! more. [`Config`] reads `.sops.yaml`, which says by which [`EncryptionRule`] a file is made; randomness and time come in as
//! [`Entropy`]; [`SopsError`] says where, what and how to mend it, and never holds a value.
//!
//! # The parts
//!
//! - `keys`: who can open a file; `text`: what stands in it; `rules`: what of it is encrypted, and for whom;
//! - `ops`: what can be done with it, on the three others;
//! - [`Format`], [`File`] and [`SopsError`]: what all of them speak of.
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

mod entropy;
mod error;
mod file;
mod format;
mod keys;
mod ops;
mod rules;
mod secret;
pub mod stack;
#[cfg(test)]
mod tests;
mod text;

pub use entropy::{Entropy, FixedEntropy, OsEntropy};
pub use error::SopsError;
pub use file::File;
pub use format::Format;
pub use keys::groups::KeyGroups;
pub use keys::identities::{Identities, Supply, short};
pub use keys::key::{Recipient, RecipientKind, generate_identity, generate_post_quantum_identity};
pub use keys::prompt::{Nobody, Prompt};
pub use ops::decrypt::{DecryptedValue, decrypt};
pub use ops::edit::NewValue;
pub use ops::encrypt::encrypt;
pub use ops::key_change::KeyChange;
pub use ops::keyless::{Keyless, compare_keyless};
pub use ops::merge::{Merged, Sides};
pub use ops::opened::MacCheck;
pub use ops::rekey::Rekeyed;
pub use ops::scope::{Covered, covered, covered_keys};
pub use ops::status::{Status, status};
pub use ops::update::{Updated, update};
pub use rules::config::{Config, Glance};
pub use rules::rule::EncryptionRule;
pub use rules::selector::{DEFAULT_UNENCRYPTED_SUFFIX, Selector};
pub use secret::SecretText;
pub use text::keypath::{At, KeyPath, Step};
pub use text::value::{ValueType, is_ciphertext};
