//! The order of the stages, and nothing else. It stands here, and nowhere else.
//!
//! | stage | module | what it does |
//! | --- | --- | --- |
//! | load | [`catalog`](crate::catalog), [`config`](crate::config), [`world`](crate::world) | reads the template library, `cluster.yaml`, the files beside it and the repository before the run; secrets go into the [`Vault`](crate::config::Vault) |
//! | validate | [`validate`](crate::validate) | turns what was written into a [`Cluster`](crate::config::Cluster) that everything else can rely on |
//! | plan | [`plan`](mod@crate::plan) | decides which apps are on, and in which order |
//! | render | [`render`](crate::render), or [`raw`](crate::raw) | fills the templates; secrets stand as tokens |
//! | merge | [`merge`](mod@crate::merge) | puts into it what people and Renovate changed on the disk |
//! | check | [`check`](crate::check) | runs all rules over the whole tree |
//! | seal | [`seal`](crate::seal) | replaces the tokens and encrypts, keeping the ciphertext of what has not changed |
//! | diff | [`diff`](crate::diff) | compares with the work tree and the [`lock`](crate::world::lock) of our files |
//! | write | [`write`](mod@crate::write) | carries the changes out, all or none |
//!
//! [`Run`] is the one door: a command asks it for the stage that it needs, prints what comes out, and calls no stage by
//! itself. The output is a [`Tree`](crate::tree::Tree), which carries its stage in its type: nothing that is not sealed
//! can be compared or written.

mod compared;
mod disk;
mod flux;
mod in_clear;
mod keys;
mod load;
mod other_key;
mod rendering;
mod run;
mod secret_keys;
mod size;
mod undo;

use std::sync::Arc;

use sops::Prompt;

pub use compared::{AdoptSurvey, Compared};
pub use disk::recover;
pub use flux::{flux_of_library, needs_newer_flux, opens_post_quantum};
pub use keys::{has_own_key, own_recipients, sealed_already};
pub use load::{Configuration, OpenedSecrets, identities, key_lines};
pub use other_key::{OTHER_KEY, OTHER_KEY_HOW, start_over};
pub use run::{Run, TreeSource};
pub use secret_keys::{clear_configs, schema_text, vocabulary, vocabulary_of_any};
pub use undo::{last_run, undo};

use crate::sys::Entropy;
use crate::sys::root::Root;
pub use crate::world::Before;
use crate::world::keyring::Sources;

/// Where a run works, and what it gets from outside.
pub struct World<'a> {
    /// The directory with `cluster.yaml`, and the way to everything below it.
    pub root: Root,
    /// Where private keys are looked for.
    pub sources: Sources,
    /// Who is asked for what a key needs, such as its passphrase.
    pub prompt: Arc<dyn Prompt>,
    /// Randomness and time.
    pub entropy: &'a mut dyn Entropy,
}
