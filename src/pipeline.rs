//! The order of the stages, and nothing else: load → validate → plan → render → merge → check → seal → diff → write.
//!
//! Every command is a prefix of it. `cli` picks how far to go and prints what comes out.

mod adopt;
mod disk;
mod flux;
mod in_clear;
mod keys;
mod secret_keys;
mod size;
mod undo;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use sops::{Identities, Prompt, SopsError};

pub use adopt::{pick, survey};
pub use disk::{recover, write};
pub use flux::{flux_of_library, needs_newer_flux, opens_post_quantum};
pub use keys::{has_own_key, own_recipients, sealed_already};
pub use secret_keys::{clear_configs, vocabulary, vocabulary_of_any};
pub use undo::{last_run, undo};

pub use crate::world::Before;

use crate::catalog::{Catalog, library};
use crate::check::{self, Checked};
use crate::config::{self, Cluster, Decrypted, Vault};
use crate::context;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::diff::ChangeSet;
use crate::merge::{self, KeptVersion, TreeVersion};
use crate::plan::{self, PerApp, Plan};
use crate::raw;
use crate::render::{self, Rendered, Values};
use crate::seal::{self, Keys, Sealed};
use crate::source::Span;
use crate::sys::root::Root;
use crate::sys::{Entropy, SecretText};
use crate::tree::{Tree, bare_repository};
use crate::validate;
use crate::world::keyring::{self, Keyring, Own, Sources};
use crate::world::lock::{self, LOCK_FILE};
use crate::world::{BASE_DIR, Choices, Existing, side};

/// Where a run works, and what it gets from outside.
pub struct World<'a> {
    /// The directory with `cluster.yaml`, and the way to everything below it.
    pub root: Root,
    /// Where private keys are looked for.
    pub sources: Sources,
    /// Who is asked for what a key needs, such as its passphrase.
    pub prompt: Arc<dyn Prompt>,
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
    /// Where each top-level key is written.
    pub places: BTreeMap<String, Span>,
    /// Chart versions in the work tree that are newer than the library's, by app.
    pub tree_versions: BTreeMap<String, TreeVersion>,
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
pub fn catalog_of(root: &Root, diags: &mut Diagnostics) -> Result<Catalog, Aborted> {
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
    if raw::is_raw(&world.root) {
        let message = format!("`{}` is not read: the catalogue is rendered", raw::SETTINGS);
        let hint = Diagnostic::note_level("raw/hint", message).in_file(raw::SETTINGS);
        diags.push(hint.help("`--raw` renders the tree that it describes, in place of the catalogue"));
    }
    let found = identities(world, diags)?;
    let rules = keys::Rules::read(&world.root);
    let own = found
        .as_ref()
        .and_then(|found| keys::own(&world.root, found, &rules));
    let decrypt = |text: &str| match &found {
        None => Ok(Decrypted::NoIdentity),
        Some(found) => match sops::decrypt(text, &found.all, sops::MacCheck::Verify) {
            // The keys in a person's home may have nothing to do with this repository.
            Err(SopsError::NoIdentityMatches { .. }) if own.is_none() => Ok(Decrypted::NoIdentity),
            result => result
                .map(Decrypted::Text)
                .map_err(|error| seal::finding(&error, "cluster.yaml")),
        },
    };
    let document = config::load(&world.root, &vocabulary, &decrypt, diags)?;
    // In CI the private files are absent: with an encrypted cluster.yaml, or recipients given by hand, their values
    // are unknown and what is sealed already stays.
    let keyless = own.is_none() && (document.is_encrypted() || document.lists_recipients());
    let absent = if keyless {
        side::Absent::Expected
    } else if world.root.is_file(LOCK_FILE) && !rules.all().is_empty() {
        // A tree that we sealed holds what the side files gave.
        side::Absent::Stays
    } else {
        side::Absent::Wrong
    };
    let files = side::Files::read(&world.root, absent, diags);
    let mut vault = Vault::new(world.entropy);
    let reported = files.report(&world.root, absent);
    let cluster = validate::validate(&document, &reported, &mut vault, diags);
    if own.is_none() && !keyless {
        diags.push(keys::missing(&world.root, found.as_ref()));
    }
    diags.checkpoint()?;
    let cluster = cluster?;
    side_secrets(files, own.as_ref(), &mut vault);
    in_clear::forget_common(&mut vault, &document, diags);
    in_clear::document(&document, vault.known(), diags);
    in_clear::templates(catalog, vault.known(), diags);
    diags.checkpoint()?;
    let configured = cluster.encryption.age_recipients.as_ref();
    let configured: Option<Vec<String>> =
        configured.map(|list| list.iter().map(ToString::to_string).collect());
    let recipients = configured.unwrap_or_else(|| match &own {
        Some(own) => own.recipients.clone(),
        None => rules.all(),
    });
    if let Some(finding) = keys::locked_out(found.as_ref(), &document, &recipients) {
        return Err(diags.abort(finding));
    }
    if let Some(finding) = keys::stale(&world.root, &document, &recipients) {
        diags.push(finding);
    }
    if let Some(finding) = keys::left(&rules, &recipients) {
        diags.push(finding);
    }
    let by_hand = cluster.encryption.age_recipients.is_some();
    let may_have_left = by_hand || rules.all().iter().any(|name| !recipients.contains(name));
    let usable = |all: &Identities| own.is_some() || keys::names_one_of(&recipients, all);
    let hand = found.as_ref().map(Keyring::hand).unwrap_or_default();
    let keys = Keys::new(found.map(|found| found.all).filter(usable), recipients)
        .of_person(hand)
        .of_repository(own.as_ref(), &rules.own(), may_have_left);
    let tunnel_id = reported.tunnel_id.as_deref();
    let recipients = (keys.recipients(), keys.own_recipients());
    let values = context::values(&cluster, &vault, recipients, tunnel_id, &vocabulary);
    Ok(Configuration {
        cluster,
        vault,
        keys,
        values,
        places: document.key_spans(),
        tree_versions: merge::newer_charts(&world.root, catalog),
    })
}

