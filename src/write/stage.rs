//! Staging: everything that a transaction needs, written before anything is changed.

use std::path::Path;

use super::plan::{Plan, Step, parents};
use super::target::{self, State};
use super::{Txn, execute};
use crate::diag::Diagnostic;
use crate::diff::{Change, ChangeKind, ChangeSet};
use crate::lock::{LOCK_FILE, Lock, Sha256};
use crate::seal::Sealed;
use crate::sys::disk::Disk;
use crate::tree::{RepoPath, Tree};

/// Stages all files and the draft of the plan.
///
/// # Errors
/// When a target is not what the diff saw, or the system refuses something.
pub(super) fn stage(
    changes: &ChangeSet,
    tree: &Tree<Sealed>,
    root: &Path,
    txn: &Txn,
    disk: &mut impl Disk,
) -> Result<Plan, Diagnostic> {
    let mut stager = Stager {
        root,
        txn,
        disk,
        plan: Plan::default(),
    };
    stager.prepare()?;
    let touching = || changes.changes().iter().filter(|c| c.kind.touches_file());
    for change in touching().filter(|c| c.kind == ChangeKind::Delete) {
        stager.change(change, None)?;
    }
    for change in touching().filter(|c| c.kind != ChangeKind::Delete) {
        let artifact = tree.get(&change.path).ok_or_else(|| foreign_tree(change))?;
        let text = artifact.text.as_bytes();
        // The lock's hash is that of the bytes, unless there are line ends to normalise.
        let known = changes.lock().entries.get(&change.path).map(|entry| entry.hash);
        let hash = known.filter(|_| !text.contains(&b'\r'));
        stager.change(change, Some((text, hash.unwrap_or_else(|| Sha256::of(text)))))?;
    }
    for (path, bytes) in changes.bases() {
        stager.base(path, bytes.as_deref())?;
    }
    if changes.lock_before() != changes.lock() {
        stager.lock(changes)?;
    }
    let draft = txn.draft();
    let text = stager.plan.to_text();
    stager
        .disk
        .write(&draft, text.as_bytes())
        .map_err(|error| Diagnostic::io("write", &draft, &error))?;
    Ok(stager.plan)
}

struct Stager<'a, D> {
    root: &'a Path,
    txn: &'a Txn,
    disk: &'a mut D,
    plan: Plan,
}

impl<D: Disk> Stager<'_, D> {
    fn prepare(&mut self) -> Result<(), Diagnostic> {
        if target::exists(&self.txn.dir) {
            let dir = &self.txn.dir;
            self.disk
                .remove_dir_all(dir)
                .map_err(|error| Diagnostic::io("remove", dir, &error))?;
        }
        for dir in [self.txn.new_dir(), self.txn.old_dir()] {
            self.disk
                .create_dir_all(&dir)
                .map_err(|error| Diagnostic::io("create", &dir, &error))?;
        }
        Ok(())
    }

    fn change(&mut self, change: &Change, new: Option<(&[u8], Sha256)>) -> Result<(), Diagnostic> {
        let (bytes, state) = target::read(self.root, &change.path)?;
        if !state.is(change.replaces) {
            return Err(execute::changed_meanwhile(&change.path));
        }
        self.step(&change.path, &bytes, state, new)
    }

    /// Keeps a render beside the lock, or throws one away. Its name is its hash, so whatever stands there may go.
    fn base(&mut self, path: &RepoPath, new: Option<&[u8]>) -> Result<(), Diagnostic> {
        let (bytes, state) = target::read(self.root, path)?;
        let new = new.map(|new| (new, Sha256::of(new)));
        if new.is_none() && state.is(None) {
            return Ok(());
        }
        self.step(path, &bytes, state, new)
    }

    fn lock(&mut self, changes: &ChangeSet) -> Result<(), Diagnostic> {
        let path = RepoPath::parse(LOCK_FILE).expect("the name is a path");
        let (bytes, state) = target::read(self.root, &path)?;
        let on_disk = std::str::from_utf8(&bytes).ok().and_then(Lock::read_quietly);
        // A lock that is lost or that nobody can read is rebuilt: the diff then started from an empty one.
        let expected = match on_disk {
            Some(lock) => &lock == changes.lock_before(),
            None => changes.lock_before() == &Lock::default(),
        };
        if !expected {
            return Err(execute::changed_meanwhile(&path));
        }
        let text = changes.lock().to_text();
        self.step(
            &path,
            &bytes,
            state,
            Some((text.as_bytes(), Sha256::of(text.as_bytes()))),
        )
    }

    fn step(
        &mut self,
        path: &RepoPath,
        bytes: &[u8],
        state: State,
        new: Option<(&[u8], Sha256)>,
    ) -> Result<(), Diagnostic> {
        let number = self.plan.steps.len();
        let failed = |error| Diagnostic::io("stage", path.under(self.root), &error);
        let full = path.under(self.root);
        let (new_file, old_file) = (self.txn.new_file(number), self.txn.old_file(number));
        let old = match state {
            State::File(hash) => {
                self.disk.write(&old_file, bytes).map_err(failed)?;
                self.disk.copy_mode(&full, &old_file).map_err(failed)?;
                Some(hash)
            }
            State::Absent { dir_exists } => {
                if !dir_exists {
                    let missing = parents(path.as_str()).filter(|dir| !target::exists(&self.root.join(dir)));
                    self.plan.new_dirs.extend(missing.map(str::to_owned));
                }
                None
            }
        };
        if let Some((text, _)) = new {
            self.disk.write(&new_file, text).map_err(failed)?;
            if old.is_some() {
                self.disk.copy_mode(&full, &new_file).map_err(failed)?;
            }
        }
        self.plan.steps.push(Step {
            path: path.clone(),
            old,
            new: new.map(|(_, hash)| hash),
        });
        Ok(())
    }
}

fn foreign_tree(change: &Change) -> Diagnostic {
    let message = format!("the changes name `{}`, which the tree does not have", change.path);
    Diagnostic::error("internal/write", message).in_file(change.path.as_str())
}
