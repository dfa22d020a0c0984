//! Which files a command looks at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::rules::absolute;
use crate::diag::Diagnostic;
use crate::sys::named;
use crate::sys::root::{Refused, Root, TREE};
use crate::tree::RepoPath;
use crate::vcs::{Git, WorkTree};

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

/// The files to look at.
#[derive(Debug, Default)]
pub struct ListedFiles {
    /// Those that can be read, sorted by name.
    pub files: Vec<Listed>,
    /// A finding for each that must be left out. An error: whoever can do without them says less.
    pub left_out: Vec<Diagnostic>,
}

/// The finding for a file that cannot be asked for.
pub fn odd_name(name: &str) -> Diagnostic {
    let message = format!("`{name}` was not looked at: its name holds what no path of ours may");
    Diagnostic::error("secrets/odd-name", message)
        .help("give it a name of letters without backslashes and control characters")
}

/// The finding for a directory that nobody goes into.
fn too_deep(at: &str) -> Diagnostic {
    let finding = Refused::TooDeep { at: at.to_owned() }.finding("read", at);
    finding
        .note("nothing below it was looked at")
        .help("or name it on the command line as well: then it is looked through from there")
}

/// Returns the named files, and everything below the named directories that git would commit; below `root` when none
/// is named. Without git, everything.
///
/// # Errors
/// When a path does not exist, or git or a directory cannot be read.
pub fn list(root: &Path, paths: &[PathBuf]) -> Result<ListedFiles, Diagnostic> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let mut found = BTreeSet::new();
    let (mut odd, mut deep) = (BTreeSet::new(), BTreeSet::new());
    for typed in paths {
        let path = root.join(typed);
        if path.is_dir() {
            let other = below(&path, typed, &mut found)?;
            let named = |name: &String| shown(&typed.join(name));
            odd.extend(other.odd.iter().map(named));
            deep.extend(other.deep.iter().map(named));
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
    let odd = odd.iter().map(|name| odd_name(name));
    Ok(ListedFiles {
        files: found.into_iter().collect(),
        left_out: odd.chain(deep.iter().map(|at| too_deep(at))).collect(),
    })
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

/// What was found below a directory and is no file to look at.
struct Other {
    odd: Vec<String>,
    deep: Option<String>,
}

fn below(dir: &Path, typed: &Path, found: &mut BTreeSet<Listed>) -> Result<Other, Diagnostic> {
    let mut add = |relative: &str| {
        found.insert(Listed {
            name: shown(&typed.join(relative)),
            path: dir.join(relative),
            named: false,
            found: Some((dir.to_path_buf(), relative.to_owned())),
        });
    };
    let root = Root::new(dir);
    if let Some(git) = Git::discover(dir)? {
        let WorkTree { files, odd, deep } = git.work_tree_files(&root)?;
        files.iter().for_each(|path| add(path.as_str()));
        return Ok(Other { odd, deep });
    }
    let walked = root
        .walk("", TREE, |_| true)
        .map_err(|refused| refused.finding("read", &shown(typed)))?;
    walked.files.iter().for_each(|path| add(path));
    Ok(Other {
        odd: walked.odd,
        deep: walked.cut,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let deep = vec!["d"; 70].join("/");
        std::fs::create_dir_all(dir.path().join(&deep)).expect("made");
        for name in [&format!("{deep}/x.yaml"), "y.yaml"] {
            std::fs::write(dir.path().join(name), "x").expect("written");
        }
        for with_git in [false, true] {
            if with_git {
                crate::vcs::init(&Root::new(dir.path())).expect("made");
            }
            let found = list(dir.path(), &[]).expect("listed");
            let names: Vec<&str> = found.files.iter().map(|file| file.name.as_str()).collect();
            assert_eq!(names, ["y.yaml"]);
            let codes: Vec<&str> = found.left_out.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, ["path/too-deep"], "{with_git}");
        }
    }
}
