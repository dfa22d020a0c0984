//! The only module that knows the YAML crates: reading with spans ([`parse()`]), typing of plain scalars
//! ([`scalar`]), writing ([`emit`]), editing text ([`edit`]).

pub mod edit;
pub mod emit;
pub mod parse;
pub mod scalar;

pub use emit::{double_quoted, to_string};
pub use parse::{Kind, Node, ParseError, Style, comments, parse};
