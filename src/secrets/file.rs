//! A file that a person named.

use std::path::{Path, PathBuf};

use sops::{Format, SopsError};
use zeroize::Zeroizing;

use super::configuration;
use crate::diag::Diagnostic;
use crate::seal;
use crate::sys::replace::{Access, replace_file};
use crate::world::side;

/// A file with its bytes as they were read.
pub struct SecretFile {
    /// What findings call it: the path as it was typed.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// The directory of the configuration.
    root: PathBuf,
    /// Its bytes; those of an encrypted file are text.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "File({}, …)", self.name)
    }
}

impl SecretFile {
    /// Reads a file. A relative path starts at `root`.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn read(root: &Path, typed: &Path) -> Result<Self, Diagnostic> {
        let name = typed.display().to_string();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        let path = root.join(typed);
        match side::read_bytes(&path, &name)? {
            Some(bytes) => Ok(Self {
                name,
                path,
                root: root.to_path_buf(),
                bytes,
            }),
            None => Err(side::not_found(&name)),
        }
    }

    /// Returns the directory of the configuration.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the text of an encrypted file.
    ///
    /// # Errors
    /// When it is no text, and so not encrypted.
    pub fn text(&self) -> Result<&str, Diagnostic> {
        std::str::from_utf8(&self.bytes).map_err(|_| seal::finding(&SopsError::NotEncrypted, &self.name))
    }

    /// Returns the format: the one given, else that of the name, else that which the text of an encrypted file tells.
    pub fn format(&self, given: Option<Format>) -> Format {
        given.unwrap_or_else(|| Format::of_text(&self.path, self.text().unwrap_or_default()))
    }

    /// Replaces the file by ciphertext. Its permissions stay.
    ///
    /// # Errors
    /// When it changed since it was read, is a configuration file in which a secret would stand in clear, or the system
    /// refuses.
    pub fn write(&self, text: &str) -> Result<(), Diagnostic> {
        configuration::guard(&self.root, &self.path, text)?;
        self.write_as(text.as_bytes(), Access::Kept)
    }

    /// Replaces the file by plaintext, which only its owner can read.
    ///
    /// # Errors
    /// When it changed since it was read, or the system refuses.
    pub fn write_plain(&self, plain: &[u8]) -> Result<(), Diagnostic> {
        self.write_as(plain, Access::Private)
    }

    fn write_as(&self, bytes: &[u8], access: Access) -> Result<(), Diagnostic> {
        if !self.is_current()? {
            return Err(Diagnostic::error(
                "secrets/changed-meanwhile",
                format!("`{}` was changed by somebody else meanwhile", self.name),
            )
            .in_file(&self.name)
            .note("nothing was written")
            .help("run the command again"));
        }
        replace_file(&self.path, bytes, access).map_err(|error| Diagnostic::io("write", &self.name, &error))
    }

    /// Returns whether the file still is what was read.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_current(&self) -> Result<bool, Diagnostic> {
        let now = side::read_bytes(&self.path, &self.name)?;
        Ok(now.is_some_and(|now| now == self.bytes))
    }
}
