//! Which journal is believed: one that this user's clusterwright wrote here, and that names only what it could name.

use super::mark::MachineMark;
use super::plan::{Transaction, WriteStep};
use super::{TXN_DIR, UNDO_DIR};
use crate::diag::{Diagnostic, counted};
use crate::sys::root::{Refused, Root, limits};
use crate::vcs::Git;
use crate::world::BASE_DIR;
use crate::world::belief::never_ours;
use crate::world::lock::{LOCK_FILE, Sha256};

/// Why a plan is not carried out.
pub(super) enum Doubt {
    /// It is torn, no plan at all, or names what no plan of ours names.
    Damaged,
    /// It is in the format of an older version, which left no mark.
    Older(Vec<WriteStep>),
    /// Somebody else wrote it, or it was copied here.
    Elsewhere,
    /// Git has this file, so it came with a commit.
    Tracked(String),
    /// The system does not let us look.
    System(Diagnostic),
}

/// Reads the plan `file` in `dir`, one of the transaction's and the undo record's directories; `None` when there is none.
///
/// # Errors
/// With what speaks against believing it.
pub(super) fn read(root: &Root, dir: &str, file: &str) -> Result<Option<Transaction>, Doubt> {
    let in_the_way = |refused: Refused| match refused {
        Refused::Link { .. } | Refused::BelowFile { .. } | Refused::NotRegular { .. } => Doubt::Elsewhere,
        refused => Doubt::System(refused.finding("read", file)),
    };
    match root.look(file) {
        Ok(None) => return Ok(None),
        Ok(Some(_)) => not_tracked(root, dir)?,
        Err(refused) => return Err(in_the_way(refused)),
    }
    if !sides_are_real(root, dir) {
        return Err(Doubt::Elsewhere);
    }
    let (bytes, meta) = match root.read_in_passing(file, limits::LOCK) {
        Err(Refused::TooLarge { .. }) => return Err(Doubt::Damaged),
        result => result.map_err(in_the_way)?,
    };
    let text = String::from_utf8(bytes).map_err(|_| Doubt::Damaged)?;
    let (plan, named) = Transaction::parse(&text).ok_or(Doubt::Damaged)?;
    match named {
        _ if !meta.own => Err(Doubt::Elsewhere),
        None => Err(Doubt::Older(plan.steps)),
        Some(named) if MachineMark::in_dir(root, dir).as_ref() != Some(&named) => Err(Doubt::Elsewhere),
        Some(_) if !plan.steps.iter().all(could_name) => Err(Doubt::Damaged),
        Some(_) => Ok(Some(plan)),
    }
}

/// Refuses a directory of ours with a file that git tracks.
///
/// # Errors
/// With the file, or with what git says.
pub(super) fn not_tracked(root: &Root, dir: &str) -> Result<(), Doubt> {
    let git = Git::discover(root.path()).map_err(Doubt::System)?;
    let Some(git) = git else { return Ok(()) };
    match git.tracked_below(dir) {
        Ok(None) => Ok(()),
        Ok(Some(path)) => Err(Doubt::Tracked(path)),
        Err(finding) => Err(Doubt::System(finding)),
    }
}

/// Whether a plan of ours can name the file: the lock, the renders kept beside it, and what [`never_ours`] does not keep
/// from us.
fn could_name(step: &WriteStep) -> bool {
    let path = &step.path;
    let is_base = path.parent() == BASE_DIR && Sha256::parse(path.file_name()).is_some();
    path.as_str() == LOCK_FILE || is_base || never_ours(path).is_none()
}

/// Whether the directories of staged bytes and copies are no links, where they are there.
fn sides_are_real(root: &Root, dir: &str) -> bool {
    ["new", "old"].iter().all(|side| {
        let side = format!("{dir}/{side}");
        root.is_dir(&side) || !root.is_taken(&side)
    })
}

