//! The only module that knows the YAML crates: reading with spans ([`parse()`]), typing of plain scalars
//! ([`scalar`]), writing ([`emit`]).

pub mod emit;
pub mod parse;
pub mod scalar;

pub use emit::{double_quoted, to_string};
pub use parse::{Kind, Node, ParseError, Style, comments, parse};
