//! Stage 8, `write`: carries a [`ChangeSet`] out so that a run leaves the old tree or the new one, whatever happens.
//!
//! 1. **Stage.** Under `.clusterwright/txn/`: the new bytes, copies of the bytes that will go, a mark that tells that this
//!    user began the run here, and the plan with the hashes of all. All the space that is needed is needed here.
//! 2. **Commit.** One rename makes the plan valid. Before it, the next run throws the staged files away; after it,
//!    the next run completes the plan.
//! 3. **Execute.** Renames and deletions; `clusterwright.lock` is the last file of the same plan. Right before each,
//!    the target is looked at again: a symbolic link, or bytes that are neither the old nor the new ones, stop it. So do
//!    staged bytes that are not those of the plan.
//! 4. **Finish.** The plan is renamed to `record`: from that moment on the copies are the undo record, which the next
//!    run that writes replaces. The directory moves to `.clusterwright/undo/`, where [`undo()`] finds it.
//!
//! An error in 3 undoes what was done: the plan is renamed to `rollback`, which decides the direction, and the copies
//! go back. Everything may be killed at any point and is then completed by [`recover()`]. There is no `fsync`: this
//! guards against kills and full disks; against power loss, git does.
//!
//! A journal or a record is believed only when its mark and git say that it was made here, see the module `journal`: one
//! that came with a repository is reported and never carried out.

mod execute;
mod journal;
mod mark;
mod plan;
mod recover;
mod run_lock;
mod stage;
mod target;
mod undo;

use std::path::{Path, PathBuf};

pub use recover::{Recovery, examine, recover};
pub use run_lock::RunLock;
pub use undo::{Record, Reverted, undo};

use crate::diag::Diagnostic;
use crate::diff::ChangeSet;
use crate::merge::BASE_DIR;
use crate::seal::Sealed;
use crate::sys::disk::Disk;
use crate::tree::{RepoPath, Tree};

/// Where clusterwright keeps its own files, below the root.
pub const OWN_DIR: &str = ".clusterwright";

/// What was really done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Files with new bytes, sorted.
    pub written: Vec<RepoPath>,
    /// Files that are gone, sorted.
    pub deleted: Vec<RepoPath>,
    /// Whether the lock changed.
    pub lock_written: bool,
}

/// Returns whether a run was interrupted: [`recover()`] has something to do.
pub fn is_interrupted(root: &Path) -> bool {
    Txn::of(root).dir.symlink_metadata().is_ok()
}

/// The files of a transaction, and those of the undo record.
struct Txn {
    dir: PathBuf,
    undo_dir: PathBuf,
}

impl Txn {
    fn of(root: &Path) -> Self {
        Self {
            dir: root.join(OWN_DIR).join("txn"),
            undo_dir: root.join(OWN_DIR).join("undo"),
        }
    }

    /// The plan of a transaction that is through and can be undone.
    fn record(&self) -> PathBuf {
        self.dir.join("record")
    }

    /// The plan of an undo that is through.
    fn spent(&self) -> PathBuf {
        self.dir.join("spent")
    }

    /// The plan of a transaction whose files are all written and whose undo record alone is not in its place.
    fn through(&self) -> Option<PathBuf> {
        [self.record(), self.spent()]
            .into_iter()
            .find(|marker| target::exists(marker))
    }

    /// The plan of the run that can be undone.
    fn undo_record(&self) -> PathBuf {
        self.undo_dir.join("record")
    }

    /// Copy of the bytes that step `i` of that run replaced.
    fn undo_old_file(&self, i: usize) -> PathBuf {
        self.undo_dir.join("old").join(i.to_string())
    }

    /// The plan of a transaction that goes forward.
    fn plan(&self) -> PathBuf {
        self.dir.join("plan")
    }

    /// The same plan, once it goes back.
    fn rollback(&self) -> PathBuf {
        self.dir.join("rollback")
    }

    /// The plan before it is valid.
    fn draft(&self) -> PathBuf {
        self.dir.join("plan.tmp")
    }

    /// Directory of the new bytes.
    fn new_dir(&self) -> PathBuf {
        self.dir.join("new")
    }

    /// Directory of the copies.
    fn old_dir(&self) -> PathBuf {
        self.dir.join("old")
    }

    /// New bytes of step `i`.
    fn new_file(&self, i: usize) -> PathBuf {
        self.new_dir().join(i.to_string())
    }

    /// Copy of the bytes that step `i` replaces.
    fn old_file(&self, i: usize) -> PathBuf {
        self.old_dir().join(i.to_string())
    }
}

/// Carries the changes out, all or none. Takes the [`RunLock`] itself. Writes nothing at all, not even a directory,
/// when there is nothing to change.
///
/// Call [`recover()`] first, before the disk is read for the diff.
///
/// # Errors
/// When a conflict is open, another run holds the lock, a file changed since it was read, or the system refuses
/// something: then the old tree is back, or the finding says what the next run will do.
pub fn apply(
    changes: &ChangeSet,
    tree: &Tree<Sealed>,
    root: &Path,
    disk: &mut impl Disk,
) -> Result<Receipt, Diagnostic> {
    if let Some(conflict) = changes.conflicts().next() {
        let message = format!("`{}` has a conflict that nobody decided", conflict.path);
        return Err(Diagnostic::error("write/conflict", message).in_file(conflict.path.as_str()));
    }
    if changes.is_empty() {
        return Ok(Receipt::default());
    }
    transact(root, disk, |txn, disk| {
        stage::changes(changes, tree, root, txn, disk)
    })
}

/// Stages, commits, executes and finishes.
fn transact<D: Disk>(
    root: &Path,
    disk: &mut D,
    stage: impl FnOnce(&Txn, &mut D) -> Result<plan::Plan, Diagnostic>,
) -> Result<Receipt, Diagnostic> {
    let _lock = RunLock::acquire(root, disk).map_err(|error| error.note("nothing was changed"))?;
    let txn = Txn::of(root);
    if target::exists(&txn.plan()) || target::exists(&txn.rollback()) {
        return Err(
            Diagnostic::error("write/unfinished", "an interrupted run has not been finished")
                .help("run clusterwright again: it finishes the interrupted run first"),
        );
    }
    if let Some(marker) = txn.through() {
        journal::read(root, &txn.dir, &marker).map_err(|doubt| doubt.of_journal(&marker))?;
        execute::tidy(&txn, disk).map_err(|error| error.note("nothing was changed"))?;
    }
    let staged = stage(&txn, disk).and_then(|plan| {
        disk.rename(&txn.draft(), &txn.plan())
            .map_err(|error| Diagnostic::io("start the transaction in", txn.plan(), &error))?;
        Ok(plan)
    });
    let plan = match staged {
        Ok(plan) => plan,
        Err(error) => {
            execute::finish(&txn, &txn.plan(), disk);
            return Err(error.note("nothing was changed"));
        }
    };
    if let Err(failure) = execute::forward(&plan, root, &txn, disk) {
        return Err(execute::undo_after(failure, &plan, root, &txn, disk));
    }
    execute::complete(&plan, &txn, disk);
    Ok(receipt(&plan))
}

fn receipt(plan: &plan::Plan) -> Receipt {
    let mut receipt = Receipt::default();
    for step in &plan.steps {
        if step.path.as_str() == crate::lock::LOCK_FILE {
            receipt.lock_written = true;
        } else if step.path.as_str().starts_with(BASE_DIR) {
        } else if step.new.is_some() {
            receipt.written.push(step.path.clone());
        } else {
            receipt.deleted.push(step.path.clone());
        }
    }
    receipt
}
