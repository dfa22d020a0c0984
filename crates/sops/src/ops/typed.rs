//! Values that a person typed in clear into an encrypted file: they are encrypted where they stand.
//!
//! The MAC does not know them. It is believed where it fits without them, for then they are new; or with what an earlier
//! version of the file has in their place, for then they replace it. Where it fits in neither way, something else was changed
//! as well, and nothing is encrypted.

use yaml::{Edit, apply};

use crate::entropy::Entropy;
use crate::error::{SopsError, overlap};
use crate::file::File;
use crate::format::Format;
use crate::keys::identities::Identities;
use crate::ops::edit::{check, edits_at, restamp, seal_rest};
use crate::ops::opened::Opened;
use crate::rules::selector::Scope;
use crate::text::document::Documents;
use crate::text::keypath::KeyPath;
use crate::text::typing::Typed;
use crate::text::value::{Plain, is_ciphertext};
use crate::text::walk::{Leaf, Walk, walk};

/// Most values that are encrypted in one go: each is taken out by itself, and the file read again.
const MOST: usize = 100;

/// A place in a file: the number of its document, and its path.
type Place = (usize, String);

impl File<'_> {
    /// Encrypts the values that a person typed in clear where they should be encrypted; `None` when there are none. The MAC
    /// must agree with the file without them, or with what one of the versions `before` has in their place.
    ///
    /// # Errors
    /// [`SopsError::PlainInScope`] when the MAC agrees in neither way, or such a value is an item of a list;
    /// [`SopsError::ManyInClear`] when there are very many; otherwise those of [`File::set`].
    pub fn seal_typed(
        &self,
        before: &[&str],
        identities: &Identities,
        entropy: &mut dyn Entropy,
    ) -> Result<Option<String>, SopsError> {
        if self.format() == Format::Binary {
            return Ok(None);
        }
        seal_typed(self, before, identities, entropy)
    }
}

fn seal_typed(
    file: &File<'_>,
    before: &[&str],
    identities: &Identities,
    entropy: &mut dyn Entropy,
) -> Result<Option<String>, SopsError> {
    let (format, existing) = (file.format(), file.text());
    let own = walked(file)?;
    let typed: Vec<Place> = own
        .leaves
        .iter()
        .filter(|leaf| is_typed(leaf))
        .map(|leaf| (leaf.doc, leaf.path.clone()))
        .collect();
    let Some((_, first)) = typed.first() else {
        return Ok(None);
    };
    if typed.len() > MOST {
        let first = own.leaves.iter().find(|leaf| is_typed(leaf));
        let span = first.map_or(0..0, |leaf| leaf.span.clone());
        return Err(SopsError::ManyInClear { most: MOST, span });
    }
    // The places of list items move when one goes.
    if let Some((_, path)) = typed.iter().find(|(_, path)| path.contains('[')) {
        return Err(in_clear(&own, path));
    }
    let versions = std::iter::once(None).chain(before.iter().copied().map(Some));
    for version in versions {
        let Some(text) = as_before(format, existing, version)? else {
            continue;
        };
        let file = File::read(format, &text)?;
        let opened = Opened::new(&file, identities)?;
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
    Err(in_clear(&own, first))
}

/// Returns whether a leaf should be encrypted and is not.
fn is_typed(leaf: &Leaf<'_>) -> bool {
    let open = match &leaf.typed {
        Typed::Null | Typed::BadTag => false,
        Typed::Value(plain) => !plain.is_empty(),
        Typed::TooLarge => true,
    };
    open && leaf.in_scope && !leaf.comment_item && !leaf.by_alias && !is_ciphertext(leaf.text())
}

fn walked<'f>(file: &'f File<'_>) -> Result<Walk<'f>, SopsError> {
    walk(
        &file.docs,
        &Scope::of(file.format(), &file.metadata.selector)?,
        true,
    )
}

fn in_clear(walk: &Walk<'_>, path: &str) -> SopsError {
    let leaf = walk.leaves.iter().find(|leaf| leaf.path == path);
    SopsError::PlainInScope {
        path: path.to_owned(),
        span: leaf.map_or(0..0, |leaf| leaf.span.clone()),
    }
}

/// Returns the text with every typed value as an earlier version has it, and without those that it does not have; `None`
/// where the version is none of this file.
fn as_before(format: Format, existing: &str, version: Option<&str>) -> Result<Option<String>, SopsError> {
    let old = match version.map(|version| File::read(format, version)) {
        None => None,
        Some(Ok(file)) => Some(file),
        Some(Err(_)) => return Ok(None),
    };
    let old_walk = old.as_ref().map(walked).transpose()?;
    let mut text = existing.to_owned();
    while let Some(next) = without_first(
        format,
        &text,
        old.as_ref().map(|old| &old.docs).zip(old_walk.as_ref()),
    )? {
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
    let file = File::read(format, text)?;
    let walk = walked(&file)?;
    let Some(leaf) = walk.leaves.iter().find(|leaf| is_typed(leaf)) else {
        return Ok(None);
    };
    let token = earlier.and_then(|(docs, walk)| {
        let same = walk.leaves.iter().find(|one| one.place() == leaf.place())?;
        let source = docs.text.get(same.node.span.clone())?;
        is_ciphertext(same.text()).then_some(source)
    });
    let edits = if let Some(token) = token {
        vec![Edit::new(leaf.node.span.clone(), token)]
    } else {
        let path = KeyPath::parse(&leaf.path)?;
        edits_at(&file.docs, path.within(leaf.doc), None)?
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
