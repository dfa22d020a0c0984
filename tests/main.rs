//! The one integration test binary: modules, no code.

mod config;
