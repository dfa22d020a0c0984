//! Which bytes of a plaintext a rule would encrypt.

use std::ops::Range;

use super::document::Documents;
use super::error::SopsError;
use super::format::Format;
use super::rule::Rule;
use super::walk::walk;

/// Returns the byte ranges of the values that encrypting `text` by `rule` would cover.
///
/// # Errors
/// When the text could not be encrypted by the rule at all.
pub fn scope_spans(text: &str, rule: &Rule) -> Result<Vec<Range<usize>>, SopsError> {
    let scope = rule.writable(Format::Yaml)?;
    let docs = Documents::parse(text)?;
    let walk = walk(&docs, &scope, false)?;
    Ok(walk
        .leaves
        .iter()
        .filter(|leaf| leaf.in_scope)
        .map(|leaf| leaf.span.clone())
        .collect())
}
