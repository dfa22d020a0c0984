//! The sealed tree beside what stands in the repository, or in a revision of it.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Run, in_clear, size};
use crate::adopt::{self, Survey};
use crate::check::Checked;
use crate::diag::{Aborted, Diagnostic};
use crate::diff::{ChangeKind, ChangeSet};
use crate::seal::{self, Sealed};
use crate::tree::{RepoPath, Tree};
use crate::world::lock::{Lock, LockEntry, Sha256};
use crate::world::{BASE_DIR, Choices, Existing};

/// The tree ready to be written, and what it is compared with.
pub struct Compared {
    /// The output.
    pub tree: Tree<Sealed>,
    /// What stands there now.
    pub existing: Rc<Existing>,
    /// What a write would do.
    pub changes: ChangeSet,
}

/// What `adopt` asks of a repository.
pub struct AdoptSurvey {
    /// The tree beside the work tree, without choices.
    pub compared: Compared,
    /// What it would take to make each file ours.
    pub survey: Survey,
}

impl Run<'_> {
    /// Seals a tree and compares it with the work tree.
    pub(super) fn compare(&self, tree: &Tree<Checked>) -> Result<Compared, Aborted> {
        let before = self.before()?;
        let existing = Rc::clone(&self.rendering()?.existing);
        let secrets = self.secrets()?;
        let tree = {
            let diags = &mut self.diags.borrow_mut();
            let committed = seal::Committed {
                existing: &existing,
                git: before.git.as_ref(),
                lock: &before.lock,
                bases: &before.bases(),
                choices: &self.choices,
            };
            let entropy = &mut **self.entropy.borrow_mut();
            let tree = seal::seal(tree, &secrets.vault, &secrets.keys, &committed, entropy, diags)?;
            size::check(&tree, diags);
            diags.checkpoint()?;
            tree
        };
        let changes = self.changes(&tree, &existing, &self.choices)?;
        let diags = &mut self.diags.borrow_mut();
        in_clear::kept(&tree, &existing, &changes, secrets.vault.known(), diags);
        diags.checkpoint()?;
        Ok(Compared {
            tree,
            existing,
            changes,
        })
    }

    /// Seals a tree for `adopt`: what no key at hand opens is not taken over.
    pub(super) fn survey(&self, tree: &Tree<Checked>) -> Result<AdoptSurvey, Aborted> {
        let before = self.before()?;
        let existing = Rc::clone(&self.rendering()?.existing);
        let secrets = self.secrets()?;
        let readable = existing.without(&adopt::locked(&existing, &before.lock, &secrets.keys));
        let tree = {
            let committed = seal::Committed {
                existing: &readable,
                git: None,
                lock: &before.lock,
                bases: &before.bases(),
                choices: &self.choices,
            };
            let entropy = &mut **self.entropy.borrow_mut();
            let diags = &mut self.diags.borrow_mut();
            seal::seal(tree, &secrets.vault, &secrets.keys, &committed, entropy, diags)?
        };
        let changes = self.changes(&tree, &existing, &Choices::default())?;
        let survey = Survey::new(self.root, &tree, &existing, &before.lock, &changes, &secrets.keys);
        let compared = Compared {
            tree,
            existing,
            changes,
        };
        Ok(AdoptSurvey { compared, survey })
    }

    /// Returns what a write would do to the work tree, with the renders that are kept beside the lock.
    pub(super) fn changes(
        &self,
        tree: &Tree<Sealed>,
        existing: &Existing,
        choices: &Choices,
    ) -> Result<ChangeSet, Aborted> {
        let before = self.before()?;
        match ChangeSet::compute(tree, existing, &before.lock, choices) {
            Ok(changes) => {
                let bases = before.bases();
                Ok(changes
                    .with_raised(existing, |path, hash| bases.get(path, hash))
                    .with_bases(tree, BASE_DIR, bases.stored()))
            }
            Err(findings) => Err(self.abort_all(findings)),
        }
    }

    /// Compares the sealed tree with a revision.
    pub(super) fn compare_with(&self, revision: &str, compared: &Compared) -> Result<Compared, Aborted> {
        let (before, tree) = (self.before()?, &compared.tree);
        let Some(git) = &before.git else {
            return Err(self.abort(
                Diagnostic::error("git/none", "there is no git repository to compare with")
                    .help("compare with the files as they are: `clusterwright diff --worktree`"),
            ));
        };
        let paths: BTreeSet<&RepoPath> = tree
            .iter()
            .map(|artifact| &artifact.path)
            .chain(before.lock.entries.keys())
            .collect();
        let blobs = match revision {
            "HEAD" => git.read_head(paths),
            revision => git.read_rev(revision, paths),
        };
        let mut blobs = blobs.map_err(|finding| self.abort(finding))?;
        let changes = compared.changes.changes().iter();
        for change in changes.filter(|change| change.kind == ChangeKind::Kept) {
            // Your edit stays, so it is no difference that a write would make.
            if let Some(artifact) = tree.get(&change.path) {
                blobs.insert(change.path.clone(), artifact.text().as_bytes().to_vec());
            }
        }
        let mut lock = Lock::default();
        for (path, bytes) in &blobs {
            let entry = before.lock.entries.get(path);
            let origin = entry.map_or_else(|| "repo".to_owned(), |entry| entry.origin.clone());
            lock.entries.insert(
                path.clone(),
                LockEntry {
                    hash: Sha256::of_text(bytes),
                    origin,
                    fingerprint: None,
                },
            );
        }
        let existing = Existing::from_files(blobs);
        match ChangeSet::compute(tree, &existing, &lock, &Choices::default()) {
            Ok(changes) => Ok(Compared {
                tree: tree.clone(),
                existing: Rc::new(existing),
                changes,
            }),
            Err(findings) => Err(self.abort_all(findings)),
        }
    }
}
