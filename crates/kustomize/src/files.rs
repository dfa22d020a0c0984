//! What a build reads: files and folders by their path below one root.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The files of a repository. Paths are relative to its root, with `/` and without `.` and `..`; the root itself is empty. A file may be
/// asked for several times: hold what was read.
pub trait Files {
    /// Returns the content of a file, nothing if there is none at that path.
    fn content(&self, path: &str) -> Option<Cow<'_, [u8]>>;

    /// Returns whether a folder is there.
    fn has_folder(&self, path: &str) -> bool;
}

/// Files that are held in memory. A folder is there when a file is in it.
impl Files for BTreeMap<String, Vec<u8>> {
    fn content(&self, path: &str) -> Option<Cow<'_, [u8]>> {
        self.get(path).map(|content| Cow::Borrowed(content.as_slice()))
    }

    fn has_folder(&self, path: &str) -> bool {
        let start = format!("{path}/");
        path.is_empty()
            || self
                .range(start.clone()..)
                .next()
                .is_some_and(|(file, _)| file.starts_with(&start))
    }
}

/// Returns the path that `path` leads to from a folder, nothing if that is outside of the root.
pub(crate) fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns whether a path is a folder or lies below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path == folder
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Returns whether an entry of a build file is an address of another place: a URL, or a repository of git.
pub(crate) fn is_remote(entry: &str) -> bool {
    let lower = entry.to_ascii_lowercase();
    let lower = lower.strip_prefix("git::").unwrap_or(&lower);
    if [
        "http://",
        "https://",
        "ssh://",
        "file://",
        "github.com/",
        "github.com:",
    ]
    .iter()
    .any(|start| lower.starts_with(start))
    {
        return true;
    }
    // `user@host:path`, as `scp` has it.
    lower.split_once('@').is_some_and(|(user, rest)| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && rest.contains([':', '/'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_below_the_root() {
        for (folder, path, joined) in [
            ("a/b", "../c", Some("a/c")),
            ("a", "./b//c/", Some("a/b/c")),
            ("", "x", Some("x")),
            ("a", "..", Some("")),
            ("a", "../..", None),
            ("a", "/etc", None),
        ] {
            assert_eq!(join(folder, path).as_deref(), joined, "{folder} {path}");
        }
        assert!(is_within("a/b", "a") && is_within("a", "") && !is_within("ab", "a"));
    }

    #[test]
    fn addresses_are_told_from_paths() {
        for remote in [
            "https://x/y.yaml",
            "github.com/a/b?ref=v1",
            "git@github.com:a/b",
            "git::https://x",
        ] {
            assert!(is_remote(remote), "{remote}");
        }
        for path in ["../base", "a@b.yaml", "github.common/x", "base"] {
            assert!(!is_remote(path), "{path}");
        }
    }
}
