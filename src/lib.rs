//! clusterwright compiles one typed `cluster.yaml` into a complete, checked, encrypted GitOps tree.
//!
//! # The stages
//!
//! 1. [`config`] loads `cluster.yaml`, [`world`] the repository around it; secrets go into the [`config::Vault`].
//! 2. [`validate`] turns what was written into a [`config::Cluster`] that everything else can rely on.
//! 3. [`catalog`] reads the template library; [`plan`](mod@plan) decides which apps are on and in which order.
//! 4. [`render`] fills the templates; secrets stand as tokens.
//! 5. [`merge`](mod@merge) puts into it what people and Renovate changed on the disk.
//! 6. [`check`] runs all rules over the whole tree.
//! 7. [`seal`] replaces the tokens and encrypts, keeping the ciphertext of what has not changed.
//! 8. [`diff`] compares with the work tree and the [lock](world::lock) of our files.
//! 9. [`write`](mod@write) carries the changes out, all or none.
//!
//! [`adopt`] looks at an existing repository file by file: what it would take to make each one ours.
//!
//! [`pipeline`] knows this order, and [`cli`] how far each command goes. The output is a [`tree::Tree`], which carries
//! its stage in its type: nothing that is not sealed can be compared or written.
//!
//! # The foundations
//!
//! [`source`] and [`diag`] (findings with places), [`bounds`] (what a template may take), [`vcs`] (git), [`sys`] (disk,
//! randomness, time), [`known`] (secrets in clear text), [`model`] (small checked types). A test fails when a module uses a
//! later one.
//!
//! Two crates below `crates/` know nothing of all this: [`yaml`] reads YAML and alone knows where in a text its parts lie,
//! [`sops`] makes, opens and edits SOPS files.

pub mod adopt;
pub mod bounds;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod config;
pub mod context;
pub mod diag;
pub mod diff;
pub mod jinja;
pub mod known;
pub mod merge;
pub mod model;
pub mod pipeline;
pub mod plan;
pub mod raw;
pub mod render;
pub mod seal;
pub mod secrets;
pub mod source;
pub mod sys;
#[cfg(test)]
mod testing;
pub mod tree;
pub mod validate;
pub mod vcs;
pub mod world;
pub mod write;
