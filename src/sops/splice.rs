//! Edits of a text by byte ranges.

use std::ops::Range;

use zeroize::Zeroizing;

/// One replacement.
#[derive(Clone)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) text: Zeroizing<String>,
}

impl Edit {
    pub(crate) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            range,
            text: Zeroizing::new(text.into()),
        }
    }
}

/// Applies edits; insertions at the same place keep their order. `None` when two of them overlap.
pub(crate) fn apply(text: &str, edits: &[Edit]) -> Option<String> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    sorted.sort_by_key(|edit| (edit.range.start, edit.range.end));
    let grown: usize = edits.iter().map(|edit| edit.text.len()).sum();
    // One allocation, so that no copy of a plaintext is left behind by growth.
    let mut out = String::with_capacity(text.len() + grown);
    let mut at = 0;
    for edit in sorted {
        out.push_str(text.get(at..edit.range.start)?);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_order_and_never_overlap() {
        let edits = [Edit::new(3..4, "D"), Edit::new(0..1, "AA"), Edit::new(3..3, "+")];
        assert_eq!(apply("abcd", &edits).as_deref(), Some("AAbc+D"));
        assert_eq!(apply("abcd", &[Edit::new(0..3, ""), Edit::new(2..4, "")]), None);
    }
}
