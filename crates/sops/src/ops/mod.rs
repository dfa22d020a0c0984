//! What can be done with a file. Each operation reads its result once more before it hands it out.

pub(crate) mod binary;
pub(crate) mod decrypt;
pub(crate) mod edit;
pub(crate) mod encrypt;
pub(crate) mod key_change;
pub(crate) mod keyless;
pub(crate) mod mac;
pub(crate) mod merge;
pub(crate) mod once;
pub(crate) mod opened;
pub(crate) mod plan;
pub(crate) mod rekey;
pub(crate) mod scope;
pub(crate) mod status;
pub(crate) mod typed;
pub(crate) mod update;
