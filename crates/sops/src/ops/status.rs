//! Whether a SOPS file hides what it promises to hide, without any key.

use std::ops::Range;

use crate::error::SopsError;
use crate::file::File;
use crate::format::Format;
use crate::rules::selector::Scope;
use crate::text::SOPS_KEY;
use crate::text::assemble::bare_times;
use crate::text::typing::Typed;
use crate::text::value::{Encrypted, ValueType};
use crate::text::walk::{Leaf, walk};

/// What a look at a SOPS file shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Values in the encrypted scope that stand in plain text: path and place.
    pub unsealed: Vec<(String, Range<usize>)>,
    /// Starts of the documents without a `sops` block, which Flux would apply as they are.
    pub without_block: Vec<Range<usize>>,
    /// Number of encrypted values.
    pub sealed: usize,
    /// The recipients as written, in order.
    pub recipients: Vec<String>,
    /// Whether there is a MAC.
    pub has_mac: bool,
    /// Plain integers of a JSON file that count in its MAC and that SOPS before 3.13.2 reads as floats of other digits,
    /// so that it takes the file for changed: path and place.
    pub inexact: Vec<(String, Range<usize>)>,
    /// Times in the `sops` block of a YAML file that stand without quotes, such as `lastmodified`: SOPS from 3.13 and Flux
    /// refuse the file. They read the block of the first document alone.
    pub bare_times: Vec<Range<usize>>,
}

impl Status {
    /// Returns whether everything that should be hidden is hidden.
    pub fn is_sealed(&self) -> bool {
        self.unsealed.is_empty() && self.without_block.is_empty() && self.sealed > 0
    }
}

/// Looks at a SOPS file without opening it.
///
/// # Errors
/// When the text is no SOPS file or its selector does not compile.
pub fn status(text: &str) -> Result<Status, SopsError> {
    File::read(Format::Yaml, text)?.status()
}

impl File<'_> {
    /// Looks at the file without opening it.
    ///
    /// # Errors
    /// When its selector does not compile.
    pub fn status(&self) -> Result<Status, SopsError> {
        look(self)
    }
}

fn look(file: &File<'_>) -> Result<Status, SopsError> {
    let (docs, metadata, format) = (&file.docs, &file.metadata, file.format());
    let scope = Scope::of(format, &metadata.selector)?;
    let mut status = Status {
        unsealed: Vec::new(),
        without_block: docs
            .roots()
            .filter(|(_, root)| root.get(SOPS_KEY).is_none())
            .map(|(_, root)| root.head())
            .collect(),
        sealed: 0,
        recipients: metadata
            .wrapped()
            .map(|wrapped| wrapped.recipient.clone())
            .collect(),
        has_mac: metadata.mac.is_some(),
        inexact: Vec::new(),
        bare_times: Vec::new(),
    };
    if let Some(block) = docs.roots().next().and_then(|(_, root)| root.get(SOPS_KEY)) {
        let mut found = Vec::new();
        bare_times(docs, block, &mut found);
        status.bare_times = found.into_iter().map(|(range, _)| range).collect();
    }
    for leaf in &walk(docs, &scope, true)?.leaves {
        match &leaf.typed {
            _ if !leaf.in_scope => {
                if format == Format::Json && !metadata.mac_only_encrypted && is_inexact(leaf) {
                    status.inexact.push((leaf.path.clone(), leaf.span.clone()));
                }
            }
            Typed::Null | Typed::BadTag => {}
            Typed::Value(plain) if plain.is_empty() => {}
            _ if Encrypted::parse(leaf.text()).is_some() => status.sealed += 1,
            _ => status.unsealed.push((leaf.path.clone(), leaf.span.clone())),
        }
    }
    Ok(status)
}

fn is_inexact(leaf: &Leaf<'_>) -> bool {
    match (&leaf.typed, leaf.text().parse::<f64>()) {
        (Typed::Value(plain), Ok(float)) if plain.kind == ValueType::Int => {
            plain.text() != Some(float.to_string().as_str())
        }
        _ => false,
    }
}
