//! Which apps are on and why, and the graph of their Kustomizations.
//!
//! Takes the [`Catalog`] and the values of the configuration, gives a [`Plan`] that is acyclic, sorted, and in which
//! every edge leads to a Kustomization that is on, with its namespace.

mod bootstrap;
mod graph;
mod per_app;
mod storage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::catalog::expr::look_up;
use crate::catalog::manifest::KustomizationSpec;
use crate::catalog::{App, Catalog};
use crate::diag::{Aborted, Diagnostic, Diagnostics};

pub use bootstrap::BootstrapRelease;
#[cfg(test)]
pub(crate) use per_app::DERIVED;
pub use per_app::{PerApp, PlacedChoice};
pub use storage::check_storage_class;

/// A config key with the value that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecidingKey {
    /// The key of `cluster.yaml`, or a derived name.
    pub key: String,
    /// Its value as JSON.
    pub value: Value,
}

impl std::fmt::Display for DecidingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            Value::String(text) => write!(f, "{}: {text}", self.key),
            Value::Null => write!(f, "{} is not set", self.key),
            other => write!(f, "{}: {other}", self.key),
        }
    }
}

/// What the plan says of one app.
#[derive(Debug)]
pub struct PlannedApp {
    /// The app.
    pub app: Arc<App>,
    /// Whether it is on.
    pub enabled: bool,
    /// What decided; empty for an app that is always on.
    pub reasons: Vec<DecidingKey>,
    /// What the configuration says about this app alone.
    pub choice: Option<PlacedChoice>,
    /// The chart version that the work tree has, if it is newer than the library's.
    pub in_tree: Option<String>,
}

impl PlannedApp {
    /// Returns the version of the app's chart: the chosen one, else a newer one of the work tree, else that of the
    /// manifest.
    pub fn version(&self) -> Option<&str> {
        let chart = self.app.manifest.chart.as_ref()?;
        let chosen = self
            .choice
            .as_ref()
            .and_then(|choice| choice.chosen.version.as_ref());
        let library = self.in_tree.as_deref().unwrap_or(&chart.version);
        Some(chosen.map_or(library, crate::model::ChartVersion::as_str))
    }
}

/// Name and namespace of a Kustomization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KustomizationId {
    /// The namespace the object lives in.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for KustomizationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name, self.namespace)
    }
}

/// A Kustomization that is on.
#[derive(Debug)]
pub struct PlannedKustomization {
    /// Name and namespace.
    pub id: KustomizationId,
    /// The app it belongs to.
    pub app: Arc<App>,
    /// Which of the app's it is, from 0.
    index: usize,
    /// What must be ready first, sorted.
    pub depends_on: Vec<KustomizationId>,
    /// Whether it applies the app's HelmRelease.
    pub owns_release: bool,
    /// Whether another Kustomization depends on it.
    pub is_target: bool,
    /// 0 for those that depend on nothing, else one more than the highest tier they depend on.
    pub tier: usize,
}

impl PlannedKustomization {
    /// Returns what the app's manifest says of it.
    pub fn spec(&self) -> &KustomizationSpec {
        &self.app.kustomizations[self.index]
    }
}

/// Apps and Kustomizations, decided and ordered.
#[derive(Debug, Default)]
pub struct Plan {
    /// All apps of the catalogue, sorted by namespace and name.
    pub apps: Vec<PlannedApp>,
    /// The Kustomizations that are on, sorted by tier, namespace and name.
    pub kustomizations: Vec<PlannedKustomization>,
    /// What is installed before Flux runs, in that order.
    pub bootstrap: Vec<BootstrapRelease>,
}

impl Plan {
    /// Returns the apps that are on.
    pub fn enabled(&self) -> impl Iterator<Item = &PlannedApp> {
        self.apps.iter().filter(|app| app.enabled)
    }

    /// Returns the names that enabled apps provide to templates.
    pub fn provided(&self) -> Map<String, Value> {
        self.enabled()
            .flat_map(|planned| planned.app.manifest.provides.values.clone())
            .collect()
    }

    /// Returns the chart version of each app, on or off, by its name with `_` for `-`.
    pub fn chart_versions(&self) -> Map<String, Value> {
        self.apps
            .iter()
            .filter_map(|planned| {
                let version = planned.version()?;
                Some((planned.app.name.replace('-', "_"), version.into()))
            })
            .collect()
    }

