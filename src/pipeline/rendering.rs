//! Filling the templates, of the catalogue or of a repository's own tree, and merging what people changed into it.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::load::OpenedSecrets;
use super::{Run, TreeSource, flux, in_clear, keys, size, vocabulary_of_any};
use crate::config::Vault;
use crate::context;
use crate::diag::{Aborted, Diagnostic};
use crate::merge::{self, KeptVersion, MergeInput};
use crate::raw;
use crate::render::{self, Rendered};
use crate::seal::{self, SealKeys};
use crate::tree::{Tree, bare_repository};
use crate::world::keyring::Keyring;
use crate::world::{Before, Existing};

/// The filled templates, beside what stands at their places.
pub(super) struct Rendering {
    /// What was rendered.
    tree: Tree<Rendered>,
    /// The secrets that stand in it as tokens, and who can open what is sealed.
    pub(super) secrets: Rc<OpenedSecrets>,
    /// The work tree: at every rendered path, every path of the lock, and the rules of SOPS.
    pub(super) existing: Rc<Existing>,
    /// The version of Kubernetes that stays in the work tree, and that the render suits.
    pub(super) kubernetes: Option<String>,
}

/// What will stand on the disk, before it is sealed.
pub(super) struct MergedTree {
    /// The tree with what people changed in it.
    pub(super) tree: Tree<Rendered>,
    /// The versions in the work tree that are newer than those rendered.
    pub(super) kept: Vec<KeptVersion>,
}

impl Run<'_> {
    /// Renders the catalogue's tree.
    pub(super) fn render(&self, before: &Before) -> Result<Rendering, Aborted> {
        let (catalog, configuration, plan) = (self.catalog()?, self.configuration()?, self.plan()?);
        let diags = &mut self.diags.borrow_mut();
        before.added.report(diags);
        diags.checkpoint()?;
        let mut values = configuration.values.clone();
        let standing = {
            let mut bases = before.bases_mut();
            merge::standing(self.root, &before.lock, &mut bases, before.git.as_ref())
        };
        let standing = standing.map_err(|finding| diags.abort(finding))?;
        let taken_back = &self.choices.overwrite;
        merge::carry(
            &standing,
            taken_back,
            &configuration.cluster,
            &mut values.map,
            diags,
        );
        let vault = &configuration.secrets.vault;
        let mut tree = render::render(catalog, plan, &values, vault, &before.added, diags)?;
        let existing = self.existing(&tree, before);
        let kubernetes = configuration.kept_kubernetes(&existing, &before.lock, &self.choices);
        let suiting = kubernetes.as_ref();
        if let Some(values) = suiting.and_then(|version| context::for_kubernetes(&values, version)) {
            tree = render::render(catalog, plan, &values, vault, &before.added, diags)?;
        }
        Ok(Rendering {
            tree,
            secrets: Rc::clone(&configuration.secrets),
            existing,
            kubernetes,
        })
    }

    /// Renders the repository's own Jinja2 tree.
    pub(super) fn render_raw(
        &self,
        request: &raw::RawRequest,
        before: &Before,
    ) -> Result<Rendering, Aborted> {
        let found = self.identities()?;
        let mut vault = Vault::new(&mut **self.entropy.borrow_mut());
        let rules = keys::Rules::read(self.root);
        let own = found
            .as_ref()
            .and_then(|found| keys::own(self.root, found, &rules));
        let with = found.as_ref().map(|found| raw::RawKeys {
            identities: &found.all,
            text: own.as_ref().map(|own| &own.text),
        });
        let vocabulary = vocabulary_of_any(self.root);
        let diags = &mut self.diags.borrow_mut();
        let tree = raw::render(self.root, request, with, &vocabulary, &mut vault, diags)?;
        let hand = found.as_ref().map(Keyring::hand).unwrap_or_default();
        let recipients = own.as_ref().map(|own| own.recipients.clone()).unwrap_or_default();
        let keys = SealKeys::new(found.map(|found| found.all), recipients)
            .of_person(hand)
            .of_repository(own.as_ref(), &rules.own(), true);
        Ok(Rendering {
            existing: self.existing(&tree, before),
            tree,
            secrets: Rc::new(OpenedSecrets { vault, keys }),
            kubernetes: None,
        })
    }

    /// Reads the work tree, once for a render.
    fn existing(&self, tree: &Tree<Rendered>, before: &Before) -> Rc<Existing> {
        let rules = seal::config_path();
        let output = tree.iter().map(|artifact| &artifact.path).chain(&rules);
        Rc::new(before.existing(self.root, output))
    }

    /// Merges into a rendered tree what people changed in its output, and looks for secrets in what comes out.
    pub(super) fn merge(&self, rendering: &Rendering) -> Result<MergedTree, Aborted> {
        let before = self.before()?;
        let pinned = match self.source {
            TreeSource::Catalogue => self.pinned()?,
            TreeSource::Raw(_) => BTreeSet::new(),
        };
        let (tree, mut kept) = {
            let diags = &mut self.diags.borrow_mut();
            let tree = &rendering.tree;
            if let Some(dir) = bare_repository(tree.iter().map(|artifact| &artifact.path)) {
                return Err(diags.abort(is_git_repository(&dir)));
            }
            size::check(tree, diags);
            diags.checkpoint()?;
            let by = MergeInput {
                existing: &rendering.existing,
                lock: &before.lock,
                git: before.git.as_ref(),
                choices: &self.choices,
                pinned: &pinned,
            };
            let (tree, kept) = merge::merge(tree.clone(), by, &mut before.bases_mut(), diags)?;
            in_clear::tree(&tree, rendering.secrets.vault.known(), diags);
            let identities = rendering.secrets.keys.identities();
            seal::report_by_hand(
                &tree,
                &rendering.existing,
                &before.lock,
                &self.choices,
                identities,
                diags,
            );
            diags.checkpoint()?;
            (tree, kept)
        };
        if matches!(self.source, TreeSource::Catalogue) {
            let configuration = self.configuration()?;
            let diags = &mut self.diags.borrow_mut();
            flux::check(&tree, configuration, diags);
            diags.checkpoint()?;
            kept.extend(configuration.kept_charts(self.plan()?));
            kept.sort_by(|a, b| a.file.cmp(&b.file));
        }
        Ok(MergedTree { tree, kept })
    }

    /// Returns the apps whose chart's version `cluster.yaml` chooses.
    fn pinned(&self) -> Result<BTreeSet<String>, Aborted> {
        let pins = self.plan()?.enabled().filter(|planned| {
            let choice = planned.choice.as_ref();
            choice.is_some_and(|choice| choice.chosen.version.is_some())
        });
        Ok(pins.map(|planned| planned.app.id()).collect())
    }
}

fn is_git_repository(dir: &str) -> Diagnostic {
    let shown = if dir.is_empty() { "." } else { dir };
    let message = format!("the output would make `{shown}` a git repository");
    Diagnostic::error("path/git-repository", message)
        .in_file(shown)
        .note("git takes a folder with `HEAD`, `objects` and `refs` for one, and runs what its `config` says")
        .help("rename one of the three")
}