impl Doubt {
    /// Says of an interrupted run's journal why it is not carried out.
    pub(super) fn of_journal(self, file: &str) -> Diagnostic {
        let dir = TXN_DIR;
        let finding = match self {
            Self::System(finding) => return finding.note("an interrupted run must be looked at first"),
            Self::Damaged => Diagnostic::error(
                "write/damaged-journal",
                "the journal of an interrupted run is damaged or from another version",
            )
            .note("some files may be new and some old; `git status` shows which")
            .help(format!(
                "look at `{dir}` for copies you need, then `rm -r {dir}` and run again"
            )),
            Self::Older(steps) => older(&steps, dir),
            Self::Elsewhere => Diagnostic::error(
                "write/foreign-journal",
                format!("`{dir}` holds the journal of a run that you did not begin here"),
            )
            .note(
                "only what the same user began in this very directory is finished: a journal that came with a copy or \
                 an archive, or that somebody else wrote, is not carried out",
            )
            .help(format!("`rm -r {dir}` removes it; then run again"))
            .help(
                "if it was yours (the repository was copied or moved in the middle of a run, or another user began \
                 it), `git status` shows which files are new; the copies of the old ones lie in the same directory",
            ),
            Self::Tracked(path) => Diagnostic::error(
                "write/tracked-journal",
                format!("git tracks `{path}`: a journal in a commit is not carried out"),
            )
            .note("a run's journal belongs to one machine, and git ignores it; this one came with the repository")
            .help(format!("`git rm -r -f {dir}` removes it; then run again")),
        };
        finding.in_file(file).note("nothing was changed")
    }

    /// Says of an undo record why nothing is taken back by it.
    pub(super) fn of_record(self) -> Diagnostic {
        let dir = UNDO_DIR;
        let finding = match self {
            Self::System(finding) => return finding.note("nothing was taken back"),
            Self::Damaged | Self::Older(_) => return super::undo::damaged(),
            Self::Elsewhere => Diagnostic::error(
                "undo/foreign",
                format!("`{dir}` is the record of a run that you did not begin here"),
            )
            .note("only a run of the same user in this very directory can be taken back, not one from a copy of it")
            .help("use git instead: `git status` shows what changed, `git restore PATH` brings a file back")
            .help(format!("`rm -r {dir}` removes the record; the next run that writes makes a new one")),
            Self::Tracked(path) => Diagnostic::error(
                "undo/tracked",
                format!("git tracks `{path}`: a record in a commit is not believed"),
            )
            .note("the record of a run belongs to one machine, and git ignores it; this one came with the repository")
            .help(format!(
                "`git rm -r -f {dir}` removes it; the next run that writes makes a new one"
            )),
        };
        finding
            .in_file(format!("{dir}/record"))
            .note("nothing was taken back")
    }
}

/// What a run of an older version had to do, for whoever finishes it by hand.
fn older(steps: &[WriteStep], dir: &str) -> Diagnostic {
    const SHOWN: usize = 20;
    let mut finding = Diagnostic::error(
        "write/older-journal",
        "a run of an older clusterwright was interrupted, and this version does not finish it",
    )
    .note("some files may be new and some old; `git status` shows which");
    for (number, step) in steps.iter().enumerate().take(SHOWN) {
        let path = &step.path;
        let new = step
            .new
            .map_or_else(|| "deleted".to_owned(), |_| format!("`{dir}/new/{number}`"));
        let old = step
            .old
            .map_or_else(|| "absent".to_owned(), |_| format!("`{dir}/old/{number}`"));
        finding = finding.note(format!(
            "`{path}`: before, {old}; after, {new} unless it is in its place already"
        ));
    }
    if steps.len() > SHOWN {
        finding = finding.note(format!("and {}", counted(steps.len() - SHOWN, "more file")));
    }
    finding
        .help("run the older clusterwright once more: it finishes its run")
        .help(format!(
            "or put back what you need from the copies, `rm -r {dir}`, and run again: the new run shows what is left to do"
        ))
}
