//! From the files to a configuration: the library, `cluster.yaml`, what lies beside it, and the keys.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use sops::{Identities, Prompt, SopsError};

use super::other_key::other_key;
use super::{Run, World, in_clear, keys};
use crate::catalog::{Catalog, library};
use crate::config::{self, Cluster, ConfigDocument, Decrypted, Vault};
use crate::context;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::merge::{self, KeptVersion, TreeVersion};
use crate::plan::{self, PerApp, Plan};
use crate::raw;
use crate::render::TemplateValues;
use crate::seal::{self, SealKeys};
use crate::source::Span;
use crate::sys::SecretText;
use crate::sys::root::Root;
use crate::validate;
use crate::world::keyring::{self, Keyring, Own, Sources};
use crate::world::lock::{LOCK_FILE, Lock};
use crate::world::{Choices, Existing, side};

/// The secrets, and who can open them once they are sealed.
pub struct OpenedSecrets {
    /// The secrets.
    pub vault: Vault,
    /// Who can decrypt, and what we can decrypt.
    pub keys: SealKeys,
}

/// The configuration, understood.
pub struct Configuration {
    /// The typed values.
    pub cluster: Cluster,
    /// The secrets, and who can open them.
    pub secrets: Rc<OpenedSecrets>,
    /// What templates see.
    pub values: TemplateValues,
    /// Where each top-level key is written.
    pub places: BTreeMap<String, Span>,
    /// Chart versions in the work tree that are newer than the library's, by app.
    pub tree_versions: BTreeMap<String, TreeVersion>,
}

impl Configuration {
    /// Returns the version of Kubernetes that stays in the work tree in place of the configured one.
    pub(super) fn kept_kubernetes(
        &self,
        existing: &Existing,
        lock: &Lock,
        choices: &Choices,
    ) -> Option<String> {
        let configured = self.cluster.versions.kubernetes_version.as_str();
        merge::kept_kubernetes(existing, lock, choices, configured)
    }

    /// Returns the charts whose version in the work tree is newer than the library's.
    pub(super) fn kept_charts(&self, plan: &Plan) -> impl Iterator<Item = KeptVersion> {
        plan.enabled().filter_map(|planned| {
            let tree = self.tree_versions.get(&planned.app.id())?;
            let chart = planned.app.manifest.chart.as_ref();
            (planned.version() == Some(&tree.version)).then(|| KeptVersion {
                file: tree.file.clone(),
                place: tree.place.to_owned(),
                rendered: chart.map(|chart| chart.version.clone()).unwrap_or_default(),
                kept: tree.version.clone(),
            })
        })
    }
}

/// Loads the template library of the repository in `root`: the built-in one, overlaid by the repository's own.
///
/// # Errors
/// When a template cannot be read or a manifest is wrong.
pub(super) fn catalog(root: &Root, diags: &mut Diagnostics) -> Result<Catalog, Aborted> {
    let files = library::files(root, diags)?;
    Catalog::load(
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())),
        diags,
    )
}

/// Collects keys from every source (see [`keyring`]); `None` when there is none at all.
///
/// # Errors
/// When a source that is the repository's own, or that a variable names, cannot be read or holds no key.
pub fn identities(world: &World<'_>, diags: &mut Diagnostics) -> Result<Option<Keyring>, Aborted> {
    gather(&world.root, &world.sources, &world.prompt, diags)
}

