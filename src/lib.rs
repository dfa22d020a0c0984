//! clusterwright compiles one typed `cluster.yaml` into a complete, checked, encrypted GitOps tree.

pub mod diag;
pub mod diff;
pub mod lock;
pub mod seal;
pub mod source;
pub mod sys;
pub mod tree;
pub mod vcs;
pub mod write;
pub mod yaml;
