//! YAML as text: reading it with places ([`parse()`]), what plain scalars mean ([`scalar`]), where everything stands
//! ([`layout`], [`line`](mod@line)), what go-yaml makes of it ([`go`]), and changing it so that what is not meant keeps its bytes ([`splice`], [`edit`]).
//!
//! The only crate that knows the crates for YAML, and the only place that knows where in a text its parts lie.

pub mod edit;
pub mod emit;
pub mod go;
pub mod layout;
pub mod line;
pub mod parse;
pub mod scalar;
pub mod splice;
pub mod yaml11;

pub use emit::{double_quoted, to_string};
pub use layout::{Document, documents};
pub use parse::{Kind, Node, ParseError, Style, comments, parse};
pub use splice::{Edit, apply};
