//! What an interrupted run left behind is finished before anything else.
use crate::world::OWN_DIR;

use super::journal::{self, Doubt};
use super::plan::Transaction;
use super::target::TargetState;
use super::{PLAN, RECORD, ROLLBACK, RunLock, SPENT, TXN_DIR, execute, new_file, old_file, target, through};
use crate::diag::Diagnostic;
use crate::sys::disk::Disk;
use crate::sys::root::{FileKind, Root};
use crate::tree::RepoPath;

/// What was found and done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// There was nothing to do.
    Nothing,
    /// A run had died before it changed anything; what it had staged is gone.
    Discarded,
    /// A run had died when all its files were written; only its undo record had to be put in its place.
    Tidied,
    /// A run had died while it wrote; these files, the lock included, are now as it wanted them.
    Completed(Vec<RepoPath>),
    /// A run had died while it undid a failed change; these files are now as before it.
    Undone(Vec<RepoPath>),
}

/// Finishes an interrupted run. Call it at the start of every run, before anything is read. May itself be killed at
/// any point and called again. Touches nothing, and takes no lock, when nothing was interrupted.
///
/// # Errors
/// When another run is at work right now, a file is neither in its old nor in its new state (then nothing is
/// touched, and every such file is reported with the choices), the journal is damaged or not this user's own, or the
/// system refuses something.
pub fn recover(root: &Root, disk: &mut impl Disk) -> Result<Recovery, Vec<Diagnostic>> {
    match root.look(TXN_DIR) {
        Ok(None) => return Ok(Recovery::Nothing),
        Ok(Some(meta)) if meta.kind == FileKind::Directory => {}
        Ok(Some(_)) => return Err(vec![not_a_directory()]),
        Err(refused) => return Err(vec![refused.finding("open", OWN_DIR)]),
    }
    let _lock = RunLock::acquire(root, disk).map_err(|error| vec![error])?;
    let (file, forward) = if root.is_taken(PLAN) {
        (PLAN, true)
    } else if root.is_taken(ROLLBACK) {
        (ROLLBACK, false)
    } else if let Some(marker) = through(root) {
        journal::read(root, TXN_DIR, marker).map_err(|doubt| vec![doubt.of_journal(marker)])?;
        return match execute::tidy(root, disk) {
            Ok(()) => Ok(Recovery::Tidied),
            Err(error) => Err(vec![error]),
        };
    } else {
        journal::not_tracked(root, TXN_DIR).map_err(|doubt| vec![doubt.of_journal(PLAN)])?;
        return match disk.remove_dir_all(root, TXN_DIR) {
            Ok(()) => Ok(Recovery::Discarded),
            Err(refused) => Err(vec![refused.finding("remove", TXN_DIR)]),
        };
    };
    let plan = journal::read(root, TXN_DIR, file).map_err(|doubt| vec![doubt.of_journal(file)])?;
    let plan = plan.ok_or_else(|| vec![Doubt::Damaged.of_journal(file)])?;
    check(&plan, root)?;
    check_copies(&plan, root, forward).map_err(|error| vec![error])?;
    let paths = plan.steps.iter().map(|step| step.path.clone()).collect();
    if forward {
        if let Err(failure) = execute::forward(&plan, root, disk) {
            return Err(vec![execute::undo_after(failure.of_resumed(), &plan, root, disk)]);
        }
        execute::complete(&plan, root, disk);
        return Ok(Recovery::Completed(paths));
    }
    execute::backward(&plan, None, root, disk)
        .map_err(|error| vec![error.note("the next run undoes the rest of the interrupted one")])?;
    execute::finish(root, file, disk);
    Ok(Recovery::Undone(paths))
}

/// Looks at what an interrupted run left, and changes nothing.
///
/// # Errors
/// When its journal is not believed.
pub fn examine(root: &Root) -> Result<(), Diagnostic> {
    for file in [PLAN, ROLLBACK, RECORD, SPENT] {
        journal::read(root, TXN_DIR, file).map_err(|doubt| doubt.of_journal(file))?;
    }
    journal::not_tracked(root, TXN_DIR).map_err(|doubt| doubt.of_journal(PLAN))
}

/// Reports each file that is neither old nor new. An absent one is safe: nothing is lost by writing it.
fn check(plan: &Transaction, root: &Root) -> Result<(), Vec<Diagnostic>> {
    let mut findings = Vec::new();
    for (number, step) in plan.steps.iter().enumerate() {
        match target::look(root, &step.path) {
            Ok(state @ TargetState::File(_)) if !state.is(step.old) && !state.is(step.new) => {
                let staged = [
                    ("new", step.new, new_file(number)),
                    ("old", step.old, old_file(number)),
                ];
                let copies = staged.map(|(side, hash, path)| {
                    (hash.is_some() && root.is_taken(&path)).then_some((side, path))
                });
                findings.push(changed(&step.path, copies.into_iter().flatten()));
            }
            Ok(_) => {}
            Err(error) => findings.push(error.note("an interrupted run cannot be finished before")),
        }
    }
    if findings.is_empty() {
        Ok(())
    } else {
        Err(findings)
    }
}

/// Compares the staged bytes, or the copies, with what the plan says of them, before the first file is touched.
fn check_copies(plan: &Transaction, root: &Root, forward: bool) -> Result<(), Diagnostic> {
    for (number, step) in plan.steps.iter().enumerate() {
        let (staged, hash) = if forward {
            (new_file(number), step.new)
        } else {
            (old_file(number), step.old)
        };
        if let Some(hash) = hash
            && root.is_taken(&staged)
        {
            execute::check_staged(root, &staged, hash, &step.path)?;
        }
    }
    Ok(())
}

fn changed(path: &RepoPath, copies: impl Iterator<Item = (&'static str, String)>) -> Diagnostic {
    let mut finding = Diagnostic::error(
        "write/changed-since-interruption",
        format!("`{path}` was edited after a run was interrupted that had to write it"),
    )
    .in_file(path.as_str())
    .help(format!(
        "to finish the interrupted run, move your version away, `mv {path} {path}.mine`, run again, and merge"
    ))
    .help("to give the interrupted run up and keep every file as it is now, `rm -r .clusterwright/txn`");
    for (side, copy) in copies {
        finding = finding.note(format!("the {side} version is in `{copy}`"));
    }
    finding
}

fn not_a_directory() -> Diagnostic {
    Diagnostic::error("write/own-directory", "`.clusterwright/txn` is not a directory")
        .in_file(TXN_DIR)
        .help("clusterwright keeps its journal there; remove it")
}
