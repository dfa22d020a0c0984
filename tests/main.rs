//! All integration tests, in one binary.

mod config;
mod write;