    /// Returns the namespaces of the apps that are on, sorted.
    pub fn namespaces(&self) -> BTreeSet<&str> {
        self.enabled()
            .map(|planned| planned.app.namespace.as_str())
            .collect()
    }

    /// Returns the Kustomizations of an app in the order of its manifest.
    pub fn kustomizations_of(&self, app: &App) -> Vec<&PlannedKustomization> {
        let mut found: Vec<_> = self
            .kustomizations
            .iter()
            .filter(|k| k.app.id() == app.id())
            .collect();
        found.sort_by_key(|k| k.index);
        found
    }

    /// Returns the namespace's file that an app shares with others of its namespace, the `HelmRepository`, if this app
    /// is the one that brings it: the first enabled one that uses it.
    pub fn brings_repository(&self, app: &App) -> bool {
        let repository = app
            .manifest
            .chart
            .as_ref()
            .and_then(|chart| chart.repository.as_ref());
        repository.is_some()
            && self
                .enabled()
                .filter(|p| p.app.namespace == app.namespace)
                .find(|p| p.app.manifest.chart.as_ref().and_then(|c| c.repository.as_ref()) == repository)
                .is_some_and(|p| p.app.name == app.name)
    }
}

/// Decides which apps are on and orders their Kustomizations.
///
/// `context` holds the keys of `cluster.yaml` with their defaults and the derived names, `per_app` the choices about
/// single apps, which can only switch an app off.
///
/// # Errors
/// For dependencies that lead nowhere, names or components claimed twice, and cycles; all are reported.
pub fn plan(
    catalog: &Catalog,
    context: &Map<String, Value>,
    per_app: &PerApp,
    diags: &mut Diagnostics,
) -> Result<Plan, Aborted> {
    let mut apps: Vec<PlannedApp> = catalog.apps.iter().map(|app| decide(app, context)).collect();
    for planned in &mut apps {
        planned.in_tree = per_app.in_tree(&planned.app);
        if let Some(choice) = per_app.about(&planned.app) {
            per_app::choose(planned, choice, context, diags);
        }
    }
    check_owners(&apps, diags);
    let names = Names::collect(&apps, diags);
    let mut kustomizations = Vec::new();
    for app in apps
        .iter()
        .filter(|planned| planned.enabled)
        .map(|planned| &planned.app)
    {
        for (index, spec) in app.kustomizations.iter().enumerate() {
            kustomizations.push(PlannedKustomization {
                id: KustomizationId {
                    namespace: app.namespace.clone(),
                    name: spec.name.clone(),
                },
                app: Arc::clone(app),
                index,
                depends_on: names.resolve(app, spec, diags),
                owns_release: index == 0 && app.manifest.chart.is_some(),
                is_target: false,
                tier: 0,
            });
        }
    }
    diags.checkpoint()?;
    graph::order(&mut kustomizations, diags)?;
    let bootstrap = bootstrap::releases(&apps, &kustomizations, diags)?;
    Ok(Plan {
        apps,
        kustomizations,
        bootstrap,
    })
}

fn decide(app: &Arc<App>, context: &Map<String, Value>) -> PlannedApp {
    let Some(when) = &app.when else {
        return PlannedApp {
            app: Arc::clone(app),
            enabled: true,
            reasons: Vec::new(),
            choice: None,
            in_tree: None,
        };
    };
    let reasons = when
        .deciding(context)
        .into_iter()
        .map(|key| DecidingKey {
            value: look_up(context, &key).clone(),
            key,
        })
        .collect();
    PlannedApp {
        app: Arc::clone(app),
        enabled: when.eval(context),
        reasons,
        choice: None,
        in_tree: None,
    }
}

fn manifest_error(code: &'static str, app: &App, message: String) -> Diagnostic {
    Diagnostic::error(code, message).in_file(format!("templates/{}", app.source))
}

