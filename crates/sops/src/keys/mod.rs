//! Who can open a file: recipients, private keys, groups of them, and the data key that is wrapped for them.

pub(crate) mod groups;
pub(crate) mod identities;
pub(crate) mod key;
#[cfg(feature = "plugin")]
pub(crate) mod plugin;
pub(crate) mod post_quantum;
pub(crate) mod prompt;
pub(crate) mod shamir;
#[cfg(feature = "ssh")]
pub(crate) mod ssh;
