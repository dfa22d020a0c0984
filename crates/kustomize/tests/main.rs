//! Builds of small, generated and bad trees.

mod bad_input;
mod fixture;
mod generate;
mod trees;
