//! YAML as text: reading it with places ([`parse()`]), what plain scalars mean ([`scalar`]), writing it ([`emit`]) and
//! editing it, so that what is not meant keeps its bytes ([`edit`]).
//!
//! The only crate that knows the crates for YAML.

pub mod edit;
pub mod emit;
pub mod parse;
pub mod scalar;

pub use emit::{double_quoted, to_string};
pub use parse::{Kind, Node, ParseError, Style, comments, parse};
