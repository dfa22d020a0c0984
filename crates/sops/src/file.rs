//! A SOPS file that was read.

use yaml::Node;

use crate::error::SopsError;
use crate::format::Format;
use crate::rules::selector::Selector;
use crate::text::document::Documents;
use crate::text::metadata::Metadata;

/// A SOPS file whose text was read once, and that can be asked any number of times: what it says without a key
/// ([`File::status`], [`File::key_change`], [`File::compare_keyless`]), what it holds ([`File::decrypt`],
/// [`File::extract`], [`File::decrypt_values`]), and what its text becomes ([`File::update`], [`File::replace`],
/// [`File::set`], [`File::unset`], [`File::rotate`], [`File::update_keys`]).
///
/// What reads one answer alone is shorter with the methods of [`Format`].
pub struct File<'t> {
    pub(crate) docs: Documents<'t>,
    pub(crate) metadata: Metadata,
}

impl<'t> File<'t> {
    /// Reads a file. Opens nothing.
    ///
    /// # Errors
    /// When the text is not of this format, or no SOPS file.
    pub fn read(format: Format, text: &'t str) -> Result<Self, SopsError> {
        let docs = Documents::read(text, format)?;
        let metadata = Metadata::read(&docs)?;
        Ok(Self { docs, metadata })
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.docs.format
    }

    /// Returns the text that was read.
    pub fn text(&self) -> &'t str {
        self.docs.text
    }

    /// Returns which values of the file are encrypted, as its `sops` block says.
    pub fn selector(&self) -> &Selector {
        &self.metadata.selector
    }

    /// Returns the documents as mappings, the metadata of every format as an entry `sops`.
    pub fn documents(&self) -> impl Iterator<Item = &Node> {
        self.docs.roots().map(|(_, root)| root)
    }
}
