//! All integration tests, in one binary.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

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
