//! Staging: everything that a transaction needs, written before anything is changed.

use super::mark::MachineMark;
use super::plan::{Then, Transaction, WriteStep, parents};
use super::target::{self, TargetState};
use super::undo::Record;
use super::{DRAFT, NEW_DIR, OLD_DIR, TXN_DIR, execute, new_file, old_file, undo_old_file};
use crate::diag::Diagnostic;
use crate::diff::{Change, ChangeKind, ChangeSet};
use crate::seal::Sealed;
use crate::sys::disk::Disk;
use crate::sys::root::{Refused, Root, limits};
use crate::tree::{RepoPath, Tree};
use crate::world::lock::{LOCK_FILE, Lock, Sha256};
use crate::world::secrecy;

/// Stages all files of a change set and the draft of the plan.
///
/// # Errors
/// When a target is not what the diff saw, or the system refuses something.
pub(super) fn changes(
    changes: &ChangeSet,
    tree: &Tree<Sealed>,
    root: &Root,
    disk: &mut impl Disk,
) -> Result<Transaction, Diagnostic> {
    let mut stager = Stager::start(root, disk)?;
    let touching = || changes.changes().iter().filter(|c| c.kind.touches_file());
    for change in touching().filter(|c| c.kind == ChangeKind::Delete) {
        stager.change(change, None)?;
        let dirs = parents(change.path.as_str()).map(str::to_owned);
        stager.plan.gone_dirs.extend(dirs);
    }
    for change in touching().filter(|c| c.kind != ChangeKind::Delete) {
        let artifact = tree.get(&change.path).ok_or_else(|| not_in_tree(change))?;
        let text = artifact.text().as_bytes();
        // The lock's hash is that of the bytes, unless there are line ends to normalise or edits merged into them.
        let known = changes.lock().entries.get(&change.path).map(|entry| entry.hash);
        let plain = !text.contains(&b'\r') && !artifact.is_edited();
        let hash = known.filter(|_| plain);
        stager.change(change, Some((text, hash.unwrap_or_else(|| Sha256::of(text)))))?;
    }
    for (path, bytes) in changes.bases() {
        stager.base(path, bytes.as_deref())?;
        if bytes.is_none() {
            let dirs = parents(path.as_str()).map(str::to_owned);
            stager.plan.gone_dirs.extend(dirs);
        }
    }
    if changes.lock_before() != changes.lock() {
        stager.lock(changes)?;
    }
    stager.finish()
}

/// Stages the way back of a run: deletions first, the lock last, as in every plan.
///
/// # Errors
/// When a file is not as the run left it, or the system refuses something.
pub(super) fn undo(record: &Record, root: &Root, disk: &mut impl Disk) -> Result<Transaction, Diagnostic> {
    let mut stager = Stager::start(root, disk)?;
    stager.plan.then = Then::Forget;
    stager.plan.gone_dirs.clone_from(&record.plan.new_dirs);
    let steps = || record.plan.steps.iter().zip(&record.old).enumerate();
    let lock_is_last = |step: &WriteStep| step.path.as_str() == LOCK_FILE;
    let (gone, back): (Vec<_>, Vec<_>) = steps().partition(|(_, (step, _))| step.old.is_none());
    let (locks, files): (Vec<_>, Vec<_>) = gone
        .into_iter()
        .chain(back)
        .partition(|(_, (step, _))| lock_is_last(step));
    for (number, (step, bytes)) in files.into_iter().chain(locks) {
        let (now, state) = target::read(root, &step.path)?;
        if !state.is(step.new) {
            return Err(execute::changed_meanwhile(&step.path));
        }
        let new = bytes.as_deref().zip(step.old);
        stager.step(&step.path, &now, state, new)?;
        if new.is_some() {
            stager.mode_of(&undo_old_file(number))?;
        }
    }
    stager.finish()
}

struct Stager<'a, D> {
    root: &'a Root,
    disk: &'a mut D,
    mark: MachineMark,
    plan: Transaction,
}

