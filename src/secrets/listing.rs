//! Which files a command looks at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::rules::absolute;
use crate::diag::Diagnostic;
use crate::sys::named;
use crate::sys::root::{Refused, Root, TREE};
use crate::tree::RepoPath;
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
    /// The directory that was listed, and the path below it, for a file that nobody named.
    found: Option<(PathBuf, String)>,
}

impl Listed {
    /// Reads at most `limit` bytes. Links are followed for a file that a person named, and for no other.
    ///
    /// # Errors
    /// When it is absent, a link, no regular file, too large, or the system refuses.
    pub fn read(&self, limit: u64) -> Result<Vec<u8>, Refused> {
        match &self.found {
            Some((dir, below)) => Root::new(dir).read(below, limit),
            None => named::read(&self.path, limit),
        }
    }
}

/// Returns the named files, and everything below the named directories that git would commit; below `root` when none
/// is named. Without git, everything. Sorted by name.
///
/// # Errors
/// When a path does not exist, or git or a directory cannot be read.
pub fn list(root: &Path, paths: &[PathBuf]) -> Result<Vec<Listed>, Diagnostic> {
    list_all(root, paths).map(|(files, _)| files)
}

/// Does the same, and returns also the names, made readable, of files that cannot be asked for.
///
/// # Errors
/// Those of [`list`].
pub fn list_all(root: &Path, paths: &[PathBuf]) -> Result<(Vec<Listed>, Vec<String>), Diagnostic> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let mut found = BTreeSet::new();
    let mut odd = Vec::new();
    for typed in paths {
        let path = root.join(typed);
        if path.is_dir() {
            below(&path, typed, &mut found, &mut odd)?;
        } else if path.is_file() {
            found.insert(Listed {
                name: shown(typed),
                path,
                named: true,
                found: None,
            });
        } else {
            return Err(crate::world::side::not_found(&shown(typed)));
        }
    }
    odd.sort();
    odd.dedup();
    Ok((found.into_iter().collect(), odd))
}

/// Leaves those of the staged paths that are named, or lie below one that is; all when none is named.
///
/// # Errors
/// When a path is not there, and nothing of it is staged.
pub fn named_of(root: &Path, typed: &[PathBuf], staged: Vec<RepoPath>) -> Result<Vec<RepoPath>, Diagnostic> {
    if typed.is_empty() {
        return Ok(staged);
    }
    let top = absolute(root);
    let mut all = BTreeSet::new();
    for typed in typed {
        let path = root.join(typed);
        let full = absolute(&path);
        let before = all.len();
        let below = staged
            .iter()
            .filter(|staged| staged.under(&top).starts_with(&full));
        all.extend(below.cloned());
        if all.len() == before && !path.is_dir() && !path.is_file() {
            return Err(crate::world::side::not_found(&shown(typed)));
        }
    }
    Ok(all.into_iter().collect())
}

fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

fn below(
    dir: &Path,
    typed: &Path,
    found: &mut BTreeSet<Listed>,
    odd: &mut Vec<String>,
) -> Result<(), Diagnostic> {
    let mut unsaid = |names: Vec<String>| odd.extend(names.iter().map(|name| shown(&typed.join(name))));
    let mut add = |relative: &str| {
        found.insert(Listed {
            name: shown(&typed.join(relative)),
            path: dir.join(relative),
            named: false,
            found: Some((dir.to_path_buf(), relative.to_owned())),
        });
    };
    let root = Root::new(dir);
    if let Some(git) = Repository::discover(dir)? {
        let (files, odd) = git.work_tree_files(&root)?;
        files.iter().for_each(|path| add(path.as_str()));
        unsaid(odd);
        return Ok(());
    }
    let walked = root
        .walk("", TREE, |_| true)
        .map_err(|refused| refused.finding("read", &shown(typed)))?;
    walked.files.iter().for_each(|path| add(path));
    unsaid(walked.odd);
    Ok(())
}
