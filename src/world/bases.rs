//! Where the base of a merge comes from: the render that the lock names by its hash.
//!
//! A file that was never edited has its render in git. A merged file has not: its render was never written as it is.
//! Such renders are kept beside the lock, named by their hash, and committed with it.

use std::collections::BTreeMap;

use crate::diag::Diagnostic;
use crate::sys::root::{FileKind, Root, limits};
use crate::tree::RepoPath;
use crate::vcs::Git;
use crate::world::lock::{Sha256, lf};

/// Where renders of merged files are kept.
pub const BASE_DIR: &str = ".clusterwright/base";

/// Renders of earlier runs by hash.
#[derive(Debug, Default, Clone)]
pub struct Bases {
    stored: BTreeMap<Sha256, Vec<u8>>,
    found: BTreeMap<(RepoPath, Sha256), String>,
}

impl Bases {
    /// Reads the renders kept beside the lock. A damaged one is as good as none.
    pub fn read(root: &Root) -> Self {
        let mut stored = BTreeMap::new();
        let entries = root.list(BASE_DIR).unwrap_or_default();
        for entry in entries.iter().filter(|entry| entry.kind == FileKind::File) {
            let Some(hash) = Sha256::parse(&entry.name) else {
                continue;
            };
            if let Ok(bytes) = root.read(&format!("{BASE_DIR}/{}", entry.name), limits::OUTPUT) {
                stored.insert(hash, bytes);
            }
        }
        Self {
            stored,
            found: BTreeMap::new(),
        }
    }

    /// Looks for the versions of files with these hashes: beside the lock, then in the history of git.
    ///
    /// # Errors
    /// When git cannot be read.
    pub fn find(&mut self, wanted: &BTreeMap<RepoPath, Sha256>, git: Option<&Git>) -> Result<(), Diagnostic> {
        let mut missing = BTreeMap::new();
        for (path, hash) in wanted {
            if self.get(path, *hash).is_some() {
                continue;
            }
            let stored = self
                .stored
                .get(hash)
                .filter(|bytes| Sha256::of_text(bytes) == *hash);
            match stored.and_then(|bytes| text(bytes)) {
                Some(text) => {
                    self.found.insert((path.clone(), *hash), text);
                }
                None => {
                    missing.insert(path.clone(), *hash);
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let Some(git) = git else { return Ok(()) };
        git.read_history(missing.keys(), |path, bytes| {
            let hash = missing[path];
            if Sha256::of_text(bytes) != hash {
                return false;
            }
            if let Some(text) = text(bytes) {
                self.found.insert((path.clone(), hash), text);
            }
            true
        })
    }

    /// Returns the version of a file with this hash.
    pub fn get(&self, path: &RepoPath, hash: Sha256) -> Option<&str> {
        self.found.get(&(path.clone(), hash)).map(String::as_str)
    }

    /// Returns what is kept beside the lock.
    pub fn stored(&self) -> &BTreeMap<Sha256, Vec<u8>> {
        &self.stored
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(lf(bytes).into_owned()).ok()
}
