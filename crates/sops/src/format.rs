//! The formats of files that SOPS knows.

use std::path::Path;
use std::str::FromStr;

use crate::error::SopsError;

/// How a file is written. All formats but YAML have one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// YAML, with several documents if need be.
    Yaml,
    /// A JSON object.
    Json,
    /// `KEY=value` lines.
    Dotenv,
    /// Sections of `key = value` lines.
    Ini,
    /// Anything else: the whole file is one value, in a JSON object.
    Binary,
}

impl Format {
    /// Returns the format that SOPS takes a file for, by its name.
    pub fn of(path: impl AsRef<Path>) -> Self {
        let name = path.as_ref().file_name().map(|name| name.to_string_lossy());
        let name = name.as_deref().unwrap_or_default();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            Some("ini") => Self::Ini,
            _ => Self::Binary,
        }
    }

    /// Returns the word that SOPS has for it, as in `--input-type`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }

    /// Returns a plaintext as text.
    pub(crate) fn text(self, plain: &[u8]) -> Result<&str, SopsError> {
        std::str::from_utf8(plain).map_err(|error| SopsError::Syntax {
            format: self.word(),
            message: "it is not UTF-8 text".to_owned(),
            span: error.valid_up_to()..error.valid_up_to(),
        })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Yaml, Self::Json, Self::Dotenv, Self::Ini, Self::Binary]
            .into_iter()
            .find(|format| format.word() == word)
            .ok_or_else(|| "the formats are yaml, json, dotenv, ini and binary".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_as_in_sops() {
        for (name, format) in [
            ("a/secret.sops.yaml", Format::Yaml),
            ("a.yml", Format::Yaml),
            ("x.json", Format::Json),
            (".env", Format::Dotenv),
            ("prod.env", Format::Dotenv),
            ("a.ini", Format::Ini),
            ("yaml", Format::Binary),
            ("a.env.bak", Format::Binary),
            ("", Format::Binary),
        ] {
            assert_eq!(Format::of(name), format, "{name}");
            assert_eq!(Format::from_str(format.word()), Ok(format));
        }
        assert!(Format::from_str("toml").is_err());
    }
}