impl<'a, D: Disk> Stager<'a, D> {
    /// Makes an empty transaction directory, which git ignores in every repository.
    fn start(root: &'a Root, disk: &'a mut D) -> Result<Self, Diagnostic> {
        if root.is_taken(TXN_DIR) {
            disk.remove_dir_all(root, TXN_DIR)
                .map_err(|refused| refused.finding("remove", TXN_DIR))?;
        }
        for dir in [NEW_DIR, OLD_DIR] {
            disk.create_dir_all(root, dir)
                .map_err(|refused| refused.finding("create", dir))?;
        }
        // A file that a person had in clear is copied there as it was. A file system without such permissions has none
        // for the repository either.
        let _ = root.make_private(TXN_DIR);
        let mark = MachineMark::file(TXN_DIR);
        let ignore = format!("{TXN_DIR}/.gitignore");
        for (file, bytes) in [(&ignore, &b"*\n"[..]), (&mark, b"")] {
            disk.write(root, file, bytes)
                .map_err(|refused| refused.finding("write", file))?;
        }
        let mark = MachineMark::in_dir(root, TXN_DIR).ok_or_else(|| unmarked(&mark))?;
        Ok(Self {
            root,
            disk,
            mark,
            plan: Transaction::default(),
        })
    }

    /// Writes the draft of the plan.
    fn finish(self) -> Result<Transaction, Diagnostic> {
        let text = self.plan.to_text(&self.mark);
        fits(DRAFT, text.as_bytes(), limits::LOCK)?;
        self.disk
            .write(self.root, DRAFT, text.as_bytes())
            .map_err(|refused| refused.finding("write", DRAFT))?;
        Ok(self.plan)
    }

    /// Gives the new file of the last step the permissions of `file`.
    fn mode_of(&mut self, file: &str) -> Result<(), Diagnostic> {
        let new = new_file(self.plan.steps.len().saturating_sub(1));
        self.disk
            .copy_mode(self.root, file, &new)
            .map_err(|refused| refused.finding("stage", &new))
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
        state: TargetState,
        new: Option<(&[u8], Sha256)>,
    ) -> Result<(), Diagnostic> {
        let number = self.plan.steps.len();
        let full = path.as_str();
        let failed = |refused: Refused| refused.finding("stage", full);
        let (root, new_file, old_file) = (self.root, new_file(number), old_file(number));
        let old = match state {
            TargetState::File(hash) => {
                self.disk.write(root, &old_file, bytes).map_err(failed)?;
                self.disk.copy_mode(root, full, &old_file).map_err(failed)?;
                if secrecy::is_in_clear(path, bytes) {
                    self.plan.then = Then::Forget;
                }
                Some(hash)
            }
            TargetState::Absent { dir_exists } => {
                if !dir_exists {
                    let missing = parents(full).filter(|dir| !root.is_taken(dir));
                    self.plan.new_dirs.extend(missing.map(str::to_owned));
                }
                None
            }
        };
        if let Some((text, _)) = new {
            fits(full, text, limits::OUTPUT)?;
            self.disk.write(root, &new_file, text).map_err(failed)?;
            if old.is_some() {
                self.disk.copy_mode(root, full, &new_file).map_err(failed)?;
            }
        }
        self.plan.steps.push(WriteStep {
            path: path.clone(),
            old,
            new: new.map(|(_, hash)| hash),
        });
        Ok(())
    }
}

/// Refuses what no run reads back: its own staged copy would not be known again.
fn fits(path: &str, bytes: &[u8], limit: u64) -> Result<(), Diagnostic> {
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= limit) {
        return Ok(());
    }
    let message = format!(
        "`{path}` would be larger than {} MiB, which no run reads back",
        limit >> 20
    );
    Err(Diagnostic::error("write/too-large", message)
        .in_file(path)
        .help("render fewer or smaller files"))
}

fn unmarked(file: &str) -> Diagnostic {
    let message = "the file that marks this run as yours is gone or belongs to another user";
    Diagnostic::error("write/unmarked", message)
        .in_file(file)
        .help("run as the user who owns the repository, on a file system that keeps owners")
}

fn not_in_tree(change: &Change) -> Diagnostic {
    let message = format!("the changes name `{}`, which the tree does not have", change.path);
    Diagnostic::error("internal/write", message).in_file(change.path.as_str())
}
