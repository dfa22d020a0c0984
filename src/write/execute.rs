//! Carrying a plan out, forward or back. Every step may find itself done already.

use std::fs;
use std::io;
use std::path::Path;

use super::Txn;
use super::plan::{Plan, Then, parents};
use super::target::{self, State};
use crate::diag::Diagnostic;
use crate::lock::Sha256;
use crate::sys::disk::Disk;
use crate::sys::root::limits;
use crate::tree::RepoPath;

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
pub(super) fn forward(plan: &Plan, root: &Path, txn: &Txn, disk: &mut impl Disk) -> Result<(), Failure> {
    for number in 0..plan.steps.len() {
        step_forward(plan, number, root, txn, disk).map_err(|error| Failure {
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
    plan: &Plan,
    number: usize,
    root: &Path,
    txn: &Txn,
    disk: &mut impl Disk,
) -> Result<(), Diagnostic> {
    let step = &plan.steps[number];
    let full = step.path.under(root);
    let state = target::look(root, &step.path)?;
    if state.is(step.new) {
        return Ok(());
    }
    match state {
        State::File(_) if !state.is(step.old) => Err(changed_meanwhile(&step.path)),
        State::File(_) if step.new.is_none() => disk
            .remove_file(&full)
            .map_err(|error| Diagnostic::io("delete", &full, &error)),
        // Written before the interruption, and a person has acted on it since.
        State::Absent { .. } if !target::exists(&txn.new_file(number)) => Ok(()),
        State::File(_) if !target::exists(&txn.new_file(number)) => Err(put_back(&step.path)),
        _ => match step.new {
            Some(new) => put(&txn.new_file(number), new, (root, &step.path), state, disk),
            None => Ok(()),
        },
    }
}

/// Checks that a staged file holds what the plan says.
///
/// # Errors
/// When it does not, or cannot be read.
pub(super) fn check_staged(staged: &Path, hash: Sha256, path: &RepoPath) -> Result<(), Diagnostic> {
    let failed = |error: &io::Error| Diagnostic::io("read", staged, error);
    let meta = fs::symlink_metadata(staged).map_err(|error| failed(&error))?;
    let is_right = meta.is_file()
        && meta.len() <= limits::OUTPUT
        && Sha256::of(&fs::read(staged).map_err(|error| failed(&error))?) == hash;
    if is_right {
        return Ok(());
    }
    let message = format!("the staged copy of `{path}` is not what the run had staged");
    Err(Diagnostic::error("write/changed-copy", message)
        .in_file(path.as_str())
        .note("somebody changed the files in `.clusterwright/txn`")
        .help("`git status` shows which files are new; `rm -r .clusterwright/txn` gives the run up"))
}

/// Moves a staged file to its place, if it holds what the plan says.
fn put(
    staged: &Path,
    hash: Sha256,
    (root, path): (&Path, &RepoPath),
    state: State,
    disk: &mut impl Disk,
) -> Result<(), Diagnostic> {
    check_staged(staged, hash, path)?;
    let full = &path.under(root);
    if state == (State::Absent { dir_exists: false })
        && let Some(dir) = full.parent()
    {
        disk.create_dir_all(dir)
            .map_err(|error| Diagnostic::io("create the directory of", full, &error))?;
    }
    disk.rename(staged, full)
        .map_err(|error| Diagnostic::io("write", full, &error))
}

/// Undoes what a failed run did, and returns its error with what became of it.
pub(super) fn undo_after(
    failure: Failure,
    plan: &Plan,
    root: &Path,
    txn: &Txn,
    disk: &mut impl Disk,
) -> Diagnostic {
    if disk.rename(&txn.plan(), &txn.rollback()).is_err() {
        return failure
            .error
            .note("the change could not be undone either; the next run completes it");
    }
    match backward(plan, failure.step, root, txn, disk) {
        Ok(()) => {
            finish(txn, &txn.rollback(), disk);
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
    plan: &Plan,
    failed: Option<usize>,
    root: &Path,
    txn: &Txn,
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
            State::File(_) if !state.is(step.new) => {
                if failed != Some(number) {
                    return Err(changed_meanwhile(&step.path));
                }
            }
            State::Absent { .. } if !target::exists(&txn.old_file(number)) => {}
            _ => {
                if let Some(old) = step.old {
                    put(&txn.old_file(number), old, (root, &step.path), state, disk)?;
                } else {
                    let full = step.path.under(root);
                    disk.remove_file(&full)
                        .map_err(|error| Diagnostic::io("delete", &full, &error))?;
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
fn remove_dir(root: &Path, dir: &str, disk: &mut impl Disk) {
    let full = root.join(dir);
    let is_real = |dir: &Path| fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir());
    if is_real(&full) && parents(dir).all(|above| is_real(&root.join(above))) {
        let _ = disk.remove_empty_dir(&full);
    }
}

/// Ends a transaction that changed nothing, or nothing any more: without a plan, the rest of the directory means
/// nothing, and the next run removes what is left.
pub(super) fn finish(txn: &Txn, plan: &Path, disk: &mut impl Disk) {
    if disk.remove_file(plan).is_ok() {
        let _ = disk.remove_dir_all(&txn.dir);
    }
}

/// Ends a transaction that is through. Renaming its plan is the moment in which the undo record changes: a transaction
/// directory with a marker is the newer record, or says that there is none any more. What is left then, [`tidy`] does,
/// now or in the next run.
pub(super) fn complete(plan: &Plan, txn: &Txn, disk: &mut impl Disk) {
    let marker = match plan.then {
        Then::Keep => txn.record(),
        Then::Forget => txn.spent(),
    };
    if disk.rename(&txn.plan(), &marker).is_ok() {
        let _ = tidy(txn, disk);
    }
}

/// Puts the record of a transaction that is through in place of the one before, or removes a spent one.
///
/// # Errors
/// When the system refuses something; it can be called again.
pub(super) fn tidy(txn: &Txn, disk: &mut impl Disk) -> Result<(), Diagnostic> {
    let is_record = target::exists(&txn.record());
    let mut remove = |dir: &Path| {
        disk.remove_dir_all(dir)
            .map_err(|error| Diagnostic::io("remove", dir, &error))
    };
    if is_record {
        remove(&txn.new_dir())?;
    }
    remove(&txn.undo_dir)?;
    if is_record {
        disk.rename(&txn.dir, &txn.undo_dir)
            .map_err(|error| Diagnostic::io("move the undo record to", &txn.undo_dir, &error))
    } else {
        // Without its marker the rest means nothing, however much of it is left.
        disk.remove_file(&txn.spent())
            .map_err(|error| Diagnostic::io("remove", txn.spent(), &error))?;
        disk.remove_dir_all(&txn.dir)
            .map_err(|error| Diagnostic::io("remove", &txn.dir, &error))
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
