//! SOPS files in any repository: the work of the `secrets` commands. Needs no `cluster.yaml`.
//!
//! Reading and replacing files, finding the rule that applies, looking over a whole tree. The format itself is
//! [`sops`]; commands print what comes out of here.

pub mod compare;
pub mod configuration;
mod file;
mod listing;
mod rules;
pub mod scan;
pub mod slip;
pub mod status;
mod template;
pub mod typed;

pub use file::SecretFile;
pub use listing::{Listed, ListedFiles, list, named_of, odd_name};
pub use rules::{FoundConfig, Overrides, OwnKeys, RuleSource, config_for, rule_for};
pub use template::Templates;
