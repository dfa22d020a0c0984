//! What `undo` asks of the stages.

use super::World;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::sys::disk::OsDisk;
use crate::write::{self, Receipt, Record, Reverted};

/// Reads what an undo would take back: the record of the last run that wrote something, and its files, which must be
/// as that run left them.
///
/// # Errors
/// When there is no such run, an interrupted one comes first, or a file changed since; all of them are reported.
pub fn last_run(world: &World<'_>, diags: &mut Diagnostics) -> Result<(Record, Vec<Reverted>), Aborted> {
    if write::is_interrupted(&world.root) {
        let message = "an interrupted run has not been finished";
        return Err(diags
            .abort(Diagnostic::error("write/unfinished", message).help(
                "run `clusterwright undo` without `--dry-run`: it finishes the interrupted run first",
            )));
    }
    let record = match Record::load(&world.root) {
        Ok(Some(record)) => record,
        Ok(None) => {
            let message = "there is no run to take back";
            return Err(diags.abort(
                Diagnostic::error("undo/nothing", message)
                    .note("undo takes back the last run that wrote something, once, in the directory where it ran")
                    .help("go further back with git: `git log --stat`, then `git restore --source REV PATH`"),
            ));
        }
        Err(finding) => return Err(diags.abort(finding)),
    };
    match record.check(&world.root) {
        Ok(files) => Ok((record, files)),
        Err(findings) => Err(diags.abort_all(findings)),
    }
}

/// Takes the last run back, all or nothing.
///
/// # Errors
/// When the system refuses, or a file changed since it was read.
pub fn undo(world: &World<'_>, record: &Record, diags: &mut Diagnostics) -> Result<Receipt, Aborted> {
    write::undo(record, &world.root, &mut OsDisk).map_err(|finding| diags.abort(finding))
}
