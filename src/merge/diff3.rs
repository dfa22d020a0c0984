//! Three-way comparison of sequences: what one side changed, what both did.

use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A piece of the three sequences, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    /// What became of it.
    pub kind: ChangedBy,
    /// Where it is in the base.
    pub base: Range<usize>,
    /// Where it is in the edited side.
    pub yours: Range<usize>,
    /// Where it is in the new render.
    pub render: Range<usize>,
}

/// Who changed a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangedBy {
    /// Nobody, or both in the same way.
    Same,
    /// The person alone.
    Yours,
    /// The render alone.
    Render,
    /// Both, and the base has nothing there: two insertions at one place.
    BothInsert,
    /// Both, differently.
    Conflict,
}

/// Cuts three sequences into regions, as `diff3` does: a region ends where an element stands in all three.
pub(super) fn regions<T: Hash + Eq + Ord>(base: &[T], yours: &[T], render: &[T]) -> Vec<Region> {
    let in_yours = matches(base, yours);
    let in_render = matches(base, render);
    let mut regions = Vec::new();
    let (mut b, mut y, mut r) = (0, 0, 0);
    for at in 0..=base.len() {
        let (next_y, next_r) = if at == base.len() {
            (yours.len(), render.len())
        } else {
            match (in_yours[at], in_render[at]) {
                (Some(y), Some(r)) => (y, r),
                _ => continue,
            }
        };
        let (base_part, yours_part, render_part) = (b..at, y..next_y, r..next_r);
        if !(base_part.is_empty() && yours_part.is_empty() && render_part.is_empty()) {
            let (b, y, r) = (
                &base[base_part.clone()],
                &yours[yours_part.clone()],
                &render[render_part.clone()],
            );
            let kind = match () {
                () if y == r => ChangedBy::Same,
                () if y == b => ChangedBy::Render,
                () if r == b => ChangedBy::Yours,
                () if b.is_empty() => ChangedBy::BothInsert,
                () => ChangedBy::Conflict,
            };
            regions.push(Region {
                kind,
                base: base_part,
                yours: yours_part,
                render: render_part,
            });
        }
        if at < base.len() {
            regions.push(Region {
                kind: ChangedBy::Same,
                base: at..at + 1,
                yours: next_y..next_y + 1,
                render: next_r..next_r + 1,
            });
            (b, y, r) = (at + 1, next_y + 1, next_r + 1);
        }
    }
    regions
}

/// For each element of the base, where it is in the other sequence.
fn matches<T: Hash + Eq + Ord>(base: &[T], other: &[T]) -> Vec<Option<usize>> {
    let mut found = vec![None; base.len()];
    for op in capture_diff_slices(Algorithm::Myers, base, other) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            for i in 0..len {
                found[old_index + i] = Some(new_index + i);
            }
        }
    }
    found
}

/// Merges texts line by line; `None` when both sides changed the same lines.
///
/// Insertions of both sides at one place do not merge: nobody knows their order.
pub(super) fn lines(base: &str, yours: &str, render: &str) -> Option<String> {
    let [b, y, r] = [base, yours, render].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let mut out = String::with_capacity(yours.len() + render.len() / 4);
    for region in regions(&b, &y, &r) {
        match region.kind {
            ChangedBy::Same | ChangedBy::Yours => out.extend(y[region.yours].iter().copied()),
            ChangedBy::Render => out.extend(r[region.render].iter().copied()),
            ChangedBy::BothInsert | ChangedBy::Conflict => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(lines: &[u8]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn one_side_at_a_time() {
        let base = "a\nb\nc\nd\ne\n";
        assert_eq!(
            lines(base, "a\nB\nc\nd\ne\n", "a\nb\nc\nd\nE\nf\n").as_deref(),
            Some("a\nB\nc\nd\nE\nf\n")
        );
        assert_eq!(lines(base, "a\nB\nc\nd\ne\n", "a\nX\nc\nd\ne\n"), None);
        assert_eq!(lines(base, "a\nc\nd\ne\n", base).as_deref(), Some("a\nc\nd\ne\n"));
        assert_eq!(
            lines("a\n", "a\nx\n", "a\nx\n").as_deref(),
            Some("a\nx\n"),
            "the same insertion"
        );
        assert_eq!(lines("a\n", "a\nx\n", "a\ny\n"), None);
        assert_eq!(
            lines("a", "a\n", "a").as_deref(),
            Some("a\n"),
            "the last line break"
        );
    }

    proptest! {
        #[test]
        fn an_unchanged_side_yields_the_other(a in proptest::collection::vec(0u8..6, 0..20), b in proptest::collection::vec(0u8..6, 0..20)) {
            let (a, b) = (text(&a), text(&b));
            prop_assert_eq!(lines(&a, &a, &b), Some(b.clone()));
            prop_assert_eq!(lines(&a, &b, &a), Some(b.clone()));
            prop_assert_eq!(lines(&a, &b, &b), Some(b.clone()));
        }

        #[test]
        fn the_sides_may_be_swapped(a in proptest::collection::vec(0u8..4, 0..12), b in proptest::collection::vec(0u8..4, 0..12), c in proptest::collection::vec(0u8..4, 0..12)) {
            let (a, b, c) = (text(&a), text(&b), text(&c));
            prop_assert_eq!(lines(&a, &b, &c), lines(&a, &c, &b));
        }

        #[test]
        fn regions_cover_everything_once(a in proptest::collection::vec(0u8..4, 0..12), b in proptest::collection::vec(0u8..4, 0..12), c in proptest::collection::vec(0u8..4, 0..12)) {
            let (mut at_b, mut at_y, mut at_r) = (0, 0, 0);
            for region in regions(&a, &b, &c) {
                prop_assert_eq!((region.base.start, region.yours.start, region.render.start), (at_b, at_y, at_r));
                (at_b, at_y, at_r) = (region.base.end, region.yours.end, region.render.end);
            }
            prop_assert_eq!((at_b, at_y, at_r), (a.len(), b.len(), c.len()));
        }
    }
}
