//! Carrying a plan out, forward or back. Every step may find itself done already.

use super::plan::{Then, Transaction};
use super::target::{self, TargetState};
use super::{NEW_DIR, PLAN, RECORD, ROLLBACK, SPENT, TXN_DIR, UNDO_DIR, new_file, old_file};
use crate::diag::Diagnostic;
use crate::sys::disk::Disk;
use crate::sys::root::{Refused, Root, limits};
use crate::tree::RepoPath;
use crate::world::lock::Sha256;

/// Where and why a plan stopped.
pub(super) struct Failure {
    /// Number of the step, which may or may not have taken effect; those before it have.
    /// `None` when an earlier process carried the plan out in part, so that any step may have taken effect.
    step: Option<usize>,
    error: Diagnostic,
}

impl Failure {
    /// Says that an earlier process has carried the plan out in part.
    pub(super) fn of_resumed(self) -> Self {
        Self { step: None, ..self }
    }
}

/// Carries out what is not done yet.
pub(super) fn forward(plan: &Transaction, root: &Root, disk: &mut impl Disk) -> Result<(), Failure> {
    for number in 0..plan.steps.len() {
        step_forward(plan, number, root, disk).map_err(|error| Failure {
            step: Some(number),
            error,
        })?;
    }
    for dir in plan.gone_dirs.iter().rev() {
        // Most are not empty, and one that cannot be removed is no reason to undo a run.
        remove_dir(root, dir, disk);
    }
    Ok(())
}

fn step_forward(
    plan: &Transaction,
    number: usize,
    root: &Root,
    disk: &mut impl Disk,
) -> Result<(), Diagnostic> {
    let step = &plan.steps[number];
    let state = target::look(root, &step.path)?;
    if state.is(step.new) {
        return Ok(());
    }
    let path = step.path.as_str();
    let is_staged = root.is_taken(&new_file(number));
    match state {
        TargetState::File(_) if !state.is(step.old) => Err(changed_meanwhile(&step.path)),
        TargetState::File(_) if step.new.is_none() => disk
            .remove_file(root, path)
            .map_err(|refused| refused.finding("delete", path)),
        // Written before the interruption, and a person has acted on it since.
        TargetState::Absent { .. } if !is_staged => Ok(()),
        TargetState::File(_) if !is_staged => Err(put_back(&step.path)),
        _ => match step.new {
            Some(new) => put(&new_file(number), new, root, &step.path, state, disk),
            None => Ok(()),
        },
    }
}

/// Checks that a staged file holds what the plan says.
///
/// # Errors
/// When it does not, or cannot be read.
pub(super) fn check_staged(
    root: &Root,
    staged: &str,
    hash: Sha256,
    path: &RepoPath,
) -> Result<(), Diagnostic> {
    match root.read_in_passing(staged, limits::OUTPUT) {
        Ok((bytes, _)) if Sha256::of(&bytes) == hash => return Ok(()),
        Ok(_)
        | Err(
            Refused::Link { .. }
            | Refused::BelowFile { .. }
            | Refused::NotRegular { .. }
            | Refused::TooLarge { .. },
        ) => {}
        Err(refused) => return Err(refused.finding("read", staged)),
    }
    let message = format!("the staged copy of `{path}` is not what the run had staged");
    Err(Diagnostic::error("write/changed-copy", message)
        .in_file(path.as_str())
        .note("somebody changed the files in `.clusterwright/txn`")
        .help("`git status` shows which files are new; `rm -r .clusterwright/txn` gives the run up"))
}

/// Moves a staged file to its place, if it holds what the plan says.
fn put(
    staged: &str,
    hash: Sha256,
    root: &Root,
    path: &RepoPath,
    state: TargetState,
    disk: &mut impl Disk,
) -> Result<(), Diagnostic> {
    check_staged(root, staged, hash, path)?;
    if state == (TargetState::Absent { dir_exists: false }) {
        disk.create_dir_all(root, path.parent())
            .map_err(|refused| refused.finding("create the directory of", path.as_str()))?;
    }
    disk.rename(root, staged, path.as_str())
        .map_err(|refused| refused.finding("write", path.as_str()))
}

/// Undoes what a failed run did, and returns its error with what became of it.
pub(super) fn undo_after(
    failure: Failure,
    plan: &Transaction,
    root: &Root,
    disk: &mut impl Disk,
) -> Diagnostic {
    if disk.rename(root, PLAN, ROLLBACK).is_err() {
        return failure
            .error
            .note("the change could not be undone either; the next run completes it");
    }
    match backward(plan, failure.step, root, disk) {
        Ok(()) => {
            finish(root, ROLLBACK, disk);
            failure.error.note("everything is as it was before")
        }
        Err(error) => failure
            .error
            .note(format!("undoing it stopped as well: {}", error.message))
            .note("nothing is lost, the copies are in `.clusterwright/txn`; the next run undoes the rest"),
    }
}

