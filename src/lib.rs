//! clusterwright compiles one typed `cluster.yaml` into a complete, checked, encrypted GitOps tree.

pub mod catalog;
pub mod check;
pub mod cli;
pub mod config;
pub mod context;
pub mod diag;
pub mod diff;
pub mod lock;
pub mod model;
pub mod pipeline;
pub mod plan;
pub mod render;
pub mod seal;
pub mod side;
pub mod sops;
pub mod source;
pub mod sys;
#[cfg(test)]
mod testing;
pub mod tree;
pub mod validate;
pub mod vcs;
pub mod write;
pub mod yaml;