fn gather(
    root: &Root,
    sources: &Sources,
    prompt: &Arc<dyn Prompt>,
    diags: &mut Diagnostics,
) -> Result<Option<Keyring>, Aborted> {
    let (keyring, findings) = keyring::gather(root, sources, prompt);
    findings.into_iter().for_each(|finding| diags.push(finding));
    diags.checkpoint()?;
    Ok((!keyring.all.is_empty()).then_some(keyring))
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

/// Decides which apps of the catalogue are on.
pub(super) fn planned(
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

/// The keys at hand, and what the repository says of its own.
struct Hand {
    found: Option<Keyring>,
    rules: keys::Rules,
    own: Option<Own>,
    /// What is wrong where none of them opens anything here.
    other_key: Option<Diagnostic>,
}

impl Hand {
    /// Opens a configuration file.
    fn decrypt(&self, text: &str) -> Result<Decrypted, Diagnostic> {
        let Some(found) = &self.found else {
            return Ok(Decrypted::NoIdentity);
        };
        match (
            sops::decrypt(text, &found.all, sops::MacCheck::Verify),
            &self.other_key,
        ) {
            // The keys in a person's home may have nothing to do with this repository.
            (Err(SopsError::NoIdentityMatches { .. }), _) if self.own.is_none() => Ok(Decrypted::NoIdentity),
            (Err(SopsError::NoIdentityMatches { .. }), Some(finding)) => Err(finding.clone()),
            (result, _) => result
                .map(Decrypted::Text)
                .map_err(|error| seal::finding(&error, "cluster.yaml")),
        }
    }

    /// Decides for whom the repository is sealed, and says what is wrong with that.
    fn keys(
        self,
        root: &Root,
        document: &ConfigDocument,
        cluster: &Cluster,
        diags: &mut Diagnostics,
    ) -> Result<SealKeys, Aborted> {
        let Self {
            found, rules, own, ..
        } = self;
        let configured = cluster.encryption.age_recipients.as_ref();
        let configured: Option<Vec<String>> =
            configured.map(|list| list.iter().map(ToString::to_string).collect());
        let by_hand = configured.is_some();
        let recipients = configured.unwrap_or_else(|| match &own {
            Some(own) => own.recipients.clone(),
            None => rules.all(),
        });
        if let Some(finding) = keys::locked_out(found.as_ref(), document, &recipients) {
            return Err(diags.abort(finding));
        }
        let findings = [
            keys::stale(root, document, &recipients),
            keys::left(&rules, &recipients),
        ];
        findings
            .into_iter()
            .flatten()
            .for_each(|finding| diags.push(finding));
        let may_have_left = by_hand || rules.all().iter().any(|name| !recipients.contains(name));
        let usable = |all: &Identities| own.is_some() || keys::names_one_of(&recipients, all);
        let hand = found.as_ref().map(Keyring::hand).unwrap_or_default();
        Ok(
            SealKeys::new(found.map(|found| found.all).filter(usable), recipients)
                .of_person(hand)
                .of_repository(own.as_ref(), &rules.own(), may_have_left),
        )
    }
}

impl Run<'_> {
    /// Collects the keys that are at hand.
    pub(super) fn identities(&self) -> Result<Option<Keyring>, Aborted> {
        gather(self.root, self.sources, self.prompt, &mut self.diags.borrow_mut())
    }

    /// Loads and validates `cluster.yaml` and the files beside it.
    pub(super) fn load(&self, catalog: &Catalog) -> Result<Configuration, Aborted> {
        let root = self.root;
        let hand = self.hand(catalog)?;
        let diags = &mut self.diags.borrow_mut();
        let vocabulary = catalog.vocabulary();
        let document = config::load(root, &vocabulary, &|text: &str| hand.decrypt(text), diags)?;
        // In CI the private files are absent: with an encrypted cluster.yaml, or recipients given by hand, their values
        // are unknown and what is sealed already stays.
        let keyless = hand.own.is_none() && (document.is_encrypted() || document.lists_recipients());
        let absent = if keyless {
            side::Absent::Expected
        } else if root.is_file(LOCK_FILE) && !hand.rules.all().is_empty() {
            // A tree that we sealed holds what the side files gave.
            side::Absent::Stays
        } else {
            side::Absent::Wrong
        };
        let files = side::SideFiles::read(root, absent, diags);
        let mut vault = Vault::new(&mut **self.entropy.borrow_mut());
        let reported = files.report(root, absent);
        let cluster = validate::validate(&document, &reported, &mut vault, diags);
        if hand.own.is_none() && !keyless {
            diags.push(keys::missing(root, hand.found.as_ref()));
        }
        if let Some(finding) = &hand.other_key {
            diags.push(finding.clone());
        }
        diags.checkpoint()?;
        let cluster = cluster?;
        side_secrets(files, hand.own.as_ref(), &mut vault);
        in_clear::forget_common(&mut vault, &document, diags);
        in_clear::document(&document, vault.known(), diags);
        in_clear::templates(catalog, vault.known(), diags);
        diags.checkpoint()?;
        let keys = hand.keys(root, &document, &cluster, diags)?;
        let tunnel_id = reported.tunnel_id.as_deref();
        let (recipients, own) = (keys.recipients(), keys.own_recipients());
        let values = context::values(&cluster, &vault, recipients, own, tunnel_id, &vocabulary);
        Ok(Configuration {
            cluster,
            secrets: Rc::new(OpenedSecrets { vault, keys }),
            values,
            places: document.key_spans(),
            tree_versions: merge::newer_charts(root, catalog),
        })
    }

    /// Collects the keys for the configuration of a catalogue whose keys fit together.
    fn hand(&self, catalog: &Catalog) -> Result<Hand, Aborted> {
        {
            let diags = &mut self.diags.borrow_mut();
            context::check_keys(catalog, diags);
            diags.checkpoint()?;
        }
        if raw::is_raw(self.root) {
            let message = format!("`{}` is not read: the catalogue is rendered", raw::SETTINGS);
            let hint = Diagnostic::note_level("raw/hint", message).in_file(raw::SETTINGS);
            self.push(hint.help("`--raw` renders the tree that it describes, in place of the catalogue"));
        }
        let found = self.identities()?;
        let rules = keys::Rules::read(self.root);
        let own = found
            .as_ref()
            .and_then(|found| keys::own(self.root, found, &rules));
        let with_own = found.as_ref().filter(|_| own.is_some());
        let other_key = with_own.and_then(|found| other_key(self.root, found, &rules));
        Ok(Hand {
            found,
            rules,
            own,
            other_key,
        })
    }
}

/// Puts the private files into the vault; those that are not here with an unknown value.
fn side_secrets(files: side::SideFiles, own: Option<&Own>, vault: &mut Vault) {
    vault.insert_computed("age_key", own.map(|own| key_lines(&own.text)));
    vault.insert_computed("push_token", files.push_token);
    vault.insert_computed("deploy_key", files.deploy_key.map(|key| key.text));
    vault.insert_computed("tunnel_token", files.tunnel.map(|tunnel| tunnel.token));
}