/// A component such as Grafana has one owner.
fn check_owners(apps: &[PlannedApp], diags: &mut Diagnostics) {
    let mut owners: BTreeMap<&str, &App> = BTreeMap::new();
    for app in apps.iter().filter(|p| p.enabled).map(|p| &p.app) {
        for component in &app.manifest.owns {
            if let Some(first) = owners.insert(component, app) {
                let message = format!(
                    "`{component}` is owned by both `{}` and `{}`",
                    first.id(),
                    app.id()
                );
                diags.push(
                    manifest_error("plan/two-owners", app, message)
                        .help("switch one of the two apps off".to_owned()),
                );
            }
        }
    }
}

/// Who answers to a name of `depends_on`.
struct Names<'a> {
    /// Name or alias → the Kustomizations with that name.
    targets: BTreeMap<&'a str, Vec<Target<'a>>>,
}

/// A Kustomization that others can depend on.
struct Target<'a> {
    app: &'a App,
    /// Whether its app is on.
    on: bool,
    /// What it is.
    id: KustomizationId,
    /// The choice that switched it off.
    off_by: Option<PlacedChoice>,
}

impl<'a> Names<'a> {
    fn collect(apps: &'a [PlannedApp], diags: &mut Diagnostics) -> Self {
        let mut targets: BTreeMap<&str, Vec<Target>> = BTreeMap::new();
        for planned in apps {
            let app = &planned.app;
            let choice = planned.choice.as_ref();
            let target = |name: &str| Target {
                app,
                on: planned.enabled,
                id: KustomizationId {
                    namespace: app.namespace.clone(),
                    name: name.to_owned(),
                },
                off_by: choice.filter(|c| c.chosen.enabled == Some(false)).cloned(),
            };
            for spec in &app.kustomizations {
                targets.entry(&spec.name).or_default().push(target(&spec.name));
            }
            for alias in &app.manifest.provides.aliases {
                targets
                    .entry(alias)
                    .or_default()
                    .push(target(&app.kustomizations[0].name));
            }
        }
        for (name, found) in &targets {
            let on: Vec<&Target> = found.iter().filter(|target| target.on).collect();
            if let [.., last] = on[..]
                && on.len() > 1
            {
                let ids: Vec<String> = on.iter().map(|target| target.id.to_string()).collect();
                let message = format!(
                    "`{name}` names several Kustomizations that are on: {}",
                    ids.join(", ")
                );
                diags.push(manifest_error("plan/name-taken", last.app, message).help(format!(
                    "give one another name, `kustomizations: [{{ name: {name}-{} }}]`, or switch one of the apps off",
                    last.id.namespace
                )));
            }
        }
        Self { targets }
    }

    fn resolve(&self, app: &App, spec: &KustomizationSpec, diags: &mut Diagnostics) -> Vec<KustomizationId> {
        let mut found = BTreeSet::new();
        for dependency in &spec.depends_on {
            let name = dependency.name();
            if let Some(targets) = self.targets.get(name) {
                let switched_off = targets.iter().find_map(|target| target.off_by.as_ref());
                match (targets.iter().find(|target| target.on), switched_off) {
                    (Some(target), _) => {
                        found.insert(target.id.clone());
                    }
                    (None, _) if dependency.is_optional() => {}
                    (None, Some(choice)) => diags.push(switched_off_below(app, spec, name, choice)),
                    (None, None) => {
                        let message = format!("`{}` depends on `{name}`, which is off", spec.name);
                        diags.push(manifest_error("plan/dependency-off", app, message).help(format!(
                            "switch `{name}` on, or mark the dependency `optional: true`"
                        )));
                    }
                }
            } else {
                let message = format!("`{}` depends on `{name}`, which no app has", spec.name);
                let near = closest(name, self.targets.keys().copied());
                let mut diagnostic = manifest_error("plan/missing-dependency", app, message);
                if let Some(near) = near {
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                }
                diags.push(diagnostic);
            }
        }
        found.into_iter().collect()
    }
}

/// A dependency that a choice switches off while what needs it stays on.
fn switched_off_below(app: &App, spec: &KustomizationSpec, name: &str, choice: &PlacedChoice) -> Diagnostic {
    let message = format!(
        "`{}` depends on `{name}`, which `{}: false` switches off",
        spec.name,
        choice.key("enabled")
    );
    Diagnostic::error("plan/dependency-off", message)
        .at_opt(choice.place("enabled"), format!("`{}` needs it", app.id()))
        .help(format!(
            "switch `{}` off as well, with its setting or `apps.{}.enabled: false`, or remove this line",
            app.id(),
            app.name
        ))
}

