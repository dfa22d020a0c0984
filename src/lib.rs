//! clusterwright compiles one typed `cluster.yaml` into a complete, checked, encrypted GitOps tree.

pub mod config;
pub mod diag;
pub mod model;
pub mod seal;
pub mod source;
pub mod sys;
pub mod tree;
pub mod validate;
pub mod yaml;
