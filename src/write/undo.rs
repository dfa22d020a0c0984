//! Taking the last run back: the record that a run leaves behind, and the transaction that plays it backwards.

use super::journal::{self, Doubt};
use super::plan::{Then, Transaction, WriteStep};
use super::target::TargetState;
use super::{Receipt, UNDO_DIR, UNDO_RECORD, stage, target, transact, undo_old_file};
use crate::diag::Diagnostic;
use crate::sys::disk::Disk;
use crate::sys::root::{Refused, Root, limits};
use crate::tree::RepoPath;
use crate::world::lock::Sha256;

/// What the last run that wrote something has replaced and deleted. One generation: each such run replaces it, an undo
/// uses it up, a run without changes leaves it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the run did.
    pub(super) plan: Transaction,
    /// For each step the bytes before, nothing for files that were not there.
    pub(super) old: Vec<Option<Vec<u8>>>,
}

/// One file as an undo changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted {
    /// The file.
    pub path: RepoPath,
    /// Its bytes now, as the run wrote them; nothing for a file that the run deleted.
    pub now: Option<Vec<u8>>,
    /// Its bytes before the run; nothing for a file that the run created, which goes.
    pub before: Option<Vec<u8>>,
}

impl Record {
    /// Reads the record of the repository at `root`; `None` when there is nothing to take back. Call
    /// [`super::recover()`] first.
    ///
    /// # Errors
    /// When the record is damaged or cannot be read.
    pub fn load(root: &Root) -> Result<Option<Self>, Diagnostic> {
        let Some(plan) = read_plan(root)? else {
            return Ok(None);
        };
        let old = plan.steps.iter().enumerate().map(|(number, step)| {
            let Some(hash) = step.old else { return Ok(None) };
            let file = undo_old_file(number);
            match root.read(&file, limits::OUTPUT) {
                Ok(bytes) if Sha256::of(&bytes) == hash => Ok(Some(bytes)),
                Err(refused @ (Refused::Io(_) | Refused::TooMuch)) => Err(refused.finding("read", &file)),
                Ok(_) | Err(_) => Err(damaged()),
            }
        });
        let old = old.collect::<Result<_, _>>()?;
        Ok(Some(Self { plan, old }))
    }

    /// Compares the files with what the run wrote, and returns what an undo would do, sorted by path.
    ///
    /// # Errors
    /// With a finding for every file that changed since.
    pub fn check(&self, root: &Root) -> Result<Vec<Reverted>, Vec<Diagnostic>> {
        let (mut files, mut findings) = (Vec::new(), Vec::new());
        for (number, (step, before)) in self.plan.steps.iter().zip(&self.old).enumerate() {
            match target::read(root, &step.path) {
                Ok((bytes, state)) if state.is(step.new) => files.push(Reverted {
                    path: step.path.clone(),
                    now: step.new.map(|_| bytes),
                    before: before.clone(),
                }),
                Ok((_, state)) => findings.push(changed_since(number, step, state)),
                Err(finding) => findings.push(finding.note("nothing was taken back")),
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

/// Takes the run of the record back, all or nothing, and uses the record up. Interrupted, it is finished by
/// [`super::recover()`], like every run.
///
/// # Errors
/// When a file or the record changed since it was read, another run is at work, or the system refuses something: then
/// nothing is taken back, or the finding says what the next run will do.
pub fn undo(record: &Record, root: &Root, disk: &mut impl Disk) -> Result<Receipt, Diagnostic> {
    transact(root, disk, |disk| {
        if read_plan(root)?.as_ref() != Some(&record.plan) {
            let message = "another run has written since this one began";
            return Err(Diagnostic::error("undo/outdated", message)
                .help("run `clusterwright undo` again: it shows what that run did"));
        }
        stage::undo(record, root, disk)
    })
}

fn read_plan(root: &Root) -> Result<Option<Transaction>, Diagnostic> {
    let plan = journal::read(root, UNDO_DIR, UNDO_RECORD).map_err(Doubt::of_record)?;
    match plan {
        Some(plan) if plan.then != Then::Keep => Err(damaged()),
        plan => Ok(plan),
    }
}

fn changed_since(number: usize, step: &WriteStep, state: TargetState) -> Diagnostic {
    let path = &step.path;
    let what = match (state, step.new) {
        (TargetState::Absent { .. }, _) => "was deleted after the run that wrote it",
        (_, None) => "was made again after the run that deleted it",
        (_, Some(_)) => "changed after the run that wrote it",
    };
    let finding = Diagnostic::error("undo/changed-since", format!("`{path}` {what}")).in_file(path.as_str());
    let finding = match step.old {
        Some(_) => finding.note(format!(
            "the version before the run is in `{}`",
            undo_old_file(number)
        )),
        None => finding.note("before the run there was no such file"),
    };
    finding
        .note("nothing was taken back")
        .help(
            "undo takes a whole run back or nothing: put this file back to what the run wrote, and try again",
        )
        .help("or take back single files by hand: from the copies, or with `git restore`")
}

pub(super) fn damaged() -> Diagnostic {
    Diagnostic::error(
        "undo/damaged",
        "the record of the last run is damaged or from another version",
    )
    .in_file(UNDO_RECORD)
    .note("nothing was taken back")
    .help("use git instead: `git status` shows what changed, `git restore PATH` brings a file back")
    .help("`rm -r .clusterwright/undo` removes the record; the next run that writes makes a new one")
}
