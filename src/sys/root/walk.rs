//! Walks through directories: no link is followed, depth and number are bounded, the order is that of the names.

use super::{FileKind, Listing, Refused, Root};
use crate::sys::dotgit::is_git_dir;

/// How deep directories may lie in each other, for what has no bounds of its own.
pub(super) const MAX_DEPTH: usize = 64;

/// Bounds of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How deep directories may lie below the first.
    pub depth: usize,
    /// How many names are looked at, directories and links included.
    pub names: usize,
}

/// Bounds that hold every real repository: ten times the largest that is known, and little enough to hold the names.
pub const TREE: Bounds = Bounds {
    depth: MAX_DEPTH,
    names: 1_000_000,
};

/// What a walk found. Paths are relative to the root; files are sorted part by part.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Walked {
    /// Regular files.
    pub files: Vec<String>,
    /// Symbolic links, which were not followed.
    pub links: Vec<String>,
    /// Devices, pipes and sockets.
    pub special: Vec<String>,
    /// Names that are not UTF-8, made readable; nothing below one that is a directory was looked at.
    pub odd: Vec<String>,
    /// Where the walk gave up, at its bounds.
    pub cut: Option<String>,
}

impl Root {
    /// Collects what lies below a directory; `enter` says which directories to go into. Those of git are left out.
    /// A directory that vanishes meanwhile is passed over.
    ///
    /// # Errors
    /// When the first directory cannot be listed, or the system refuses one below.
    pub fn walk(
        &self,
        below: &str,
        bounds: Bounds,
        mut enter: impl FnMut(&str) -> bool,
    ) -> Result<Walked, Refused> {
        let mut found = Walked::default();
        let mut names = 0;
        let mut open = vec![(below.to_owned(), 0)];
        while let Some((dir, depth)) = open.pop() {
            let Listing { entries, odd } = match self.list_all(&dir) {
                Ok(listing) => listing,
                Err(Refused::Absent) if depth > 0 => continue,
                Err(refused) => return Err(refused),
            };
            names += odd.len();
            found.odd.extend(odd.iter().map(|odd| odd.readable(&dir)));
            let first = open.len();
            for entry in entries {
                names += 1;
                let path = if dir.is_empty() {
                    entry.name
                } else {
                    format!("{dir}/{}", entry.name)
                };
                if names > bounds.names {
                    found.cut = Some(path);
                    open.clear();
                    break;
                }
                match entry.kind {
                    FileKind::File => found.files.push(path),
                    FileKind::Link => found.links.push(path),
                    FileKind::Special => found.special.push(path),
                    FileKind::Directory if is_git_dir(path.rsplit('/').next().unwrap_or_default()) => {}
                    FileKind::Directory if depth >= bounds.depth => {
                        found.cut.get_or_insert(path);
                    }
                    FileKind::Directory if enter(&path) => open.push((path, depth + 1)),
                    FileKind::Directory => {}
                }
            }
            if first < open.len() {
                open[first..].reverse();
            }
        }
        for list in [&mut found.files, &mut found.links, &mut found.special] {
            list.sort_by(|a, b| a.split('/').cmp(b.split('/')));
        }
        Ok(found)
    }
}
