//! clusterwright compiles one typed `cluster.yaml` into a complete, checked, encrypted GitOps tree.
//!
//! # The stages
//!
//! A module is a stage. [`pipeline`] lists them in their order and is the door to them; [`cli`] asks it for as many as a
//! command needs. The output is a [`tree::Tree`], which carries its stage in its type: nothing that is not sealed can be
//! compared or written. [`adopt`] looks at an existing repository file by file: what it would take to make each one ours.
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
