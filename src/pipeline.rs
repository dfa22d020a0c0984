//! The order of the stages, and nothing else: load → validate → plan → render → merge → check → seal → diff → write.
//!
//! Every command is a prefix of it. `cli` picks how far to go and prints what comes out.

mod adopt;
mod undo;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use adopt::{pick, survey};
pub use undo::{last_run, undo};

use crate::catalog::{Catalog, library};
use crate::check::{self, Checked};
use crate::config::{self, Cluster, Decrypted, Vault};
use crate::context;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::{Change, ChangeSet, Choices, Existing};
use crate::foreign::{self, Foreign};
use crate::lock::{LOCK_FILE, Lock};
use crate::merge::{self, Bases, KeptVersion};
use crate::plan::{self, PerApp, Plan};
use crate::render::{self, Rendered, Values};
use crate::seal::{self, Keys, Sealed};
use crate::side;
use crate::sops::{self, Identities};
use crate::source::Span;
use crate::sys::disk::OsDisk;
use crate::sys::{Entropy, SecretText};
use crate::tree::Tree;
use crate::validate;
use crate::vcs::Repository;
use crate::write::{self, Receipt, Recovery};

/// Where a run works, and what it gets from outside.
pub struct World<'a> {
    /// The directory with `cluster.yaml`.
    pub root: PathBuf,
    /// `SOPS_AGE_KEY`: identities as text.
    pub age_key: Option<SecretText>,
    /// `SOPS_AGE_KEY_FILE`: a file with identities.
    pub age_key_file: Option<PathBuf>,
    /// Randomness and time.
    pub entropy: &'a mut dyn Entropy,
}

/// The configuration, understood.
pub struct Configuration {
    /// The typed values.
    pub cluster: Cluster,
    /// The secrets.
    pub vault: Vault,
    /// Who can decrypt, and what we can decrypt.
    pub keys: Keys,
    /// What templates see.
    pub values: Values,
    /// Whether `cluster.yaml` is encrypted.
    pub encrypted: bool,
    /// Where each top-level key is written.
    pub places: BTreeMap<String, Span>,
}

/// The repository before the run.
pub struct Before {
    /// Which files are ours.
    pub lock: Lock,
    /// The git repository, if there is one.
    pub git: Option<Repository>,
    /// What people have added.
    pub foreign: Foreign,
    /// What a person chose for conflicts.
    pub choices: Choices,
    bases: RefCell<Bases>,
    existing: OnceCell<Rc<Existing>>,
}

/// The tree ready to be written, and what it is compared with.
pub struct Compared {
    /// The output.
    pub tree: Tree<Sealed>,
    /// The work tree.
    pub existing: Rc<Existing>,
    /// What a write would do.
    pub changes: ChangeSet,
}

/// Loads the template library: the built-in one, overlaid by the repository's own `templates/`.
///
/// # Errors
/// When a template cannot be read or a manifest is wrong.
pub fn catalog(world: &World<'_>, diags: &mut Diagnostics) -> Result<Catalog, Aborted> {
    catalog_of(&world.root, diags)
}

/// Loads the template library of the repository in `root`.
///
/// # Errors
/// When a template cannot be read or a manifest is wrong.
pub fn catalog_of(root: &Path, diags: &mut Diagnostics) -> Result<Catalog, Aborted> {
    let files = library::files(root, diags)?;
    Catalog::load(
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())),
        diags,
    )
}

