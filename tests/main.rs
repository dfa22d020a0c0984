//! All integration tests, in one binary.

mod cli;
mod clusters;
mod config;
mod faults;
#[cfg(target_os = "linux")]
mod hostile;
mod jinja;
mod meta;
mod rules;
mod support;
mod write;
