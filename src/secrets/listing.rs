//! Which files a command looks at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;
use crate::vcs::Repository;

/// A file to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// What findings call it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether a person named it.
    pub named: bool,
}

/// Returns the named files, and everything below the named directories that git would commit; below `root` when none
/// is named. Without git, everything. Sorted by name.
///
/// # Errors
/// When a path does not exist, or git or a directory cannot be read.
pub fn list(root: &Path, paths: &[PathBuf]) -> Result<Vec<Listed>, Diagnostic> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let mut found = BTreeSet::new();
    for typed in paths {
        let path = root.join(typed);
        if path.is_dir() {
            below(&path, typed, &mut found)?;
        } else if path.is_file() {
            found.insert(Listed {
                name: shown(typed),
                path,
                named: true,
            });
        } else {
            return Err(crate::side::not_found(&shown(typed)));
        }
    }
    Ok(found.into_iter().collect())
}

fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

fn below(dir: &Path, typed: &Path, found: &mut BTreeSet<Listed>) -> Result<(), Diagnostic> {
    let mut add = |relative: &str| {
        found.insert(Listed {
            name: shown(&typed.join(relative)),
            path: dir.join(relative),
            named: false,
        });
    };
    if let Some(git) = Repository::discover(dir)? {
        git.work_tree_files(dir)?
            .iter()
            .for_each(|path| add(path.as_str()));
        return Ok(());
    }
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let full = dir.join(&relative);
        let entries = std::fs::read_dir(&full).map_err(|error| Diagnostic::io("read", &full, &error))?;
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let path = relative.join(entry.file_name());
            if kind.is_dir() && entry.file_name() != ".git" {
                open.push(path);
            } else if kind.is_file()
                && let Some(path) = path.to_str()
            {
                add(path);
            }
        }
    }
    Ok(())
}