/// Loads and validates `cluster.yaml` and the files beside it; the catalogue says which keys its apps add.
///
/// # Errors
/// When something in them is wrong; all findings are reported.
pub fn configuration(
    world: &mut World<'_>,
    catalog: &Catalog,
    diags: &mut Diagnostics,
) -> Result<Configuration, Aborted> {
    context::check_keys(catalog, diags);
    diags.checkpoint()?;
    let vocabulary = catalog.vocabulary();
    let found = identities(world, diags)?;
    let decrypt = |text: &str| match &found {
        None => Ok(Decrypted::NoIdentity),
        Some(found) => sops::decrypt(text, &found.all, sops::MacCheck::Verify)
            .map(Decrypted::Text)
            .map_err(|error| seal::finding(&error, "cluster.yaml")),
    };
    let document = config::load(&world.root, &vocabulary, &decrypt, diags)?;
    // In CI the private files are absent: with an encrypted cluster.yaml, or recipients given by hand, their values
    // are unknown and what is sealed already stays.
    let keyless = found.is_none() && (document.is_encrypted() || document.lists_recipients());
    let files = side::Files::read(&world.root, keyless, diags);
    let mut vault = Vault::new(world.entropy);
    let reported = files.report(keyless);
    let cluster = validate::validate(&document, &reported, &mut vault, diags);
    if found.is_none() && !keyless {
        diags.push(side::missing(
            side::AGE_KEY,
            "the key that seals and opens the secrets",
        ));
    }
    diags.checkpoint()?;
    let cluster = cluster?;
    side_secrets(files, found.as_ref(), &mut vault);
    let configured = cluster.encryption.age_recipients.as_ref();
    let configured = configured.map(|list| list.iter().map(ToString::to_string).collect());
    let keys = match found {
        Some(found) => Keys::new(Some(found.all), configured.unwrap_or(found.own)),
        None => Keys::new(None, configured.unwrap_or_default()),
    };
    let tunnel_id = reported.tunnel_id.as_deref();
    let values = context::values(&cluster, &vault, keys.recipients(), tunnel_id, &vocabulary);
    Ok(Configuration {
        cluster,
        vault,
        keys,
        values,
        encrypted: document.is_encrypted(),
        places: document.key_spans(),
    })
}

/// What we can decrypt with.
pub struct Found {
    /// Every identity of every source.
    pub all: Identities,
    /// Public halves of the first source, `age.key` when it is there: the default recipients.
    own: Vec<String>,
    /// The text of the first source.
    text: SecretText,
}

/// Collects identities from `age.key`, `SOPS_AGE_KEY_FILE` and `SOPS_AGE_KEY`; `None` when there is no source at all.
///
/// # Errors
/// When a source cannot be read.
pub fn identities(world: &World<'_>, diags: &mut Diagnostics) -> Result<Option<Found>, Aborted> {
    let from_file = world.age_key_file.as_ref().map_or(Ok(None), |path| {
        let text = side::read_path(path, "SOPS_AGE_KEY_FILE")?;
        text.map(Some).ok_or_else(|| {
            let message = format!(
                "`SOPS_AGE_KEY_FILE` names `{}`, which does not exist",
                path.display()
            );
            Diagnostic::error("side/missing", message).help("correct the variable, or unset it")
        })
    });
    let sources = [
        (side::AGE_KEY, side::read(&world.root, side::AGE_KEY)),
        ("SOPS_AGE_KEY_FILE", from_file),
        ("SOPS_AGE_KEY", Ok(world.age_key.clone())),
    ];
    let mut found: Option<Found> = None;
    for (name, text) in sources {
        let parsed = match text {
            Ok(None) => continue,
            Ok(Some(text)) => Identities::parse(text.expose())
                .map(|identities| (identities, text))
                .map_err(|error| seal::finding(&error, name)),
            Err(finding) => Err(finding),
        };
        match (parsed, &mut found) {
            (Err(finding), _) => diags.push(finding),
            (Ok((identities, _)), _) if identities.is_empty() => diags.push(no_key(name, &identities)),
            (Ok((identities, _)), Some(found)) => found.all.extend(identities),
            (Ok((identities, text)), None) => {
                let own = identities
                    .recipients()
                    .iter()
                    .map(|recipient| recipient.as_str().to_owned())
                    .collect();
                found = Some(Found {
                    all: identities,
                    own,
                    text,
                });
            }
        }
    }
    diags.checkpoint()?;
    Ok(found)
}

/// The finding for a source without a key that we can use.
fn no_key(name: &str, identities: &Identities) -> Diagnostic {
    match identities.unsupported().next() {
        Some(kind) => Diagnostic::error("side/unsupported-key", format!("`{name}` holds only a {kind}"))
            .in_file(name)
            .note("only X25519 keys are supported so far")
            .help("add a key of the kind that starts with `AGE-SECRET-KEY-1` as a further line"),
        None => Diagnostic::error("side/empty", format!("`{name}` holds no key"))
            .in_file(name)
            .help("it should have a line that starts with `AGE-SECRET-KEY-1`"),
    }
}

