//! A SOPS file with every value decrypted in memory.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::error::SopsError;
use crate::file::File;
use crate::format::Format;
use crate::keys::groups;
use crate::keys::identities::Identities;
use crate::ops::mac::Mac;
use crate::rules::selector::Scope;
use crate::text::document::Documents;
use crate::text::metadata::Metadata;
use crate::text::typing::{self, Typed};
use crate::text::value::{DataKey, Encrypted, Plain, ValueType, is_ciphertext, token};
use crate::text::walk::{Leaf, Walk, aad, walk};

/// Whether the MAC must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacCheck {
    /// It must: nothing was changed, moved or removed by hand.
    Verify,
    /// It need not; single values are still authenticated, together with their keys.
    Ignore,
}

/// A comment that was encrypted.
pub(crate) struct SealedComment {
    /// The `ENC[…]` text behind the `#`.
    pub(crate) span: Range<usize>,
    pub(crate) plain: Plain,
}

/// A SOPS file whose data key is at hand.
pub(crate) struct Opened<'d, 't> {
    pub(crate) docs: &'d Documents<'t>,
    pub(crate) metadata: Metadata,
    pub(crate) scope: Scope,
    pub(crate) key: DataKey,
    pub(crate) walk: Walk<'d>,
    /// For each leaf its value; `None` for null and for comments in lists that did not open.
    pub(crate) plains: Vec<Option<Plain>>,
    pub(crate) comments: Vec<SealedComment>,
}

impl<'d, 't> Opened<'d, 't> {
    /// Decrypts everything. Does not look at the MAC.
    pub(crate) fn new(file: &'d File<'t>, identities: &Identities) -> Result<Self, SopsError> {
        let key = groups::open(&file.metadata, identities)?;
        Self::with_key(&file.docs, file.metadata.clone(), key)
    }

    /// Decrypts everything, and compares it with the MAC if that is asked for.
    pub(crate) fn checked(
        file: &'d File<'t>,
        identities: &Identities,
        check: MacCheck,
    ) -> Result<Self, SopsError> {
        let opened = Self::new(file, identities)?;
        if check == MacCheck::Verify {
            opened.verify()?;
        }
        Ok(opened)
    }

    /// Decrypts everything with a data key.
    pub(crate) fn with_key(
        docs: &'d Documents<'t>,
        metadata: Metadata,
        key: DataKey,
    ) -> Result<Self, SopsError> {
        let scope = Scope::of(docs.format, &metadata.selector)?;
        let walk = walk(docs, &scope, true)?;
        let plains = walk
            .leaves
            .iter()
            .map(|leaf| open_leaf(leaf, &key))
            .collect::<Result<_, _>>()?;
        let mut opened = Self {
            docs,
            metadata,
            scope,
            key,
            walk,
            plains,
            comments: Vec::new(),
        };
        opened.comments = opened.open_comments();
        Ok(opened)
    }

    /// Returns the MAC over the values as they are.
    pub(crate) fn mac(&self) -> Result<String, SopsError> {
        self.mac_with(|_| None)
    }

    /// Returns the MAC over the values, some of them read in another way.
    fn mac_with(&self, other: impl Fn(&Leaf<'_>) -> Option<Plain>) -> Result<String, SopsError> {
        let mut mac = Mac::new(self.metadata.mac_only_encrypted);
        for (leaf, plain) in self.walk.leaves.iter().zip(&self.plains) {
            match plain {
                Some(plain) if !leaf.comment_item => {
                    mac.add(leaf.in_scope, other(leaf).as_ref().unwrap_or(plain));
                }
                None if leaf.typed == Typed::TooLarge && mac.counts(leaf.in_scope) => {
                    return Err(SopsError::IntegerTooLarge {
                        path: leaf.path.clone(),
                        span: leaf.span.clone(),
                    });
                }
                _ => {}
            }
        }
        Ok(mac.finish())
    }

    /// Compares the values with the MAC in the file, and returns it.
    pub(crate) fn verify(&self) -> Result<String, SopsError> {
        let stored = self.metadata.mac.as_deref().ok_or(SopsError::NoMac)?;
        let stored = Encrypted::parse(stored)
            .and_then(|value| self.key.open(&value, &self.metadata.mac_aad()))
            .ok_or(SopsError::MacMismatch)?;
        let mac = self.mac()?;
        let agrees = |mac: &str| stored.text() == Some(mac);
        if agrees(&mac) {
            return Ok(mac);
        }
        let other = |leaf: &Leaf<'_>| {
            leaf.is_negative_zero()
                .then(|| Plain::new(ValueType::Float, "-0"))
        };
        match self.mac_with(other)? {
            mac if self.docs.format == Format::Json && agrees(&mac) => Ok(mac),
            _ => Err(SopsError::MacMismatch),
        }
    }

