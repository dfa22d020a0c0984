//! What a run does to the disk: it finishes what another one left, and writes.

use std::collections::BTreeSet;

use super::{Compared, World};
use crate::diag::{Aborted, Diagnostic, Diagnostics, counted};
use crate::sys::disk::OsDisk;
use crate::sys::root::Root;
use crate::write::{self, Receipt, Recovery};

/// Finishes or takes back what an interrupted run left, and says so.
///
/// # Errors
/// When there is something to finish and `may_write` does not hold, the journal is not this machine's own, a file
/// changed since, or the system refuses.
pub fn recover(
    world: &World<'_>,
    may_write: bool,
    diags: &mut Diagnostics,
) -> Result<Option<String>, Aborted> {
    if !may_write && write::is_interrupted(&world.root) {
        write::examine(&world.root).map_err(|finding| diags.abort(finding))?;
        let message = "an interrupted run has not been finished, and nobody is there to ask";
        return Err(diags.abort(
            Diagnostic::error("write/unfinished", message)
                .in_file(".clusterwright/txn")
                .note("nothing was changed")
                .help("`--yes` finishes the interrupted run first, without asking"),
        ));
    }
    if may_write {
        // One may hold a key, and no `.gitignore` of a person names it: none is left for a commit.
        let _ = world.root.remove_drafts("");
    }
    match write::recover(&world.root, &mut OsDisk) {
        Ok(Recovery::Nothing) => Ok(None),
        Ok(Recovery::Discarded) => Ok(Some("Discarded what an interrupted run had staged.".to_owned())),
        Ok(Recovery::Tidied) => Ok(Some(
            "Tidied up after an interrupted run, which had written all its files.".to_owned(),
        )),
        Ok(Recovery::Completed(files)) => Ok(Some(format!(
            "Finished an interrupted run: {}.",
            counted(files.len(), "file")
        ))),
        Ok(Recovery::Undone(files)) => Ok(Some(format!(
            "Took back an interrupted run: {} as before it.",
            if files.len() == 1 {
                "1 file is".to_owned()
            } else {
                format!("{} are", counted(files.len(), "file"))
            }
        ))),
        Err(findings) if findings.is_empty() => Ok(None),
        Err(findings) => Err(diags.abort_all(findings)),
    }
}

/// Writes the changes, all or none.
pub(super) fn write(root: &Root, compared: &Compared, diags: &mut Diagnostics) -> Result<Receipt, Aborted> {
    let receipt = write::apply(&compared.changes, &compared.tree, root, &mut OsDisk)
        .map_err(|finding| diags.abort(finding))?;
    // Those of killed commands for single files, such as `secrets set`: nobody need write there again.
    let folders: BTreeSet<&str> = compared
        .tree
        .iter()
        .map(|artifact| artifact.path.parent())
        .collect();
    for folder in folders {
        let _ = root.remove_drafts(folder);
    }
    Ok(receipt)
}