/// Puts the private files into the vault; those that are not here with an unknown value.
fn side_secrets(files: side::Files, found: Option<&Found>, vault: &mut Vault) {
    vault.insert_computed("age_key", found.map(|found| key_lines(&found.text)));
    vault.insert_computed("push_token", files.push_token);
    vault.insert_computed("deploy_key", files.deploy_key.map(|key| key.text));
    vault.insert_computed("tunnel_token", files.tunnel.map(|tunnel| tunnel.token));
}

/// Returns the private keys of an identity file without its comments.
fn key_lines(text: &SecretText) -> SecretText {
    let lines = text
        .expose()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    SecretText::new(lines.collect::<Vec<_>>().join("\n"))
}

/// Decides which apps are on.
///
/// # Errors
/// When their dependencies do not fit together.
pub fn plan<'a>(
    catalog: &'a Catalog,
    configuration: &Configuration,
    diags: &mut Diagnostics,
) -> Result<Plan<'a>, Aborted> {
    let chosen = &configuration.cluster.apps.apps;
    let per_app = PerApp::new(chosen, catalog, &configuration.places);
    let plan = plan::plan(catalog, &configuration.values.map, &per_app, diags)?;
    let place = |key: &str| configuration.places.get(key).copied();
    plan::check_storage_class(&plan, &configuration.cluster.observability, place, diags);
    Ok(plan)
}

/// Reads the lock, the git repository and what people have added.
///
/// # Errors
/// When the lock or the repository cannot be read.
pub fn before(world: &World<'_>, diags: &mut Diagnostics) -> Result<Before, Aborted> {
    let lock = read_lock(world, diags)?;
    let git = Repository::discover(&world.root).map_err(|finding| diags.abort(finding))?;
    let foreign = foreign::read(&world.root, &lock, diags);
    Ok(Before {
        lock,
        git,
        foreign,
        choices: Choices::default(),
        bases: RefCell::new(Bases::read(&world.root)),
        existing: OnceCell::new(),
    })
}

/// Reads the lock; an empty one where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn read_lock(world: &World<'_>, diags: &mut Diagnostics) -> Result<Lock, Aborted> {
    match std::fs::read_to_string(world.root.join(LOCK_FILE)) {
        Ok(text) => Lock::parse(&text, diags),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Lock::default()),
        Err(error) => Err(diags.abort(Diagnostic::io("read", LOCK_FILE, &error))),
    }
}

/// Returns the versions in the work tree that are newer than those rendered.
///
/// # Errors
/// When a template is wrong, or an edited file is not YAML any more.
pub fn kept_versions(
    world: &World<'_>,
    catalog: &Catalog,
    plan: &Plan<'_>,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Vec<KeptVersion>, Aborted> {
    let (_, kept) = merged(world, catalog, plan, configuration, before, diags)?;
    Ok(kept)
}

/// Renders the tree, merges what people changed in it, and checks the result.
///
/// # Errors
/// When a template or a rule finds something wrong.
pub fn check(
    world: &World<'_>,
    catalog: &Catalog,
    plan: &Plan<'_>,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Tree<Checked>, Aborted> {
    let (tree, _) = merged(world, catalog, plan, configuration, before, diags)?;
    check::check(tree, &check::exceptions(catalog), diags)
}

/// Renders the tree and merges what people changed in it.
fn merged(
    world: &World<'_>,
    catalog: &Catalog,
    plan: &Plan<'_>,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<(Tree<Rendered>, Vec<KeptVersion>), Aborted> {
    let Configuration { values, vault, .. } = configuration;
    before.foreign.report(diags);
    diags.checkpoint()?;
    let tree = render::render(catalog, plan, values, vault, &before.foreign, diags)?;
    let existing = before.existing.get_or_init(|| {
        let rendered = tree.iter().map(|artifact| &artifact.path);
        Rc::new(Existing::read(
            &world.root,
            rendered.chain(before.lock.entries.keys()),
        ))
    });
    let git = before.git.as_ref();
    let bases = (&mut *before.bases.borrow_mut(), git);
    merge::merge(tree, existing, &before.lock, bases, &before.choices, diags)
}