/// Collects keys from every source (see [`keyring`]); `None` when there is none at all.
///
/// # Errors
/// When a source that is the repository's own, or that a variable names, cannot be read or holds no key.
pub fn identities(world: &World<'_>, diags: &mut Diagnostics) -> Result<Option<Keyring>, Aborted> {
    let (keyring, findings) = keyring::gather(&world.root, &world.sources, &world.prompt);
    findings.into_iter().for_each(|finding| diags.push(finding));
    diags.checkpoint()?;
    Ok((!keyring.all.is_empty()).then_some(keyring))
}

/// Puts the private files into the vault; those that are not here with an unknown value.
fn side_secrets(files: side::Files, own: Option<&Own>, vault: &mut Vault) {
    vault.insert_computed("age_key", own.map(|own| key_lines(&own.text)));
    vault.insert_computed("push_token", files.push_token);
    vault.insert_computed("deploy_key", files.deploy_key.map(|key| key.text));
    vault.insert_computed("tunnel_token", files.tunnel.map(|tunnel| tunnel.token));
}

/// Returns the private keys of an identity file without its comments.
pub fn key_lines(text: &SecretText) -> SecretText {
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
pub fn plan(
    catalog: &Catalog,
    configuration: &Configuration,
    diags: &mut Diagnostics,
) -> Result<Plan, Aborted> {
    let chosen = &configuration.cluster.apps.apps;
    let in_tree = configuration.tree_versions.iter();
    let in_tree = in_tree.map(|(app, tree)| (app.clone(), tree.version.clone()));
    let per_app = PerApp::new(chosen, catalog, &configuration.places, in_tree.collect());
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
    Before::read(&world.root, diags)
}

/// Returns the versions in the work tree that are newer than those rendered.
///
/// # Errors
/// When a template is wrong, or an edited file is not YAML any more.
pub fn kept_versions(
    world: &World<'_>,
    catalog: &Catalog,
    plan: &Plan,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Vec<KeptVersion>, Aborted> {
    let (_, mut kept) = rendered(world, catalog, plan, configuration, before, diags)?;
    let charts = plan.enabled().filter_map(|planned| {
        let tree = configuration.tree_versions.get(&planned.app.id())?;
        (planned.version() == Some(&tree.version)).then(|| KeptVersion {
            file: tree.file.clone(),
            place: tree.place.to_owned(),
            rendered: planned
                .app
                .manifest
                .chart
                .as_ref()
                .map(|chart| chart.version.clone())
                .unwrap_or_default(),
            kept: tree.version.clone(),
        })
    });
    kept.extend(charts);
    kept.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(kept)
}

/// Renders the tree, merges what people changed in it, and checks the result.
///
/// # Errors
/// When a template or a rule finds something wrong.
pub fn check(
    world: &World<'_>,
    catalog: &Catalog,
    plan: &Plan,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Tree<Checked>, Aborted> {
    let (tree, _) = rendered(world, catalog, plan, configuration, before, diags)?;
    let existing = read_existing(world, &tree, before);
    check::pool_change::report(&tree, |path| existing.bytes(path), diags);
    diags.checkpoint()?;
    check::check(tree, &check::allow::exceptions(catalog), diags)
}

/// Renders the catalogue's tree and merges what people changed in it.
fn rendered(
    world: &World<'_>,
    catalog: &Catalog,
    plan: &Plan,
    configuration: &Configuration,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<(Tree<Rendered>, Vec<KeptVersion>), Aborted> {
    let Configuration { values, vault, .. } = configuration;
    before.added.report(diags);
    diags.checkpoint()?;
    let mut values = values.clone();
    let standing = {
        let mut bases = before.bases_mut();
        merge::standing(&world.root, &before.lock, (&mut bases, before.git.as_ref()))
    };
    let standing = standing.map_err(|finding| diags.abort(finding))?;
    let taken_back = &before.choices.overwrite;
    merge::carry(
        &standing,
        taken_back,
        &configuration.cluster,
        &mut values.map,
        diags,
    );
    let mut tree = render::render(catalog, plan, &values, vault, &before.added, diags)?;
    let existing = read_existing(world, &tree, before);
    let versions = &configuration.cluster.versions;
    let kubernetes = versions.kubernetes_version.as_str();
    let kept = merge::kept_kubernetes(&existing, &before.lock, &before.choices, kubernetes);
    if let Some(values) = kept.and_then(|version| context::for_kubernetes(&values, &version)) {
        tree = render::render(catalog, plan, &values, vault, &before.added, diags)?;
    }
    let pins = plan.enabled().filter(|planned| {
        let choice = planned.choice.as_ref();
        choice.is_some_and(|choice| choice.chosen.version.is_some())
    });
    let pinned = pins.map(|planned| planned.app.id()).collect();
    let (tree, kept) = merged(world, (tree, vault), &pinned, before, diags)?;
    flux::check(&tree, configuration, diags);
    diags.checkpoint()?;
    Ok((tree, kept))
}

/// What a run in raw mode knows beside its tree.
pub struct RawRun {
    /// The secrets.
    pub vault: Vault,
    /// Who can decrypt, and what we can decrypt.
    pub keys: Keys,
}

/// Renders the repository's own Jinja2 tree, merges what people changed in its output, and checks the result.
///
/// # Errors
/// When a template, its data or a rule finds something wrong.
pub fn raw(
    world: &mut World<'_>,
    request: &raw::Request,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<(Tree<Checked>, RawRun), Aborted> {
    let found = identities(world, diags)?;
    let mut vault = Vault::new(world.entropy);
    let rules = keys::Rules::read(&world.root);
    let own = found
        .as_ref()
        .and_then(|found| keys::own(&world.root, found, &rules));
    let keys = found.as_ref().map(|found| raw::Found {
        identities: &found.all,
        text: own.as_ref().map(|own| &own.text),
    });
    let vocabulary = vocabulary_of_any(&world.root);
    let tree = raw::render(&world.root, request, (keys, &vocabulary), &mut vault, diags)?;
    let (tree, _) = merged(world, (tree, &vault), &BTreeSet::new(), before, diags)?;
    let tree = check::check_raw(tree, diags)?;
    let hand = found.as_ref().map(Keyring::hand).unwrap_or_default();
    let recipients = own.as_ref().map(|own| own.recipients.clone()).unwrap_or_default();
    let keys = Keys::new(found.map(|found| found.all), recipients)
        .of_person(hand)
        .of_repository(own.as_ref(), &rules.own(), true);
    Ok((tree, RawRun { vault, keys }))
}

/// Merges into a tree what people changed in its output, and looks for secrets in what comes out.
fn merged(
    world: &World<'_>,
    (tree, vault): (Tree<Rendered>, &Vault),
    pinned: &BTreeSet<String>,
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<(Tree<Rendered>, Vec<KeptVersion>), Aborted> {
    if let Some(dir) = bare_repository(tree.iter().map(|artifact| &artifact.path)) {
        let shown = if dir.is_empty() { "." } else { dir.as_str() };
        let message = format!("the output would make `{shown}` a git repository");
        return Err(diags.abort(
            Diagnostic::error("path/git-repository", message)
                .in_file(shown)
                .note("git takes a folder with `HEAD`, `objects` and `refs` for one, and runs what its `config` says")
                .help("rename one of the three"),
        ));
    }
    size::check(&tree, diags);
    diags.checkpoint()?;
    let existing = read_existing(world, &tree, before);
    let git = before.git.as_ref();
    let bases = (&mut *before.bases_mut(), git);
    let choices = (&before.choices, pinned);
    let (tree, kept) = merge::merge(tree, &existing, &before.lock, bases, choices, diags)?;
    in_clear::tree(&tree, vault.known(), diags);
    diags.checkpoint()?;
    Ok((tree, kept))
}

/// Seals the tree and compares it with the work tree. Conflicts are reported.
///
/// # Errors
/// When something cannot be sealed, or the work tree holds conflicts.
pub fn compare(
    world: &mut World<'_>,
    tree: Tree<Checked>,
    (vault, keys): (&Vault, &Keys),
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Compared, Aborted> {
    let compared = compare_quietly(world, tree, (vault, keys), before, diags)?;
    crate::diff::findings::report(&compared.changes, &compared.existing, diags);
    if !compared.changes.doubts().is_empty() {
        lock::not_ours(before.lock_text(), compared.changes.doubts(), diags);
    }
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
    (vault, keys): (&Vault, &Keys),
    before: &Before,
    diags: &mut Diagnostics,
) -> Result<Compared, Aborted> {
    let existing = read_existing(world, &tree, before);
    let bases = before.bases();
    let committed = seal::Committed {
        existing: &existing,
        git: before.git.as_ref(),
        lock: &before.lock,
        bases: &bases,
        choices: &before.choices,
    };
    let tree = seal::seal(&tree, vault, keys, &committed, world.entropy, diags)?;
    size::check(&tree, diags);
    diags.checkpoint()?;
    let changes = changes(&tree, &existing, before, &before.choices, diags)?;
    in_clear::kept(&tree, &existing, &changes, vault.known(), diags);
    diags.checkpoint()?;
    Ok(Compared {
        tree,
        existing,
        changes,
    })
}

/// Reads the work tree once: at every rendered path, every path of the lock, and the rules of SOPS.
fn read_existing<S>(world: &World<'_>, tree: &Tree<S>, before: &Before) -> Rc<Existing> {
    let rules = seal::config_path();
    before.existing(
        &world.root,
        tree.iter().map(|artifact| &artifact.path).chain(&rules),
    )
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
            let bases = before.bases();
            Ok(changes
                .with_raised(existing, |path, hash| bases.get(path, hash))
                .with_bases(tree, BASE_DIR, bases.stored()))
        }
        Err(findings) => Err(diags.abort_all(findings)),
    }
}
