//! The order of the stages, and nothing else: load → validate → plan → render → check → seal → diff → write.
//!
//! Every command is a prefix of it. `cli` picks how far to go and prints what comes out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::catalog::{APPS_ROOT, BUILT_IN, Catalog};
use crate::check::{self, Checked};
use crate::config::{self, Cluster, Decrypted, Vault};
use crate::context;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::{ChangeSet, Choices, Existing};
use crate::lock::{LOCK_FILE, Lock};
use crate::plan::{self, Plan};
use crate::render::{self, Foreign, Values};
use crate::seal::{self, Keys, Sealed};
use crate::side;
use crate::sops::Identities;
use crate::sys::disk::OsDisk;
use crate::sys::{Entropy, SecretText};
use crate::tree::{RepoPath, Tree};
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
}

/// The repository before the run.
pub struct Before {
    /// Which files are ours.
    pub lock: Lock,
    /// The git repository, if there is one.
    pub git: Option<Repository>,
    /// What people have added.
    pub foreign: Foreign,
}

/// The tree ready to be written, and what it is compared with.
pub struct Compared {
    /// The output.
    pub tree: Tree<Sealed>,
    /// The work tree.
    pub existing: Existing,
    /// What a write would do.
    pub changes: ChangeSet,
}

/// Returns the built-in library.
///
/// # Errors
/// Never for a released binary: a test loads it.
pub fn catalog(diags: &mut Diagnostics) -> Result<Catalog, Aborted> {
    Catalog::load(BUILT_IN, diags)
}

/// Loads and validates `cluster.yaml` and the files beside it.
///
/// # Errors
/// When something in them is wrong; all findings are reported.
pub fn configuration(world: &mut World<'_>, diags: &mut Diagnostics) -> Result<Configuration, Aborted> {
    let identities = identities(world, diags)?;
    let decrypt = |text: &str| match &identities {
        None => Ok(Decrypted::NoIdentity),
        Some(identities) => crate::sops::decrypt(text, identities, crate::sops::MacCheck::Verify)
            .map(Decrypted::Text)
            .map_err(|error| seal::finding(&error, "cluster.yaml")),
    };
    let document = config::load(&world.root, &decrypt, diags)?;
    let mut vault = Vault::new(world.entropy);
    let cluster = validate::validate(&document, &mut vault, diags);
    let configured = cluster.as_ref().ok().and_then(|cluster| cluster.encryption.age_recipients.as_ref());
    let keys = Keys::new(identities, configured.map(|list| list.iter().map(ToString::to_string).collect()));
    side_secrets(world, &keys, &document, &mut vault, diags);
    diags.checkpoint()?;
    let cluster = cluster?;
    let values = context::values(&cluster, &vault, keys.recipients());
    Ok(Configuration { cluster, vault, keys, values, encrypted: document.is_encrypted() })
}

/// Collects the identities of the environment and of `age.key`; `None` when there is no source at all.
pub fn identities(world: &World<'_>, diags: &mut Diagnostics) -> Result<Option<Identities>, Aborted> {
    let mut texts = Vec::new();
    let mut add = |found: Result<Option<SecretText>, Diagnostic>, name: &str, diags: &mut Diagnostics| match found {
        Ok(Some(text)) => texts.push((name.to_owned(), text)),
        Ok(None) => {}
        Err(finding) => diags.push(finding),
    };
    add(side::read(&world.root, side::AGE_KEY), side::AGE_KEY, diags);
    if let Some(path) = &world.age_key_file {
        let found = side::read_path(path, "SOPS_AGE_KEY_FILE").and_then(|text| match text {
            Some(text) => Ok(Some(text)),
            None => Err(Diagnostic::error(
                "side/missing",
                format!("`SOPS_AGE_KEY_FILE` names `{}`, which does not exist", path.display()),
            )),
        });
        add(found, "SOPS_AGE_KEY_FILE", diags);
    }
    if let Some(text) = &world.age_key {
        add(Ok(Some(text.clone())), "SOPS_AGE_KEY", diags);
    }
    let mut identities: Option<Identities> = None;
    for (name, text) in texts {
        match Identities::parse(text.expose()) {
            Ok(found) => match &mut identities {
                Some(all) => all.extend(found),
                None => identities = Some(found),
            },
            Err(error) => diags.push(seal::finding(&error, &name)),
        }
    }
    diags.checkpoint()?;
    Ok(identities)
}

