//! One run: the way through the stages.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use sops::Prompt;

use super::compared::{AdoptSurvey, Compared};
use super::load::{self, Configuration, OpenedSecrets, planned};
use super::rendering::{MergedTree, Rendering};
use super::{World, clear_configs, disk, vocabulary_of_any};
use crate::adopt::Picked;
use crate::catalog::Catalog;
use crate::check::{self, Checked};
use crate::diag::{Aborted, Diagnostic, Diagnostics, Mark};
use crate::diff;
use crate::merge::KeptVersion;
use crate::plan::Plan;
use crate::raw;
use crate::sys::Entropy;
use crate::sys::root::Root;
use crate::tree::Tree;
use crate::world::keyring::Sources;
use crate::world::{Added, Before, Choices, lock};
use crate::write::Receipt;

/// Where the tree comes from.
#[derive(Debug, Default)]
pub enum TreeSource {
    /// The catalogue, as `cluster.yaml` configures it.
    #[default]
    Catalogue,
    /// The repository's own Jinja2 tree, in raw mode.
    Raw(raw::RawRequest),
}

/// What a stage gave; it is asked once.
pub(super) type Stage<T> = OnceCell<Result<T, Aborted>>;

/// A run in one repository. Each stage is computed when it is asked for, with those that it needs, once: asking again
/// gives the same result, or the same failure without telling it again. What the stages find goes to the sink that the
/// run was made with.
pub struct Run<'a> {
    pub(super) root: &'a Root,
    pub(super) sources: &'a Sources,
    pub(super) prompt: &'a Arc<dyn Prompt>,
    pub(super) entropy: RefCell<&'a mut (dyn Entropy + 'a)>,
    pub(super) diags: RefCell<&'a mut Diagnostics>,
    pub(super) source: TreeSource,
    pub(super) choices: Choices,
    catalog: Stage<Catalog>,
    configuration: Stage<Configuration>,
    plan: Stage<Plan>,
    before: Stage<Before>,
    rendering: Stage<Rendering>,
    merged: Stage<MergedTree>,
    checked: Stage<Tree<Checked>>,
    compared: Stage<Compared>,
    surveyed: Stage<AdoptSurvey>,
    start: Mark,
    before_rendering: Cell<Option<Mark>>,
    before_merging: Cell<Option<Mark>>,
}

impl<'a> Run<'a> {
    /// Starts a run over the catalogue. Nothing is read yet.
    pub fn new(world: &'a mut World<'_>, diags: &'a mut Diagnostics) -> Self {
        Self::of(TreeSource::Catalogue, world, diags)
    }