/// Seals the tree and compares it with the work tree. Conflicts are reported.
///
/// # Errors
/// When something cannot be sealed, or the work tree holds conflicts.
pub fn compare(
    world: &mut World<'_>,
    tree: Tree<Checked>,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Compared, Aborted> {
    let compared = compare_quietly(world, tree, configuration, before, diags)?;
    crate::diff::findings::report(&compared.changes, &compared.existing, diags);
    diags.checkpoint()?;
    Ok(compared)
}

/// Seals the tree and compares it with the work tree. Conflicts are part of the result.
///
/// # Errors
/// When something cannot be sealed or compared at all.
pub fn compare_quietly(
    world: &mut World<'_>,
    tree: Tree<Checked>,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Compared, Aborted> {
    let existing = read_existing(world, &tree, before);
    let bases = before.bases.borrow();
    let committed = seal::Committed {
        existing: &existing,
        git: before.git.as_ref(),
        lock: &before.lock,
        bases: &bases,
        choices: &before.choices,
    };
    let tree = seal::seal(
        tree,
        &configuration.vault,
        &configuration.keys,
        &committed,
        world.entropy,
        diags,
    )?;
    let changes = changes(&tree, &existing, before, &before.choices, diags)?;
    Ok(Compared {
        tree,
        existing,
        changes,
    })
}

fn read_existing(world: &World<'_>, tree: &Tree<Checked>, before: &Before) -> Rc<Existing> {
    let existing = before.existing.get_or_init(|| {
        let rendered = tree.iter().map(|artifact| &artifact.path);
        Rc::new(Existing::read(
            &world.root,
            rendered.chain(before.lock.entries.keys()),
        ))
    });
    Rc::clone(existing)
}

fn changes(
    tree: &Tree<Sealed>,
    existing: &Existing,
    before: &Before,
    choices: &Choices,
    diags: &mut Diagnostics,
) -> Result<ChangeSet, Aborted> {
    match ChangeSet::compute(tree, existing, &before.lock, choices) {
        Ok(changes) => {
            let bases = before.bases.borrow();
            Ok(changes.with_bases(tree, merge::BASE_DIR, bases.stored()))
        }
        Err(findings) => {
            findings.into_iter().for_each(|finding| diags.push(finding));
            diags.checkpoint()?;
            unreachable!("the findings of a failed comparison are errors")
        }
    }
}

/// Returns the conflicts between the work tree and what would be written.
///
/// # Errors
/// When there is no tree to compare with.
pub fn conflicts(world: &mut World<'_>, diags: &mut Diagnostics) -> Result<Vec<Change>, Aborted> {
    let catalog = catalog(world, diags)?;
    let configuration = configuration(world, &catalog, diags)?;
    let plan = plan(&catalog, &configuration, diags)?;
    let before = before(world, diags)?;
    let tree = check(world, &catalog, &plan, &configuration, &before, diags)?;
    let compared = compare_quietly(world, tree, &configuration, &before, diags)?;
    Ok(compared.changes.conflicts().cloned().collect())
}

/// Finishes or takes back what an interrupted run left, and says so.
///
/// # Errors
/// When a file changed since, or the system refuses.
pub fn recover(world: &World<'_>, diags: &mut Diagnostics) -> Result<Option<String>, Aborted> {
    match write::recover(&world.root, &mut OsDisk) {
        Ok(Recovery::Nothing) => Ok(None),
        Ok(Recovery::Discarded) => Ok(Some("Discarded what an interrupted run had staged.".to_owned())),
        Ok(Recovery::Tidied) => Ok(Some(
            "Tidied up after an interrupted run, which had written all its files.".to_owned(),
        )),
        Ok(Recovery::Completed(files)) => Ok(Some(format!(
            "Finished an interrupted run: {} files.",
            files.len()
        ))),
        Ok(Recovery::Undone(files)) => Ok(Some(format!(
            "Took back an interrupted run: {} files are as before it.",
            files.len()
        ))),
        Err(findings) => {
            let mut aborted = None;
            for finding in findings {
                aborted = Some(diags.abort(finding));
            }
            aborted.map_or(Ok(None), Err)
        }
    }
}

/// Writes the changes, all or none.
///
/// # Errors
/// When the system refuses, or a file changed since it was read.
pub fn write(world: &World<'_>, compared: &Compared, diags: &mut Diagnostics) -> Result<Receipt, Aborted> {
    write::apply(&compared.changes, &compared.tree, &world.root, &mut OsDisk)
        .map_err(|finding| diags.abort(finding))
}
