//! Values that a person typed in clear into an encrypted file: they are encrypted where they stand.
//!
//! The MAC does not know them. It is believed where it fits without them, for then they are new; or with what an earlier
//! version of the file has in their place, for then they replace it. Where it fits in neither way, something else was changed
//! as well, and nothing is encrypted.

use super::document::Documents;
use super::edit::{check, edits_at, restamp, seal_rest};
use super::error::SopsError;
use super::format::Format;
use super::key::Identities;
use super::keypath::KeyPath;
use super::metadata::Metadata;
use super::opened::Opened;
use super::plan::overlap;
use super::splice::{Edit, apply};
use super::typing::Typed;
use super::value::{Encrypted, Plain};
use super::walk::{Leaf, Walk, walk};
use crate::sys::Entropy;

/// A place in a file: the number of its document, and its path.
type Place = (usize, String);

/// See [`Format::seal_typed`].
pub(crate) fn seal_typed(
    format: Format,
    existing: &str,
    before: &[&str],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    let typed = places(format, existing, is_typed)?;
    let Some((_, first)) = typed.first() else {
        return Ok(None);
    };
    // The places of list items move when one goes.
    if let Some((_, path)) = typed.iter().find(|(_, path)| path.contains('[')) {
        return Err(in_clear(format, existing, path));
    }
    let versions = std::iter::once(None).chain(before.iter().copied().map(Some));
    for version in versions {
        let Some(text) = as_before(format, existing, version)? else {
            continue;
        };
        let docs = Documents::read(&text, format)?;
        let opened = Opened::new(&docs, Metadata::read(&docs)?, identities)?;
        if opened.verify().is_err() {
            continue;
        }
        let sealed = seal_rest(format, existing, &opened, entropy)?;
        let text = restamp(format, &sealed, &opened.key, entropy)?;
        check(format, &text, &opened.key, &|new| {
            Ok(rest(new, &typed) == rest(&opened, &typed))
        })?;
        return Ok(Some(text));
    }
    Err(in_clear(format, existing, first))
}

/// Returns whether a leaf should be encrypted and is not.
fn is_typed(leaf: &Leaf<'_>) -> bool {
    let open = match &leaf.typed {
        Typed::Null | Typed::BadTag => false,
        Typed::Value(plain) => !plain.is_empty(),
        Typed::TooLarge => true,
    };
    open && leaf.in_scope && !leaf.comment_item && !leaf.by_alias && !Encrypted::looks_like(leaf.text())
}

fn places(format: Format, text: &str, is: impl Fn(&Leaf<'_>) -> bool) -> Result<Vec<Place>, SopsError> {
    let docs = Documents::read(text, format)?;
    let scope = format.scope(&Metadata::read(&docs)?.selector)?;
    let walk = walk(&docs, &scope, true)?;
    let found = walk.leaves.iter().filter(|leaf| is(leaf));
    Ok(found.map(|leaf| (leaf.doc, leaf.path.clone())).collect())
}

fn in_clear(format: Format, text: &str, path: &str) -> SopsError {
    let span = || -> Option<std::ops::Range<usize>> {
        let docs = Documents::read(text, format).ok()?;
        let scope = format.scope(&Metadata::read(&docs).ok()?.selector).ok()?;
        let walk = walk(&docs, &scope, true).ok()?;
        let leaf = walk.leaves.iter().find(|leaf| leaf.path == path)?;
        Some(leaf.span.clone())
    };
    SopsError::PlainInScope {
        path: path.to_owned(),
        span: span().unwrap_or(0..0),
    }
}

/// Returns the text with every typed value as an earlier version has it, and without those that it does not have; `None`
/// where the version is none of this file.
fn as_before(format: Format, existing: &str, version: Option<&str>) -> Result<Option<String>, SopsError> {
    let old_docs = match version.map(|version| Documents::read(version, format)) {
        None => None,
        Some(Ok(docs)) => Some(docs),
        Some(Err(_)) => return Ok(None),
    };
    let old_walk = match &old_docs {
        None => None,
        Some(docs) => {
            let Ok(metadata) = Metadata::read(docs) else {
                return Ok(None);
            };
            Some(walk(docs, &format.scope(&metadata.selector)?, true)?)
        }
    };
    let mut text = existing.to_owned();
    while let Some(next) = without_first(format, &text, old_docs.as_ref().zip(old_walk.as_ref()))? {
        if next == text {
            return Err(overlap());
        }
        text = next;
    }
    Ok(Some(text))
}

/// Returns the text with its first typed value as the earlier version has it, or without it; `None` when there is none.
fn without_first(
    format: Format,
    text: &str,
    earlier: Option<(&Documents<'_>, &Walk<'_>)>,
) -> Result<Option<String>, SopsError> {
    let docs = Documents::read(text, format)?;
    let scope = format.scope(&Metadata::read(&docs)?.selector)?;
    let walk = walk(&docs, &scope, true)?;
    let Some(leaf) = walk.leaves.iter().find(|leaf| is_typed(leaf)) else {
        return Ok(None);
    };
    let token = earlier.and_then(|(docs, walk)| {
        let same = walk.leaves.iter().find(|one| one.place() == leaf.place())?;
        let source = docs.text.get(same.node.span.clone())?;
        Encrypted::looks_like(same.text()).then_some(source)
    });
    let edits = if let Some(token) = token {
        vec![Edit::new(leaf.node.span.clone(), token)]
    } else {
        let path = KeyPath::parse(&leaf.path)?;
        edits_at(&docs, path.within(leaf.doc), None)?
    };
    apply(text, &edits).map(Some).ok_or_else(overlap)
}

/// Returns the values that nobody typed.
fn rest<'o>(opened: &'o Opened<'_, '_>, typed: &[Place]) -> Vec<(usize, &'o [String], Option<&'o Plain>)> {
    let leaves = opened.walk.leaves.iter().zip(&opened.plains);
    let others = leaves.filter(|(leaf, _)| {
        let is_here = |(doc, path): &Place| *doc == leaf.doc && *path == leaf.path;
        !leaf.comment_item && !typed.iter().any(is_here)
    });
    others
        .map(|(leaf, plain)| (leaf.doc, leaf.keys.as_slice(), plain.as_ref()))
        .collect()
}
