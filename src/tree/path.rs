//! Paths of the output: relative, normalised, inside the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::sys::dotgit::is_git_dir;

/// A path inside the repository with `/` between its parts and no `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct RepoPath(String);

/// Why a text is no [`RepoPath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing left after normalising.
    #[error("the path is empty")]
    Empty,
    /// Starts at the root of the file system.
    #[error("the path is absolute")]
    Absolute,
    /// Leads out of the repository.
    #[error("the path leads out of the repository")]
    Outside,
    /// A part is git's own directory, by one of its names (see [`is_git_dir`]).
    #[error("the path lies in .git")]
    Git,
    /// Has a character that file systems, kustomize or the lock file cannot carry.
    #[error("the path contains a control character or a backslash")]
    Character,
}

/// The names under which kustomize looks for its file in a folder, the usual one first. Source:
/// `RecognizedKustomizationFileNames` of kustomize (`api/konfig`).
pub const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

impl RepoPath {
    /// Reads and normalises a path: `./a//b` is `a/b`, `a/../b` is `b`.
    ///
    /// # Errors
    /// For a path that is empty, absolute, outside of the repository or inside of a `.git`, at any depth.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        if text.contains(|c: char| c.is_control() || c == '\\') {
            return Err(PathError::Character);
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or(PathError::Outside)?;
                }
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return Err(PathError::Empty);
        }
        if parts.iter().any(|part| is_git_dir(part)) {
            return Err(PathError::Git);
        }
        Ok(Self(parts.join("/")))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the directory, without a trailing slash; empty for a file at the top.
    pub fn parent(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// Returns the path in the repository at `root`.
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }

    /// Returns whether the name says that SOPS encrypts the file: `x.sops.yaml`.
    pub fn is_sops(&self) -> bool {
        is_sops_name(&self.0)
    }

    /// Returns whether the file is one of kustomize by its name.
    pub fn is_kustomization(&self) -> bool {
        KUSTOMIZATIONS.contains(&self.file_name())
    }

    /// Returns whether the file is YAML by its name.
    pub fn is_yaml(&self) -> bool {
        let name = Path::new(&self.0).extension();
        self.is_kustomization()
            || name.is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"))
    }
}

/// Returns whether the name of a file says that SOPS encrypts it: `x.sops.yaml`, but not `.sops.yaml`.
pub fn is_sops_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.contains(".sops.") && !name.starts_with(".sops.")
}

/// Returns a directory that these files would make a git repository without a work tree: git takes any directory with
/// `HEAD`, `objects` and `refs` for one, and runs what its `config` says. Empty for the top.
///
/// Source: git's `is_git_directory` (`setup.c`); `safe.bareRepository` is not set by default.
pub fn bare_repository<'a>(paths: impl IntoIterator<Item = &'a RepoPath>) -> Option<String> {
    let mut parts: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for path in paths {
        let mut at = 0;
        for part in path.as_str().split_inclusive('/') {
            let wanted = ["HEAD", "objects/", "refs/"].into_iter();
            for found in wanted.filter(|name| part.eq_ignore_ascii_case(name)) {
                let above = path.as_str()[..at].trim_end_matches('/').to_ascii_lowercase();
                parts.entry(above).or_default().insert(found);
            }
            at += part.len();
        }
    }
    parts
        .into_iter()
        .find(|(_, found)| found.len() == 3)
        .map(|(dir, _)| dir)
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_leaves_the_repository() {
        assert_eq!(RepoPath::parse("../x"), Err(PathError::Outside));
        assert_eq!(RepoPath::parse("a/../../x"), Err(PathError::Outside));
        assert_eq!(RepoPath::parse("/etc/passwd"), Err(PathError::Absolute));
        assert_eq!(RepoPath::parse("./"), Err(PathError::Empty));
        assert_eq!(RepoPath::parse(".git/config"), Err(PathError::Git));
        assert_eq!(RepoPath::parse("x/../.GIT/config"), Err(PathError::Git));
        for path in [
            "vendor/.git/config",
            "a/b/.GIT",
            "a/git~1/config",
            "a/.git /hooks/post-checkout",
            "a/.git::$INDEX_ALLOCATION/config",
            "a/.g\u{200c}it/config",
        ] {
            assert_eq!(RepoPath::parse(path), Err(PathError::Git), "{path}");
        }
        assert!(
            RepoPath::parse(".github/workflows/x.yaml").is_ok() && RepoPath::parse("a/.gitignore").is_ok()
        );
        assert_eq!(RepoPath::parse("./a//b/./c").expect("fine").as_str(), "a/b/c");
    }

    #[test]
    fn what_git_takes_for_a_repository_is_known() {
        let of = |paths: &[&str]| {
            let paths: Vec<RepoPath> = paths.iter().map(|p| RepoPath::parse(p).expect("valid")).collect();
            bare_repository(&paths)
        };
        assert_eq!(
            of(&["a/HEAD", "a/objects/x", "a/refs/x", "b/x"]).as_deref(),
            Some("a")
        );
        assert_eq!(of(&["head", "Objects/x", "REFS/heads/x"]).as_deref(), Some(""));
        assert_eq!(of(&["a/HEAD", "b/objects/x", "a/refs/x"]), None);
        assert_eq!(of(&["a/HEAD", "a/objects", "a/refs/x"]), None);
    }

    #[test]
    fn sops_files_are_known_by_name() {
        for (path, sops) in [
            ("a/secret.sops.yaml", true),
            (".sops.yaml", false),
            ("a/b.yaml", false),
        ] {
            assert_eq!(RepoPath::parse(path).expect("valid").is_sops(), sops, "{path}");
        }
    }

    proptest! {
        #[test]
        fn normalising_is_idempotent_and_stays_inside(text in "[a-c./]{0,20}") {
            if let Ok(path) = RepoPath::parse(&text) {
                prop_assert_eq!(RepoPath::parse(path.as_str()), Ok(path.clone()));
                prop_assert!(!path.as_str().split('/').any(|p| p == ".." || p == "." || p.is_empty()));
            }
        }
    }
}
