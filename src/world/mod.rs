//! The repository before the run, as plain data: what stands on the disk, which of it is ours, what people have added and
//! chosen, the files beside `cluster.yaml`, the private keys at hand; and what of all that is secret.
//!
//! [`Before`] holds what a run reads of it, each part once.
//!
//! | module | what it knows |
//! | --- | --- |
//! | [`lock`] | which files are ours, by the hash of what we wrote |
//! | [`belief`] | what a line of the lock, a template or a journal may claim |
//! | [`existing`] | what stands at the paths of the output |
//! | [`bases`] | the renders of earlier runs, by hash |
//! | [`choices`] | what a person chose for conflicts |
//! | [`added`] | what people have added to the tree by hand |
//! | [`side`] | the files beside `cluster.yaml` |
//! | [`keyring`] | private keys, from every place where they may lie |
//! | [`secrecy`] | whether something is encrypted, whether it is secret, and what may be shown of it |
//!
//! Nothing here knows a stage: stages read it. The git repository itself is [`crate::vcs`].

mod above;
pub mod added;
pub mod bases;
mod before;
pub mod belief;
pub mod choices;
pub mod existing;
pub mod keyring;
pub mod lock;
pub mod secrecy;
pub mod side;

pub use above::above;
pub use added::Added;
pub use bases::{BASE_DIR, Bases};
pub use before::{Before, OWN_DIR};
pub use choices::{Choices, Resolutions, Side};
pub use existing::{Existing, OnDisk};