    /// Does the same with a tree that may come from elsewhere.
    pub fn of(source: TreeSource, world: &'a mut World<'_>, diags: &'a mut Diagnostics) -> Self {
        let World {
            root,
            sources,
            prompt,
            entropy,
        } = world;
        let entropy: &'a mut (dyn Entropy + 'a) = &mut **entropy;
        let start = diags.mark();
        Self {
            root,
            sources,
            prompt,
            entropy: RefCell::new(entropy),
            diags: RefCell::new(diags),
            source,
            choices: Choices::default(),
            catalog: Stage::new(),
            configuration: Stage::new(),
            plan: Stage::new(),
            before: Stage::new(),
            rendering: Stage::new(),
            merged: Stage::new(),
            checked: Stage::new(),
            compared: Stage::new(),
            surveyed: Stage::new(),
            start,
            before_rendering: Cell::default(),
            before_merging: Cell::default(),
        }
    }

    /// Sets what a person chose for conflicts. Stages that it may change are forgotten, with what they found; the render
    /// stays where it would be the same.
    pub fn choose(&mut self, choices: Choices) {
        let again = self.renders_otherwise(&choices);
        let before = if again {
            self.rendering.take();
            self.before_rendering.take()
        } else {
            self.before_merging.take()
        };
        self.merged.take();
        self.checked.take();
        self.compared.take();
        self.surveyed.take();
        if let Some(mark) = before {
            self.diags.get_mut().rewind(mark);
        }
        self.choices = choices;
    }

    /// Loads the template library: the built-in one, overlaid by the repository's own `templates/`.
    ///
    /// # Errors
    /// When a template cannot be read or a manifest is wrong.
    pub fn catalog(&self) -> Result<&Catalog, Aborted> {
        once(&self.catalog, || {
            load::catalog(self.root, &mut self.diags.borrow_mut())
        })
    }

    /// Loads and validates `cluster.yaml` and the files beside it; the catalogue says which keys its apps add.
    ///
    /// # Errors
    /// When something in them is wrong; all findings are reported.
    pub fn configuration(&self) -> Result<&Configuration, Aborted> {
        once(&self.configuration, || self.load(self.catalog()?))
    }

    /// Decides which apps are on; in raw mode there are none.
    ///
    /// # Errors
    /// When their dependencies do not fit together.
    pub fn plan(&self) -> Result<&Plan, Aborted> {
        once(&self.plan, || match self.source {
            TreeSource::Raw(_) => Ok(Plan::default()),
            TreeSource::Catalogue => {
                let (catalog, configuration) = (self.catalog()?, self.configuration()?);
                planned(catalog, configuration, &mut self.diags.borrow_mut())
            }
        })
    }

    /// Reads the repository before the run: which files are ours, git, and what people have added.
    ///
    /// # Errors
    /// When the lock or the repository cannot be read.
    pub fn before(&self) -> Result<&Before, Aborted> {
        once(&self.before, || {
            Before::read(self.root, &mut self.diags.borrow_mut())
        })
    }

    /// Returns what people have added, and reports what is wrong with that.
    ///
    /// # Errors
    /// When the lock or the repository cannot be read.
    pub fn added(&self) -> Result<&Added, Aborted> {
        let added = &self.before()?.added;
        added.report(&mut self.diags.borrow_mut());
        Ok(added)
    }

    /// Fills the templates; secrets stand as tokens.
    pub(super) fn rendering(&self) -> Result<&Rendering, Aborted> {
        once(&self.rendering, || match &self.source {
            TreeSource::Catalogue => {
                self.plan()?;
                let before = self.before()?;
                self.before_rendering.set(Some(self.mark()));
                self.render(before)
            }
            TreeSource::Raw(request) => {
                let before = self.before()?;
                self.before_rendering.set(Some(self.mark()));
                self.render_raw(request, before)
            }
        })
    }

    /// Puts what people and Renovate changed on the disk into what was rendered.
    pub(super) fn merged(&self) -> Result<&MergedTree, Aborted> {
        once(&self.merged, || {
            let rendering = self.rendering()?;
            self.before_merging.set(Some(self.mark()));
            self.merge(rendering)
        })
    }

    /// Returns the versions in the work tree that are newer than those rendered.
    ///
    /// # Errors
    /// When a template is wrong, or an edited file is not YAML any more.
    pub fn kept_versions(&self) -> Result<&[KeptVersion], Aborted> {
        Ok(&self.merged()?.kept)
    }

    /// Runs all rules over what will stand on the disk.
    ///
    /// # Errors
    /// When a template or a rule finds something wrong.
    pub fn checked(&self) -> Result<&Tree<Checked>, Aborted> {
        once(&self.checked, || {
            let (merged, existing) = (self.merged()?, &self.rendering()?.existing);
            let tree = merged.tree.clone();
            match self.source {
                TreeSource::Raw(_) => check::check_raw(tree, &mut self.diags.borrow_mut()),
                TreeSource::Catalogue => {
                    let catalog = self.catalog()?;
                    let diags = &mut self.diags.borrow_mut();
                    check::pool_change::report(&tree, |path| existing.bytes(path), diags);
                    diags.checkpoint()?;
                    check::check(tree, &check::allow::exceptions(catalog), diags)
                }
            }
        })
    }

    /// Seals the tree and compares it with the work tree. Conflicts are part of the result.
    ///
    /// # Errors
    /// When something cannot be sealed or compared at all.
    pub fn compared(&self) -> Result<&Compared, Aborted> {
        once(&self.compared, || self.compare(self.checked()?))
    }

    /// Returns the same where nothing stands against it: conflicts are reported.
    ///
    /// # Errors
    /// When something cannot be sealed, or the work tree holds conflicts.
    pub fn settled(&self) -> Result<&Compared, Aborted> {
        let compared = self.compared()?;
        let doubts = compared.changes.doubts();
        diff::findings::report(
            &compared.changes,
            &compared.existing,
            &mut self.diags.borrow_mut(),
        );
        if !doubts.is_empty() {
            let text = self.before()?.lock_text();
            lock::not_ours(text, doubts, &mut self.diags.borrow_mut());
        }
        self.diags.borrow().checkpoint()?;
        Ok(compared)
    }

    /// Seals the tree and looks at what stands in the repository beside it, for `adopt`. SOPS files of others that no key
    /// at hand opens are no hindrance here: they count as different.
    ///
    /// # Errors
    /// When something cannot be sealed or compared at all.
    pub fn surveyed(&self) -> Result<&AdoptSurvey, Aborted> {
        once(&self.surveyed, || self.survey(self.checked()?))
    }

    /// Narrows what was surveyed to what a person picked: nothing else will be written, nothing else enters the lock.
    ///
    /// # Errors
    /// When the choices do not fit; all findings are reported.
    pub fn picked(&self, picked: &Picked) -> Result<Compared, Aborted> {
        let compared = &self.surveyed()?.compared;
        let changes = self.changes(&compared.tree, &compared.existing, &picked.choices)?;
        Ok(Compared {
            tree: compared.tree.clone(),
            existing: Rc::clone(&compared.existing),
            changes: changes.only(&picked.paths),
        })
    }

    /// Compares the sealed tree with a revision. There, every file that we know of counts as ours: edits show as
    /// differences.
    ///
    /// # Errors
    /// When there is no git repository, or no such revision.
    pub fn against(&self, revision: &str) -> Result<Compared, Aborted> {
        self.compare_with(revision, self.compared()?)
    }

    /// Writes the changes, all or none.
    ///
    /// # Errors
    /// When the system refuses, or a file changed since it was read.
    pub fn write(&self, compared: &Compared) -> Result<Receipt, Aborted> {
        disk::write(self.root, compared, &mut self.diags.borrow_mut())
    }

    /// Returns the secrets, and who can open what is sealed. In raw mode they are known once the templates are filled.
    ///
    /// # Errors
    /// When the stage that knows them fails.
    pub fn secrets(&self) -> Result<&OpenedSecrets, Aborted> {
        Ok(&self.rendering()?.secrets)
    }

    /// Returns which files of the configuration hold secrets in clear, so that they must not be committed.
    ///
    /// # Errors
    /// When a template cannot be read or a manifest is wrong: then nobody knows.
    pub fn clear_configs(&self) -> Result<Vec<&'static str>, Aborted> {
        let vocabulary = match self.source {
            TreeSource::Catalogue => self.catalog()?.vocabulary(),
            TreeSource::Raw(_) => vocabulary_of_any(self.root),
        };
        Ok(clear_configs(self.root, &vocabulary))
    }

    /// Asks for stages and forgets what they reported.
    pub fn quietly<'s, T>(&'s self, ask: impl FnOnce(&'s Self) -> T) -> T {
        let mark = self.mark();
        let result = ask(self);
        self.diags.borrow_mut().rewind(mark);
        result
    }

    /// Forgets what was reported so far: what stages found is not what this command is about.
    pub fn forget(&self) {
        self.diags.borrow_mut().rewind(self.start);
    }

    /// Reports a finding of the command itself.
    pub fn push(&self, finding: Diagnostic) {
        self.diags.borrow_mut().push(finding);
    }

    /// Reports findings of the command itself that end it.
    pub fn abort_all(&self, findings: impl IntoIterator<Item = Diagnostic>) -> Aborted {
        self.diags.borrow_mut().abort_all(findings)
    }

    /// Reports a finding of the command itself that ends it.
    pub fn abort(&self, finding: Diagnostic) -> Aborted {
        self.diags.borrow_mut().abort(finding)
    }

    /// Ends the command when an error was reported.
    ///
    /// # Errors
    /// When one was.
    pub fn checkpoint(&self) -> Result<(), Aborted> {
        self.diags.borrow().checkpoint()
    }

    fn mark(&self) -> Mark {
        self.diags.borrow().mark()
    }

    /// Returns whether other choices give another render than the one that is there.
    fn renders_otherwise(&self, choices: &Choices) -> bool {
        let Some(Ok(rendering)) = self.rendering.get() else {
            return true;
        };
        match (&self.source, self.configuration.get(), self.before.get()) {
            (TreeSource::Catalogue, Some(Ok(configuration)), Some(Ok(before))) => {
                // What merges carry into the values, and the version of Kubernetes, are all that goes by choices.
                let kubernetes = &rendering.kubernetes;
                choices.overwrite != self.choices.overwrite
                    || *kubernetes
                        != configuration.kept_kubernetes(&rendering.existing, &before.lock, choices)
            }
            _ => false,
        }
    }
}

/// Computes what is not there yet.
fn once<T>(stage: &Stage<T>, compute: impl FnOnce() -> Result<T, Aborted>) -> Result<&T, Aborted> {
    stage.get_or_init(compute).as_ref().map_err(|aborted| *aborted)
}
