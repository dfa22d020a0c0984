//! All that is known of the repository before the run.

use std::cell::{Ref, RefCell, RefMut};

use super::{Added, Bases, Existing, added, belief};
use crate::diag::{Aborted, Diagnostics};
use crate::sys::root::{FileKind, Refused, Root};
use crate::tree::RepoPath;
use crate::vcs::Git;
use crate::world::lock::{self, Lock};

/// Where clusterwright keeps its own files, below the root.
pub const OWN_DIR: &str = ".clusterwright";

/// The repository before the run. Each part is read once.
pub struct Before {
    /// Which files are ours.
    pub lock: Lock,
    /// The git repository, if there is one.
    pub git: Option<Git>,
    /// What people have added.
    pub added: Added,
    lock_text: String,
    bases: RefCell<Bases>,
}

impl Before {
    /// Reads the lock, the renders beside it, the git repository and what people have added.
    ///
    /// # Errors
    /// When the lock or the git repository cannot be read, and where our own directory is a link.
    pub fn read(root: &Root, diags: &mut Diagnostics) -> Result<Self, Aborted> {
        // Everything below it would be looked for elsewhere.
        if let Some(meta) = root.look(OWN_DIR).ok().flatten()
            && meta.kind == FileKind::Link
        {
            let at = OWN_DIR.to_owned();
            return Err(diags.abort(Refused::Link { at }.finding("read", OWN_DIR)));
        }
        let lock_text = lock::read_text(root, diags)?;
        let lock = Lock::parse(&lock_text, diags)?;
        let git = Git::discover(root.path()).map_err(|finding| diags.abort(finding))?;
        let added = added::read(root, &lock, diags);
        Ok(Self {
            lock,
            git,
            added,
            lock_text,
            bases: RefCell::new(Bases::read(root)),
        })
    }

    /// Returns the text of the lock; empty where there is none.
    pub fn lock_text(&self) -> &str {
        &self.lock_text
    }

    /// Returns the renders of earlier runs.
    pub fn bases(&self) -> Ref<'_, Bases> {
        self.bases.borrow()
    }

    /// Returns the renders of earlier runs, to look for more.
    pub fn bases_mut(&self) -> RefMut<'_, Bases> {
        self.bases.borrow_mut()
    }

    /// Reads what stands at the paths of an output and at those of the lock.
    pub fn existing<'p>(&'p self, root: &Root, output: impl IntoIterator<Item = &'p RepoPath>) -> Existing {
        // What a line of the lock may not claim is not looked at.
        let locked = self.lock.entries.iter();
        let locked = locked.filter(|(path, entry)| belief::doubt(path, entry).is_none());
        Existing::read(root, output.into_iter().chain(locked.map(|(path, _)| path)))
    }
}
