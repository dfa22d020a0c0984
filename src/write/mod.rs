//! Carries a [`ChangeSet`] out so that a run leaves the old tree or the new one, whatever happens.
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

pub use recover::{Recovery, examine, recover};
pub use run_lock::RunLock;
pub use undo::{Record, Reverted, undo};

use crate::diag::Diagnostic;
use crate::diff::ChangeSet;
use crate::seal::Sealed;
use crate::sys::disk::Disk;
use crate::sys::root::Root;
use crate::tree::{RepoPath, Tree};
use crate::world::BASE_DIR;

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

/// Where a transaction is prepared, below the root.
const TXN_DIR: &str = ".clusterwright/txn";

/// Where the copies of the last run that wrote lie, below the root.
const UNDO_DIR: &str = ".clusterwright/undo";

/// The plan of a transaction that goes forward.
const PLAN: &str = ".clusterwright/txn/plan";

/// The same plan, once it goes back.
const ROLLBACK: &str = ".clusterwright/txn/rollback";

/// The plan before it is valid.
const DRAFT: &str = ".clusterwright/txn/plan.tmp";

/// The plan of a transaction that is through and can be undone.
const RECORD: &str = ".clusterwright/txn/record";

/// The plan of an undo that is through.
const SPENT: &str = ".clusterwright/txn/spent";

/// Directory of the new bytes.
const NEW_DIR: &str = ".clusterwright/txn/new";

/// Directory of the copies.
const OLD_DIR: &str = ".clusterwright/txn/old";

/// The plan of the run that can be undone.
const UNDO_RECORD: &str = ".clusterwright/undo/record";

/// New bytes of step `i`.
fn new_file(i: usize) -> String {
    format!("{NEW_DIR}/{i}")
}

/// Copy of the bytes that step `i` replaces.
fn old_file(i: usize) -> String {
    format!("{OLD_DIR}/{i}")
}

/// Copy of the bytes that step `i` of the last run replaced.
fn undo_old_file(i: usize) -> String {
    format!("{UNDO_DIR}/old/{i}")
}

/// The plan of a transaction whose files are all written and whose undo record alone is not in its place.
fn through(root: &Root) -> Option<&'static str> {
    [RECORD, SPENT].into_iter().find(|marker| root.is_taken(marker))
}

/// Returns whether a run was interrupted: [`recover()`] has something to do.
pub fn is_interrupted(root: &Root) -> bool {
    matches!(root.look(TXN_DIR), Ok(Some(_)))
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
    root: &Root,
    disk: &mut impl Disk,
) -> Result<Receipt, Diagnostic> {
    if let Some(conflict) = changes.conflicts().next() {
        let message = format!("`{}` has a conflict that nobody decided", conflict.path);
        return Err(Diagnostic::error("write/conflict", message).in_file(conflict.path.as_str()));
    }
    if changes.is_empty() {
        return Ok(Receipt::default());
    }
    transact(root, disk, |disk| stage::changes(changes, tree, root, disk))
}

/// Stages, commits, executes and finishes.
fn transact<D: Disk>(
    root: &Root,
    disk: &mut D,
    stage: impl FnOnce(&mut D) -> Result<plan::Transaction, Diagnostic>,
) -> Result<Receipt, Diagnostic> {
    let _lock = RunLock::acquire(root, disk).map_err(|error| error.note("nothing was changed"))?;
    if root.is_taken(PLAN) || root.is_taken(ROLLBACK) {
        return Err(
            Diagnostic::error("write/unfinished", "an interrupted run has not been finished")
                .help("run clusterwright again: it finishes the interrupted run first"),
        );
    }
    if let Some(marker) = through(root) {
        journal::read(root, TXN_DIR, marker).map_err(|doubt| doubt.of_journal(marker))?;
        execute::tidy(root, disk).map_err(|error| error.note("nothing was changed"))?;
    }
    let staged = stage(disk).and_then(|plan| {
        disk.rename(root, DRAFT, PLAN)
            .map_err(|refused| refused.finding("start the transaction in", PLAN))?;
        Ok(plan)
    });
    let plan = match staged {
        Ok(plan) => plan,
        Err(error) => {
            execute::finish(root, PLAN, disk);
            return Err(error.note("nothing was changed"));
        }
    };
    if let Err(failure) = execute::forward(&plan, root, disk) {
        return Err(execute::undo_after(failure, &plan, root, disk));
    }
    execute::complete(&plan, root, disk);
    Ok(receipt(&plan))
}

fn receipt(plan: &plan::Transaction) -> Receipt {
    let mut receipt = Receipt::default();
    for step in &plan.steps {
        if step.path.as_str() == crate::world::lock::LOCK_FILE {
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
