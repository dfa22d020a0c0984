//! Where a path of `makejinja.toml` lies: below the root, or outside, where only a person may send us.

use std::path::{Component, Path, PathBuf};

use crate::sys::root::{FileKind, Refused, Root};

/// A path, and the root that it is opened below.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The repository's root; for a path outside, the directory itself, or that of the file.
    pub(super) root: Root,
    /// The path below it; empty for the root itself.
    pub(super) below: String,
}

impl Place {
    /// Finds a path of the settings. Whether one that leads outside may be used is decided before, see [`leads_outside`].
    pub(super) fn of(root: &Root, text: &str) -> Self {
        if !leads_outside(text) {
            let root = root.clone();
            let below = inside(text);
            return Self { root, below };
        }
        let full = root.path().join(text);
        match (full.parent(), full.file_name().and_then(|name| name.to_str())) {
            (Some(parent), Some(name)) if !full.is_dir() => Self {
                root: Root::new(parent),
                below: name.to_owned(),
            },
            _ => Self {
                root: Root::new(full),
                below: String::new(),
            },
        }
    }

    /// Tells what stands there; nothing for what is absent.
    ///
    /// # Errors
    /// When it is a link or below one, or cannot be looked at.
    pub(super) fn look(&self) -> Result<Option<FileKind>, Refused> {
        match self.root.look(&self.below)? {
            Some(meta) if meta.kind == FileKind::Link => Err(Refused::Link {
                at: self.below.clone(),
            }),
            meta => Ok(meta.map(|meta| meta.kind)),
        }
    }
}

/// Returns the parts of a path that leads nowhere else.
fn inside(text: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns whether a path of the settings leads out of the repository: it is absolute, or climbs above the root.
pub(super) fn leads_outside(text: &str) -> bool {
    let mut depth = 0_usize;
    for component in Path::new(text).components() {
        match component {
            Component::Prefix(_) | Component::RootDir => return true,
            Component::CurDir => {}
            Component::Normal(_) => depth += 1,
            Component::ParentDir => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
        }
    }
    false
}

/// Returns whether a person has allowed exactly this path. Relative paths start at the root, on both sides.
pub(super) fn is_allowed(root: &Root, text: &str, allowed: &[PathBuf]) -> bool {
    let root = std::path::absolute(root.path()).unwrap_or_else(|_| root.path().to_path_buf());
    let full = |path: &Path| plain(&root.join(path));
    let wanted = full(Path::new(text));
    allowed.iter().any(|path| full(path) == wanted)
}

/// Returns a path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            component => plain.push(component),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_climb_or_are_absolute_lead_outside() {
        for text in ["../x", "/etc", "a/../../x", "./..", ".."] {
            assert!(leads_outside(text), "{text}");
        }
        for (text, below) in [
            ("./t", "t"),
            ("", ""),
            ("./", ""),
            ("a/../b//c/", "b/c"),
            ("...", "..."),
        ] {
            assert!(!leads_outside(text), "{text}");
            assert_eq!(Place::of(&Root::new("/r"), text).below, below);
        }
    }

    #[test]
    fn exactly_the_path_that_was_named_is_allowed() {
        let root = Root::new("/r");
        let allowed = [PathBuf::from("../shared/./data"), PathBuf::from("/etc/x.yaml")];
        for text in [
            "../shared/data",
            "/shared/data",
            "a/../../shared/data/",
            "/etc/x.yaml",
        ] {
            assert!(is_allowed(&root, text, &allowed), "{text}");
        }
        for text in ["../shared", "../shared/data/below", "/etc", "/etc/x.yaml2"] {
            assert!(!is_allowed(&root, text, &allowed), "{text}");
        }
    }
}
