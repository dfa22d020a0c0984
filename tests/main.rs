//! All integration tests, in one binary.

mod cli;
mod clusters;
mod config;
mod meta;
mod rules;
mod support;
mod write;
