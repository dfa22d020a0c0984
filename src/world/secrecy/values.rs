//! The values of Kubernetes Secrets in a text, with their places, whether or not the text is YAML.

use std::ops::Range;

use yaml::{Kind, Node};
use zeroize::Zeroizing;

use super::broken;
use super::objects::secrets;

/// One value of a Secret in a text.
pub struct SecretValue {
    /// `data` or `stringData`.
    pub section: &'static str,
    /// Its key.
    pub key: String,
    /// What is written there.
    pub value: Zeroizing<String>,
    /// Where, in bytes.
    pub span: Range<usize>,
}

/// A part of a text.
pub(super) enum Piece {
    /// Documents, and where the text begins that their places are those of.
    Parsed(Vec<Node>, usize),
    /// Where a document stands that is no YAML, such as one with the marks of a merge, a key twice, or what Helm prints in it.
    Broken(Range<usize>),
}

/// Returns the documents of a text. One may be broken, or hold the marks of a merge: the others are read as they are.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let (whole, parts) = match yaml::parse(text) {
        Ok(documents) => (Some(Piece::Parsed(documents, 0)), Vec::new()),
        Err(_) => (None, separated(text)),
    };
    let parts = parts
        .into_iter()
        .map(|range| match yaml::parse(&text[range.clone()]) {
            Ok(documents) => Piece::Parsed(documents, range.start),
            Err(_) => Piece::Broken(range),
        });
    whole.into_iter().chain(parts)
}

/// The documents of a text, by the lines between them.
fn separated(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    starts.extend(text.match_indices("\n---").map(|(at, _)| at + 1));
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

/// Returns the values of all Kubernetes Secrets in a text, ciphertext and stand-ins as well: of what is YAML by its nodes, of
/// a document that is not by its lines.
pub fn secret_values(text: &str) -> Vec<SecretValue> {
    let mut found = Vec::new();
    for piece in pieces(text) {
        match piece {
            Piece::Parsed(documents, start) => {
                for value in documents
                    .iter()
                    .flat_map(secrets)
                    .flat_map(|secret| secret.values)
                {
                    let Kind::Scalar { value: written, .. } = &value.node.kind else {
                        continue;
                    };
                    found.push(SecretValue {
                        section: value.section,
                        key: value.key.to_owned(),
                        value: Zeroizing::new(written.clone()),
                        span: value.node.span.start + start..value.node.span.end + start,
                    });
                }
            }
            Piece::Broken(range) => broken::values(text, range, &mut found),
        }
    }
    found
}