/// Returns the candidate that is most like `name`, if one is like it at all.
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diag::concise;

    fn run(files: &[(&str, &str)], context: Value) -> Result<String, String> {
        let mut diags = Diagnostics::default();
        let Value::Object(context) = context else {
            return Err("no object".to_owned());
        };
        let catalog =
            Catalog::load(files.iter().copied(), &mut diags).map_err(|_| concise::render(&diags))?;
        let plan =
            plan(&catalog, &context, &PerApp::default(), &mut diags).map_err(|_| concise::render(&diags))?;
        Ok(plan
            .kustomizations
            .iter()
            .map(|k| {
                let deps: Vec<_> = k.depends_on.iter().map(ToString::to_string).collect();
                format!("{} {} <- {}\n", k.tier, k.id, deps.join(", "))
            })
            .collect())
    }

    const FILES: &[(&str, &str)] = &[
        ("apps/net/cilium/app.yaml", "summary: cni\n"),
        (
            "apps/net/dns/app.yaml",
            "summary: dns\nkustomizations: [{name: dns, depends_on: [cilium]}]\n",
        ),
        (
            "apps/mon/vm/app.yaml",
            "summary: vm\nwhen: stack == 'vm'\nprovides: {aliases: [backend]}\nkustomizations: [{name: vm, depends_on: [dns]}]\n",
        ),
        (
            "apps/mon/prom/app.yaml",
            "summary: prom\nwhen: stack == 'prom'\nprovides: {aliases: [backend]}\n",
        ),
        (
            "apps/mon/loki/app.yaml",
            "summary: loki\nwhen: loki\nkustomizations: [{name: loki, depends_on: [backend]}]\n",
        ),
        (
            "apps/mon/tempo/app.yaml",
            "summary: tempo\nwhen: tempo\nkustomizations: [{name: tempo, depends_on: [backend, {name: loki, optional: true}]}]\n",
        ),
    ];

    #[test]
    fn edges_follow_aliases_and_optional_ones_are_dropped() {
        insta::assert_snapshot!(
            run(FILES, json!({"stack": "vm", "tempo": true, "loki": false})).expect("plans")
        );
        insta::assert_snapshot!(
            run(FILES, json!({"stack": "prom", "tempo": true, "loki": true})).expect("plans")
        );
    }

    #[test]
    fn a_required_target_that_is_off_is_an_error() {
        insta::assert_snapshot!(run(FILES, json!({"stack": "none", "loki": true})).expect_err("no backend"));
    }

    #[test]
    fn unknown_targets_get_a_suggestion_and_cycles_print_their_path() {
        let files = [
            (
                "apps/n/a/app.yaml",
                "summary: a\nkustomizations: [{name: alpha, depends_on: [gama]}]\n",
            ),
            (
                "apps/n/c/app.yaml",
                "summary: c\nkustomizations: [{name: gamma}]\n",
            ),
        ];
        insta::assert_snapshot!(run(&files, json!({})).expect_err("unknown"));
        let files = [
            (
                "apps/n/a/app.yaml",
                "summary: a\nkustomizations: [{name: a, depends_on: [b]}]\n",
            ),
            (
                "apps/n/b/app.yaml",
                "summary: b\nkustomizations: [{name: b, depends_on: [c]}]\n",
            ),
            (
                "apps/n/c/app.yaml",
                "summary: c\nkustomizations: [{name: c, depends_on: [b]}]\n",
            ),
        ];
        insta::assert_snapshot!(run(&files, json!({})).expect_err("cycle"));
    }

    #[test]
    fn one_component_has_one_owner_and_one_name_one_kustomization() {
        let files = [
            (
                "apps/n/a/app.yaml",
                "summary: a\nowns: [grafana]\nkustomizations: [{name: x}]\n",
            ),
            (
                "apps/n/b/app.yaml",
                "summary: b\nowns: [grafana]\nkustomizations: [{name: x}]\n",
            ),
        ];
        insta::assert_snapshot!(run(&files, json!({})).expect_err("twice"));
    }
}
