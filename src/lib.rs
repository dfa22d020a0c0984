//! clusterwright compiles one typed `cluster.yaml` into a complete, checked, encrypted GitOps tree.

pub mod diag;
pub mod seal;
pub mod sops;
pub mod source;
pub mod sys;
pub mod tree;
pub mod yaml;