    /// Opens comments of the form `#ENC[…]`. One that does not open was never encrypted, says SOPS.
    fn open_comments(&self) -> Vec<SealedComment> {
        let text = self.docs.text;
        let mut found = Vec::new();
        for comment in &self.docs.comments {
            let span = comment.start + 1..comment.end;
            let Some(value) = Encrypted::parse(&text[span.clone()]) else {
                continue;
            };
            let Some(doc) = self
                .docs
                .all
                .iter()
                .position(|doc| doc.span.contains(&comment.start))
            else {
                continue;
            };
            // SOPS binds a comment to the mapping or list that holds it; which one it takes for the holder depends
            // on details of go-yaml, so all of the document are tried.
            let holders: BTreeSet<String> = self
                .walk
                .containers
                .iter()
                .filter(|container| container.doc == doc)
                .map(|container| aad(&container.keys))
                .collect();
            for aad in holders {
                if let Some(plain) = self.key.open(&value, &aad) {
                    if value.kind == ValueType::Comment
                        && plain
                            .text()
                            .is_some_and(|text| !text.contains('\n') || self.docs.format == Format::Ini)
                    {
                        let length = token(&text[span.clone()]).map_or(0, str::len);
                        let span = yaml::line::head(&span, length);
                        found.push(SealedComment { span, plain });
                    }
                    break;
                }
            }
        }
        found
    }
}

fn open_leaf(leaf: &Leaf<'_>, key: &DataKey) -> Result<Option<Plain>, SopsError> {
    let (path, span) = (leaf.path.clone(), leaf.span.clone());
    let plain = match &leaf.typed {
        Typed::Null | Typed::BadTag => return Ok(None),
        Typed::Value(plain) if plain.is_empty() || !leaf.in_scope => return Ok(Some(plain.clone())),
        Typed::TooLarge if !leaf.in_scope => return Ok(None),
        Typed::TooLarge => return Err(SopsError::PlainInScope { path, span }),
        Typed::Value(_) if !is_ciphertext(leaf.text()) => {
            return Err(SopsError::PlainInScope { path, span });
        }
        Typed::Value(_) => match Encrypted::parse(leaf.text()) {
            None => return Err(SopsError::MalformedValue { path, span }),
            Some(value) => key.open(&value, &leaf.aad()),
        },
    };
    let Some(plain) = plain else {
        return Err(SopsError::Tampered { path, span });
    };
    match canonical(plain, leaf.comment_item) {
        Some(plain) => Ok(Some(plain)),
        None => Err(SopsError::MalformedValue { path, span }),
    }
}

/// Brings a decrypted value into the form that SOPS hashes: other writers spell numbers and booleans differently.
fn canonical(plain: Plain, comment_item: bool) -> Option<Plain> {
    let text = match plain.kind {
        ValueType::Str => return Some(plain),
        ValueType::Comment => return comment_item.then_some(plain),
        ValueType::Int => plain.text()?.parse::<i64>().ok()?.to_string(),
        ValueType::Bool => match plain.text()? {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => "True".to_owned(),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => "False".to_owned(),
            _ => return None,
        },
        ValueType::Float => match plain.text()? {
            "+Inf" | "-Inf" | "NaN" => return Some(plain),
            text => {
                let number: f64 = text.parse().ok()?;
                number.is_finite().then(|| format!("{number}"))?
            }
        },
        ValueType::Time => match typing::plain(plain.text()?) {
            Typed::Value(time) if time.kind == ValueType::Time => return Some(time),
            _ => return None,
        },
    };
    Some(Plain::new(plain.kind, text))
}
