//! What of a plaintext a rule would encrypt.

use std::ops::Range;

use yaml::Node;

use crate::error::SopsError;
use crate::file::File;
use crate::format::Format;
use crate::rules::rule::EncryptionRule;
use crate::rules::selector::{Scope, Selector};
use crate::text::document::Documents;
use crate::text::keypath::At;
use crate::text::place::Place;
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
pub fn covered(text: &str, rule: &EncryptionRule) -> Result<Vec<Covered>, SopsError> {
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
    let covered = walk
        .leaves
        .into_iter()
        .filter(|leaf| leaf.in_scope && tells(&leaf.typed));
    let number = |doc: usize| docs.roots().take_while(|(at, _)| *at < doc).count();
    Ok(covered.map(|leaf| (number(leaf.doc), leaf.keys)).collect())
}

fn tells(typed: &Typed) -> bool {
    match typed {
        Typed::Null | Typed::BadTag => false,
        Typed::Value(plain) => !plain.is_empty(),
        Typed::TooLarge => true,
    }
}

impl File<'_> {
    /// Returns whether something that a place holds is left in clear by the file's selector; `None` where there is nothing.
    /// Empty texts and nulls, which nobody encrypts, are not.
    ///
    /// # Errors
    /// When the file has no such document, or its selector does not compile.
    pub fn leaves_in_clear(&self, at: At<'_>) -> Result<Option<bool>, SopsError> {
        fn spans(node: &Node, out: &mut Vec<Range<usize>>) {
            out.push(node.span.clone());
            node.children().for_each(|child| spans(child, out));
        }
        if self.format() == Format::Binary {
            return Ok(Some(false));
        }
        let Some(node) = Place::new(&self.docs, at)?.find() else {
            return Ok(None);
        };
        let mut here = Vec::new();
        spans(node, &mut here);
        let scope = Scope::of(self.format(), &self.metadata.selector)?;
        let walk = walk(&self.docs, &scope, false)?;
        let mut leaves = walk.leaves.iter().filter(|leaf| here.contains(&leaf.span));
        Ok(Some(leaves.any(|leaf| !leaf.in_scope && tells(&leaf.typed))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::keypath::KeyPath;

    #[test]
    fn what_the_selector_leaves_in_clear_is_told() {
        let text = "metadata: {name: x}\nstringData:\n  a: hunter2\n  empty: \"\"\nmixed:\n  data: x\n  other: [y, '']\n";
        let (_, public) = crate::generate_identity();
        let rule = EncryptionRule::secrets(vec![crate::Recipient::new(&public).expect("a recipient")]);
        let sealed = crate::encrypt(text, &rule, &mut crate::FixedEntropy::new(1)).expect("encrypted");
        let file = File::read(Format::Yaml, &sealed).expect("a SOPS file");
        let ask = |path: &str| {
            let path = KeyPath::parse(path).expect("a path");
            file.leaves_in_clear(path.within(0)).expect("a document")
        };
        for (path, left) in [
            ("stringData", Some(false)),
            ("stringData.a", Some(false)),
            ("stringData.empty", Some(false)),
            ("metadata", Some(true)),
            ("metadata.name", Some(true)),
            ("mixed", Some(true)),
            ("mixed.data", Some(false)),
            ("mixed.other[0]", Some(true)),
            ("mixed.other[1]", Some(false)),
            ("stringData.b", None),
        ] {
            assert_eq!(ask(path), left, "{path}");
        }
        assert_eq!(*file.selector(), rule.selector);
    }
}
