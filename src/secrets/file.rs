//! A file that a person named.

use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;
use crate::side;
use crate::sops::{self, Format};
use crate::sys::SecretText;
use crate::sys::replace::{Access, replace_file};

/// A file with its text as it was read.
#[derive(Debug)]
pub struct File {
    /// What findings call it: the path as it was typed.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: SecretText,
}

impl File {
    /// Reads a file. A relative path starts at `root`.
    ///
    /// # Errors
    /// When it is not there or not text.
    pub fn read(root: &Path, typed: &Path) -> Result<Self, Diagnostic> {
        let name = typed.display().to_string();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        let path = root.join(typed);
        match side::read_path(&path, &name)? {
            Some(text) => Ok(Self { name, path, text }),
            None => Err(side::not_found(&name)),
        }
    }

    /// Returns the format: the one given, else that of the name. A sealed file whose name tells nothing is YAML if it
    /// reads as such.
    pub fn format(&self, given: Option<Format>) -> Format {
        match given.unwrap_or_else(|| Format::of(&self.path)) {
            Format::Binary if given.is_none() && self.is_sealed_yaml() => Format::Yaml,
            format => format,
        }
    }

    fn is_sealed_yaml(&self) -> bool {
        let text = self.text.expose();
        !text.trim_start().starts_with('{') && sops::status(text).is_ok()
    }

    /// Replaces the file by ciphertext. Its permissions stay.
    ///
    /// # Errors
    /// When it changed since it was read, or the system refuses.
    pub fn write(&self, text: &str) -> Result<(), Diagnostic> {
        self.write_as(text.as_bytes(), Access::Kept)
    }

    /// Replaces the file by plaintext, which only its owner can read.
    ///
    /// # Errors
    /// Those of [`File::write`].
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
        let now = side::read_path(&self.path, &self.name)?;
        Ok(now.is_some_and(|now| now == self.text))
    }
}
