//! Who a file is for and what of it is encrypted: `.sops.yaml`, rules and selectors.

pub(crate) mod config;
pub(crate) mod rule;
pub(crate) mod selector;