/// Puts the age key and the push token into the vault.
fn side_secrets(
    world: &World<'_>,
    keys: &Keys,
    document: &config::Document,
    vault: &mut Vault,
    diags: &mut Diagnostics,
) {
    // In CI the private files are absent: with an encrypted cluster.yaml, or recipients given by hand, their values
    // are unknown and what is sealed already stays.
    let keyless = keys.identities().is_none() && (document.is_encrypted() || keys.has_explicit_recipients());
    let age_key = side::read(&world.root, side::AGE_KEY).ok().flatten();
    let age_key = age_key.or_else(|| world.age_key.clone());
    if age_key.is_none() && !keyless {
        diags.push(side::missing(side::AGE_KEY, "the key that seals and opens the secrets"));
    }
    vault.insert_computed("age_key", age_key.map(|text| key_lines(&text)));
    match side::read(&world.root, side::PUSH_TOKEN) {
        Ok(None) if !keyless => {
            diags.push(side::missing(side::PUSH_TOKEN, "the token of the webhook that tells Flux of a push"));
        }
        Ok(Some(token)) if token.expose().trim().is_empty() => diags.push(
            Diagnostic::error("side/empty", format!("`{}` is empty", side::PUSH_TOKEN))
                .in_file(side::PUSH_TOKEN)
                .help("delete it and run `clusterwright init`, which creates a new one"),
        ),
        Ok(token) => {
            let token = token.map(|token| SecretText::new(token.expose().trim().to_owned()));
            vault.insert_computed("push_token", token);
        }
        Err(finding) => diags.push(finding),
    }
}

/// Returns the private keys of an identity file without its comments.
fn key_lines(text: &SecretText) -> SecretText {
    let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
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
    plan::plan(catalog, &configuration.values.map, diags)
}

/// Reads the lock, the git repository and what people have added.
///
/// # Errors
/// When the lock or the repository cannot be read.
pub fn before(world: &World<'_>, diags: &mut Diagnostics) -> Result<Before, Aborted> {
    let lock = match std::fs::read_to_string(world.root.join(LOCK_FILE)) {
        Ok(text) => Lock::parse(&text, diags)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Lock::default(),
        Err(error) => return Err(diags.abort(Diagnostic::io("read", LOCK_FILE, &error))),
    };
    let git = Repository::discover(&world.root).map_err(|finding| diags.abort(finding))?;
    let foreign = foreign(world, &lock);
    Ok(Before { lock, git, foreign })
}

/// Finds `ks.yaml` and `kustomization.yaml` files below the apps folder that are not ours.
fn foreign(world: &World<'_>, lock: &Lock) -> Foreign {
    let mut foreign = Foreign::default();
    let ours = |path: &str| RepoPath::parse(path).is_ok_and(|path| lock.entries.contains_key(&path));
    for namespace in directories(&world.root.join(APPS_ROOT)) {
        let dir = format!("{APPS_ROOT}/{namespace}");
        let kustomization = format!("{dir}/kustomization.yaml");
        if world.root.join(&kustomization).is_file() && !ours(&kustomization) {
            foreign.namespaces.insert(namespace.clone());
        }
        for app in directories(&world.root.join(&dir)) {
            let ks = format!("{dir}/{app}/ks.yaml");
            if world.root.join(&ks).is_file() && !ours(&ks) {
                foreign.apps.entry(namespace.clone()).or_default().insert(app);
            }
        }
    }
    foreign
}

fn directories(path: &std::path::Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Renders and checks the tree.
///
/// # Errors
/// When a template or a rule finds something wrong.
pub fn check(
    catalog: &Catalog,
    plan: &Plan<'_>,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Tree<Checked>, Aborted> {
    let Configuration { values, vault, .. } = configuration;
    let tree = render::render(catalog, plan, values, vault, &before.foreign, diags)?;
    check::check(tree, &check::exceptions(catalog), diags)
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
    choices: &Choices,
    diags: &mut Diagnostics,
) -> Result<Compared, Aborted> {
    let compared = compare_quietly(world, tree, configuration, before, choices, diags)?;
    crate::diff::findings::report(&compared.changes).into_iter().for_each(|finding| diags.push(finding));
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
    choices: &Choices,
    diags: &mut Diagnostics,
) -> Result<Compared, Aborted> {
    let paths: BTreeSet<&RepoPath> =
        tree.iter().map(|artifact| &artifact.path).chain(before.lock.entries.keys()).collect();
    let existing = Existing::read(&world.root, paths);
    let committed = seal::Committed { existing: &existing, git: before.git.as_ref() };
    let tree = seal::seal(tree, &configuration.vault, &configuration.keys, &committed, world.entropy, diags)?;
    let changes = match ChangeSet::compute(&tree, &existing, &before.lock, choices) {
        Ok(changes) => changes,
        Err(findings) => {
            findings.into_iter().for_each(|finding| diags.push(finding));
            diags.checkpoint()?;
            unreachable!("the findings of a failed comparison are errors")
        }
    };
    Ok(Compared { tree, existing, changes })
}

/// Finishes or takes back what an interrupted run left, and says so.
///
/// # Errors
/// When a file changed since, or the system refuses.
pub fn recover(world: &World<'_>, diags: &mut Diagnostics) -> Result<Option<String>, Aborted> {
    match write::recover(&world.root, &mut OsDisk) {
        Ok(Recovery::Nothing) => Ok(None),
        Ok(Recovery::Discarded) => Ok(Some("Discarded what an interrupted run had staged.".to_owned())),
        Ok(Recovery::Completed(files)) => {
            Ok(Some(format!("Finished an interrupted run: {} files.", files.len())))
        }
        Ok(Recovery::Undone(files)) => {
            Ok(Some(format!("Took back an interrupted run: {} files are as before it.", files.len())))
        }
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
