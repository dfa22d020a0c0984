//! What of a plaintext a rule would encrypt.

use std::ops::Range;

use crate::error::SopsError;
use crate::format::Format;
use crate::rules::rule::Rule;
use crate::rules::selector::{Scope, Selector};
use crate::text::document::Documents;
use crate::text::typing::Typed;
use crate::text::walk::walk;

/// A value that a rule would encrypt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// The keys above it.
    pub keys: Vec<String>,
    /// Where it stands; through an alias, where that stands.
    pub span: Range<usize>,
}

/// Returns the values that encrypting `text` by `rule` would cover.
///
/// # Errors
/// When the text could not be encrypted by the rule at all.
pub fn covered(text: &str, rule: &Rule) -> Result<Vec<Covered>, SopsError> {
    let scope = rule.writable(Format::Yaml)?;
    let docs = Documents::parse(text)?;
    let walk = walk(&docs, &scope, false)?;
    let covered = walk.leaves.into_iter().filter(|leaf| leaf.in_scope);
    Ok(covered
        .map(|leaf| Covered {
            keys: leaf.keys,
            span: leaf.span,
        })
        .collect())
}

/// Returns the keys above each value that a selector covers, with its document, counted from 0 among those with content; empty texts and nulls, which
/// nobody encrypts, are left out.
///
/// # Errors
/// When the text is not of this format, or the selector does not compile.
pub fn covered_keys(
    format: Format,
    text: &str,
    selector: &Selector,
) -> Result<Vec<(usize, Vec<String>)>, SopsError> {
    let scope = Scope::of(format, selector)?;
    let docs = Documents::read(text, format)?;
    let walk = walk(&docs, &scope, false)?;
    let covered = walk.leaves.into_iter().filter(|leaf| {
        let holds = match &leaf.typed {
            Typed::Null | Typed::BadTag => false,
            Typed::Value(plain) => !plain.is_empty(),
            Typed::TooLarge => true,
        };
        leaf.in_scope && holds
    });
    let number = |doc: usize| docs.roots().take_while(|(at, _)| *at < doc).count();
    Ok(covered.map(|leaf| (number(leaf.doc), leaf.keys)).collect())
}
