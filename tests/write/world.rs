//! A user's repository in a temporary directory, and what a run does to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clusterwright::check;
use clusterwright::config::Vault;
use clusterwright::diag::{Diagnostic, Diagnostics};
use clusterwright::diff::ChangeSet;
use clusterwright::render;
use clusterwright::seal::{self, Sealed};
use clusterwright::sys::OsEntropy;
use clusterwright::sys::disk::{Disk, OsDisk};
use clusterwright::sys::root::Root;
use clusterwright::tree::{Artifact, Origin, RepoPath, Tree};
use clusterwright::world::lock::{LOCK_FILE, Lock};
use clusterwright::world::{Bases, Choices, Existing};
use clusterwright::write::{Receipt, Record, Recovery, apply, recover, undo};

use crate::support::directory;

/// Files by path.
pub(crate) type Files = BTreeMap<String, String>;

pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).expect("a valid path")
}

pub(crate) fn files(list: &[(&str, &str)]) -> Files {
    list.iter()
        .map(|(p, t)| ((*p).to_owned(), (*t).to_owned()))
        .collect()
}

pub(crate) fn sealed(files: &Files) -> Tree<Sealed> {
    let artifacts = files.iter().map(|(p, text)| {
        let origin = Origin {
            app: "repo".to_owned(),
            template: None,
            reason: vec!["test_enabled".to_owned()],
            fingerprint: None,
        };
        Artifact::new(path(p), text.clone(), origin)
    });
    through(artifacts)
}

/// Brings files through the stages before the diff, which let nobody in who has not passed those before.
pub(crate) fn through(artifacts: impl IntoIterator<Item = Artifact>) -> Tree<Sealed> {
    let mut diags = Diagnostics::default();
    let tree = render::of_files(artifacts, BTreeMap::new(), |_, _| {});
    let tree = check::check_raw(tree, &mut diags).expect("no rule is broken");
    let committed = seal::Committed {
        existing: &Existing::default(),
        git: None,
        lock: &Lock::default(),
        bases: &Bases::default(),
        choices: &Choices::default(),
    };
    let (vault, keys) = (Vault::new(&mut OsEntropy), seal::SealKeys::default());
    seal::seal(&tree, &vault, &keys, &committed, &mut OsEntropy, &mut diags).expect("nothing to seal")
}

/// A repository.
pub(crate) struct World {
    _dir: Option<tempfile::TempDir>,
    pub(crate) root: PathBuf,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = directory();
        Self {
            root: dir.path().to_owned(),
            _dir: Some(dir),
        }
    }

    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            _dir: None,
        }
    }

    /// Opens it anew, as each run does.
    pub(crate) fn open(&self) -> Root {
        Root::new(&self.root)
    }

    pub(crate) fn put(&self, path: &str, text: &str) {
        let full = self.root.join(path);
        fs::create_dir_all(full.parent().expect("below the root")).expect("made");
        fs::write(full, text).expect("written");
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    /// Returns the files but the run lock's, which stays behind, and the undo record's.
    pub(crate) fn files(&self) -> Files {
        let mut out = Files::new();
        walk(&self.root, &self.root, &mut |name, full, is_dir| {
            if !is_dir && name != ".clusterwright/run.lock" && !name.starts_with(".clusterwright/undo/") {
                let text = fs::read(full).expect("readable");
                out.insert(name.to_owned(), String::from_utf8_lossy(&text).into_owned());
            }
        });
        out
    }

    /// Returns the directories.
    pub(crate) fn dirs(&self) -> Vec<String> {
        let mut out = Vec::new();
        walk(&self.root, &self.root, &mut |name, _, is_dir| {
            if is_dir && !name.starts_with(".clusterwright") {
                out.push(name.to_owned());
            }
        });
        out
    }

    pub(crate) fn lock(&self) -> Lock {
        let text = self.text(LOCK_FILE).unwrap_or_default();
        Lock::parse(&text, &mut Diagnostics::default()).expect("a lock that reads")
    }

    pub(crate) fn existing(&self, tree: &Tree<Sealed>, lock: &Lock) -> Existing {
        let paths = tree.iter().map(|a| &a.path).chain(lock.entries.keys());
        Existing::read(&self.open(), paths)
    }

    pub(crate) fn diff(&self, wanted: &Files, choices: &Choices) -> Result<ChangeSet, Vec<Diagnostic>> {
        let (tree, lock) = (sealed(wanted), self.lock());
        ChangeSet::compute(&tree, &self.existing(&tree, &lock), &lock, choices)
    }

    /// Diffs and writes, without recovering first.
    pub(crate) fn write(&self, wanted: &Files, disk: &mut impl Disk) -> Result<Receipt, Diagnostic> {
        let changes = self.diff(wanted, &Choices::default()).expect("no broken paths");
        apply(&changes, &sealed(wanted), &self.open(), disk)
    }

    pub(crate) fn recover(&self) -> Result<Recovery, Vec<Diagnostic>> {
        recover(&self.open(), &mut OsDisk)
    }

    /// Takes the last run back, without recovering first.
    pub(crate) fn undo(&self, disk: &mut impl Disk) -> Result<Receipt, Vec<Diagnostic>> {
        let record = self.record().expect("a record");
        record.check(&self.open())?;
        undo(&record, &self.open(), disk).map_err(|error| vec![error])
    }

    /// Returns the undo record; a damaged one is a failure.
    pub(crate) fn record(&self) -> Option<Record> {
        Record::load(&self.open()).expect("whole")
    }

    /// A whole run that must succeed.
    pub(crate) fn run(&self, wanted: &Files) -> Receipt {
        self.recover().expect("recovers");
        self.write(wanted, &mut OsDisk).expect("writes")
    }
}

fn walk(root: &Path, dir: &Path, see: &mut impl FnMut(&str, &Path, bool)) {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for full in entries {
        let name = full
            .strip_prefix(root)
            .expect("below")
            .to_string_lossy()
            .into_owned();
        let is_dir = full.symlink_metadata().expect("there").is_dir();
        see(&name, &full, is_dir);
        if is_dir {
            walk(root, &full, see);
        }
    }
}