/// Puts the old state back. `failed` is the step of this very run that failed: those after it did not begin, and it
/// may have failed because a person changed its file, which then stays. Without it, every step may have taken effect.
///
/// # Errors
/// When a file is neither in its old nor its new state, or the system refuses something.
pub(super) fn backward(
    plan: &Transaction,
    failed: Option<usize>,
    root: &Root,
    disk: &mut impl Disk,
) -> Result<(), Diagnostic> {
    let count = failed.map_or(plan.steps.len(), |failed| failed + 1);
    for number in (0..count).rev() {
        let step = &plan.steps[number];
        let state = match target::look(root, &step.path) {
            Err(_) if failed == Some(number) => continue,
            other => other?,
        };
        if state.is(step.old) {
            continue;
        }
        match state {
            TargetState::File(_) if !state.is(step.new) => {
                if failed != Some(number) {
                    return Err(changed_meanwhile(&step.path));
                }
            }
            TargetState::Absent { .. } if !root.is_taken(&old_file(number)) => {}
            _ => {
                if let Some(old) = step.old {
                    put(&old_file(number), old, root, &step.path, state, disk)?;
                } else {
                    let path = step.path.as_str();
                    disk.remove_file(root, path)
                        .map_err(|refused| refused.finding("delete", path))?;
                }
            }
        }
    }
    for dir in plan.new_dirs.iter().rev() {
        // One that a person has put a file into stays.
        remove_dir(root, dir, disk);
    }
    Ok(())
}

/// Removes a directory if it is empty, and no link leads to it.
fn remove_dir(root: &Root, dir: &str, disk: &mut impl Disk) {
    if root.is_dir(dir) {
        let _ = disk.remove_empty_dir(root, dir);
    }
}

/// Ends a transaction that changed nothing, or nothing any more: without a plan, the rest of the directory means
/// nothing, and the next run removes what is left.
pub(super) fn finish(root: &Root, plan: &str, disk: &mut impl Disk) {
    if disk.remove_file(root, plan).is_ok() {
        let _ = disk.remove_dir_all(root, TXN_DIR);
    }
}

/// Ends a transaction that is through. Renaming its plan is the moment in which the undo record changes: a transaction
/// directory with a marker is the newer record, or says that there is none any more. What is left then, [`tidy`] does,
/// now or in the next run.
pub(super) fn complete(plan: &Transaction, root: &Root, disk: &mut impl Disk) {
    let marker = match plan.then {
        Then::Keep => RECORD,
        Then::Forget => SPENT,
    };
    if disk.rename(root, PLAN, marker).is_ok() {
        let _ = tidy(root, disk);
    }
}

/// Puts the record of a transaction that is through in place of the one before, or removes a spent one.
///
/// # Errors
/// When the system refuses something; it can be called again.
pub(super) fn tidy(root: &Root, disk: &mut impl Disk) -> Result<(), Diagnostic> {
    let is_record = root.is_taken(RECORD);
    let mut remove = |dir: &str| {
        disk.remove_dir_all(root, dir)
            .map_err(|refused| refused.finding("remove", dir))
    };
    if is_record {
        remove(NEW_DIR)?;
    }
    remove(UNDO_DIR)?;
    if is_record {
        disk.rename(root, TXN_DIR, UNDO_DIR)
            .map_err(|refused| refused.finding("move the undo record to", UNDO_DIR))
    } else {
        // Without its marker the rest means nothing, however much of it is left.
        disk.remove_file(root, SPENT)
            .map_err(|refused| refused.finding("remove", SPENT))?;
        disk.remove_dir_all(root, TXN_DIR)
            .map_err(|refused| refused.finding("remove", TXN_DIR))
    }
}

fn put_back(path: &RepoPath) -> Diagnostic {
    Diagnostic::error(
        "write/put-back",
        format!("`{path}` was put back after an interrupted run had written it"),
    )
    .in_file(path.as_str())
    .help("run again: the interrupted run is undone, and a new one starts afresh")
}

pub(super) fn changed_meanwhile(path: &RepoPath) -> Diagnostic {
    Diagnostic::error(
        "write/changed-meanwhile",
        format!("`{path}` changed while clusterwright was at work"),
    )
    .in_file(path.as_str())
    .help("run again: the new run sees the change")
}
