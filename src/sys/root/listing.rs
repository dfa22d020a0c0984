//! What a directory holds.

use super::FileKind;

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: FileKind,
}

/// A name in a directory that is no UTF-8, so that nothing can ask for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OddName {
    /// Its bytes.
    pub name: Vec<u8>,
    /// Whether it is that of a directory.
    pub is_dir: bool,
}

impl OddName {
    /// Returns its path with what is no text spelled out: `dir/a\xff.yaml`.
    pub fn readable(&self, dir: &str) -> String {
        let slash = if dir.is_empty() || dir.ends_with('/') {
            ""
        } else {
            "/"
        };
        format!("{dir}{slash}{}", self.name.escape_ascii())
    }
}

/// What a directory holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Names that can be asked for.
    pub entries: Vec<DirEntry>,
    /// Files and directories that cannot.
    pub odd: Vec<OddName>,
}

impl Listing {
    /// Adds a name; `None` in place of one that is no text. Links and special files are nothing that could be read anyway.
    pub(super) fn add(&mut self, name: Option<&str>, bytes: &[u8], kind: FileKind) {
        match name {
            Some(name) => self.entries.push(DirEntry {
                name: name.to_owned(),
                kind,
            }),
            None if matches!(kind, FileKind::File | FileKind::Directory) => self.odd.push(OddName {
                name: bytes.to_vec(),
                is_dir: kind == FileKind::Directory,
            }),
            None => {}
        }
    }
}
