//! The plan and the values become files. Pure: same input, same bytes.
//!
//! Secrets stand in the output as tokens of the [`Vault`]; [`crate::seal`] replaces them. A token outside of a SOPS
//! file, or one that a filter has touched, is an error.

mod bounded;
mod engine;
mod fault;
mod generated;
mod jinja;
pub mod names;
mod per_app;
mod resources;
mod secrets;
mod stage;
mod whitespace;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::{self, App, Catalog, Language, TemplateFile, manifest};
use crate::config::Vault;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::plan::{Plan, PlannedApp, closest};
use crate::tree::{APPS_ROOT, Artifact, Origin, REPO_ORIGIN, RepoPath, Tree};
use crate::world::Added;
use crate::world::lock::Sha256;
pub use resources::{Component, resources};
pub use stage::{Documents, Rendered, of_files};

use engine::{Scope, TeraEngine};
use jinja::Jinja;
use names::Shape;

/// Where the user's repository has its copy of the schema, which the modeline of `cluster.yaml` names.
pub const SCHEMA_COPY: &str = ".clusterwright/cluster.schema.json";

/// Where the repository has its copy of the schema of `app.yaml`, once it has an app of its own.
pub const APP_SCHEMA_COPY: &str = ".clusterwright/app.schema.json";

/// What templates see, beside the app itself.
#[derive(Debug, Clone)]
pub struct TemplateValues {
    /// Keys of `cluster.yaml`, derived names, `secrets`; secret values are tokens.
    pub map: Map<String, Value>,
    /// The shape of all that can be there.
    pub shape: BTreeMap<String, Shape>,
    /// The text of the schema's copy.
    pub schema: String,
}

/// Renders every file of the plan.
///
/// # Errors
/// When a template is wrong, writes what is not YAML, or puts a secret where it does not belong; all are reported.
pub fn render(
    catalog: &Catalog,
    plan: &Plan,
    values: &TemplateValues,
    vault: &Vault,
    added: &Added,
    diags: &mut Diagnostics,
) -> Result<Tree<Rendered>, Aborted> {
    let mut shape = values.shape.clone();
    let app_shape = ["name", "namespace", "release", "version"].map(|k| (k.to_owned(), Shape::Scalar));
    shape.insert("app".to_owned(), Shape::Object(app_shape.into()));
    let provided = catalog
        .apps
        .iter()
        .flat_map(|app| app.manifest.provides.values.keys());
    shape.extend(provided.map(|name| (name.clone(), Shape::Scalar)));
    let mut map = values.map.clone();
    map.extend(plan.provided());
    let versions = Value::Object(plan.chart_versions());
    shape.insert("chart_versions".to_owned(), Shape::of(&versions));
    map.insert("chart_versions".to_owned(), versions);
    shape.insert("bootstrap_releases".to_owned(), bootstrap_shape());
    map.insert("bootstrap_releases".to_owned(), json!(plan.bootstrap));
    check_conditions(catalog, &shape, diags);
    let files: Vec<&TemplateFile> = catalog.files().collect();
    let jinja = Jinja::load(&files, &map, &vault.respell(&map), &shape, diags);
    let engine = TeraEngine::load(files.into_iter(), &shape, diags)?;
    let mut renderer = Renderer {
        engine,
        jinja: jinja?,
        scope: Scope::new(&map),
        respelt: Scope::new(&vault.respell(&map)),
        vault,
        artifacts: BTreeMap::new(),
        documents: Documents::new(),
        own: BTreeSet::new(),
    };
    for planned in plan.enabled() {
        renderer.app(plan, planned, diags);
    }
    renderer.namespaces(catalog, plan, added, diags);
    renderer.generated(SCHEMA_COPY, values.schema.clone(), &repo_origin(), diags);
    if catalog.apps.iter().any(|app| app.is_own()) {
        let text = manifest::schema_text();
        renderer.generated(APP_SCHEMA_COPY, text, &repo_origin(), diags);
    }
    for file in &catalog.repo {
        renderer.file(file, &repo_origin(), diags);
    }
    diags.checkpoint()?;
    let theirs = renderer.include(plan, added);
    let marker = Rendered::new(renderer.documents, theirs).with_own(renderer.own);
    Ok(Tree::new(renderer.artifacts.into_values(), marker))
}

/// The shape of the list of [`crate::plan::BootstrapRelease`], also when it is empty.
fn bootstrap_shape() -> Shape {
    let fields = ["name", "app", "namespace", "release", "chart", "version"]
        .map(|field| (field.to_owned(), Shape::Scalar))
        .into_iter()
        .chain([("needs".to_owned(), Shape::List(Box::new(Shape::Scalar)))]);
    Shape::List(Box::new(Shape::Object(fields.collect())))
}

/// A name in `when` that does not exist would switch an app off in silence.
fn check_conditions(catalog: &Catalog, shape: &BTreeMap<String, Shape>, diags: &mut Diagnostics) {
    for app in &catalog.apps {
        let keys = app.when.iter().flat_map(|when| when.keys());
        for key in keys.filter(|key| !names::exists(key, shape)) {
            let mut finding =
                Diagnostic::error("template/unknown-name", format!("`when`: `{key}` does not exist"))
                    .in_file(format!("templates/{}", app.source));
            if let Some(span) = app.when_place {
                finding = finding.at(diags.sources.word(span, key), "read here");
            }
            let (name, candidates) = names::missing(key, shape);
            let last = name.rsplit('.').next().unwrap_or_default();
            let help = names::help(name, closest(last, candidates.iter().map(String::as_str)));
            diags.push(finding.help(help.unwrap_or_else(|| {
                "correct the name, or define the key below `schema:` in this file; `clusterwright schema` prints all keys"
                    .to_owned()
            })));
        }
    }
}

fn repo_origin() -> Origin {
    Origin {
        app: REPO_ORIGIN.to_owned(),
        template: None,
        reason: Vec::new(),
        fingerprint: None,
    }
}

struct Renderer<'a> {
    engine: TeraEngine,
    jinja: Jinja,
    scope: Scope,
    /// The same with the second spelling of every token.
    respelt: Scope,
    vault: &'a Vault,
    artifacts: BTreeMap<RepoPath, Artifact>,
    documents: Documents,
    own: BTreeSet<String>,
}

impl Renderer<'_> {
    fn app(&mut self, plan: &Plan, planned: &PlannedApp, diags: &mut Diagnostics) {
        let app = &planned.app;
        if app.is_own() {
            self.own.insert(app.source.clone());
        }
        let reason = planned.reasons.iter().map(ToString::to_string).collect();
        let origin = Origin {
            app: app.id(),
            template: None,
            reason,
            fingerprint: Some(app.fingerprint.clone()),
        };
        let version = planned.version().unwrap_or_default();
        let about = json!({"name": app.name, "namespace": app.namespace, "release": app.release(), "version": version});
        for scope in [&mut self.scope, &mut self.respelt] {
            scope.set("app", &about);
        }
        self.jinja.set_app(Some(&about));
        for file in &app.files {
            self.file(file, &origin, diags);
        }
        for scope in [&mut self.scope, &mut self.respelt] {
            scope.unset("app");
        }
        self.jinja.set_app(None);
        let dir = app.output_dir();
        if let Some(chart) = &app.manifest.chart
            && (chart.repository.is_none() || plan.brings_repository(app))
            && let Some((name, text)) = generated::chart_source(app, chart, version)
        {
            self.generated(
                &format!("{dir}/{}/{name}", app.chart_path()),
                text,
                &origin,
                diags,
            );
        }
        if let Some(choice) = &planned.choice {
            self.choose(app, choice, diags);
        }
        self.kustomizations(app, &dir, &origin, diags);
        let kustomizations = plan.kustomizations_of(app);
        self.generated(
            &format!("{dir}/ks.yaml"),
            generated::ks(&kustomizations),
            &origin,
            diags,
        );
    }

    /// Adds the `kustomization.yaml` of each folder that a Kustomization of the app applies.
    fn kustomizations(&mut self, app: &App, dir: &str, origin: &Origin, diags: &mut Diagnostics) {
        for spec in &app.kustomizations {
            let folder = format!("{dir}/{}", spec.path);
            let text = generated::kustomization(
                self.artifacts
                    .keys()
                    .filter(|path| path.parent() == folder && path.is_yaml())
                    .map(RepoPath::file_name)
                    .collect::<Vec<_>>()
                    .into_iter(),
            );
            self.generated(&format!("{folder}/kustomization.yaml"), text, origin, diags);
        }
    }

    /// Adds the documents of what people have added, so that rules see one tree; what we render ourselves wins.
    fn include(&mut self, plan: &Plan, added: &Added) -> BTreeMap<RepoPath, String> {
        let ours: BTreeSet<String> = plan
            .enabled()
            .map(|planned| format!("{}/", planned.app.output_dir()))
            .collect();
        let theirs = |path: &RepoPath| {
            !self.artifacts.contains_key(path) && !ours.iter().any(|dir| path.as_str().starts_with(dir))
        };
        let theirs: Vec<_> = added.files.iter().filter(|(path, _)| theirs(path)).collect();
        for (path, file) in &theirs {
            if path.is_yaml() {
                self.documents
                    .insert((*path).clone(), Arc::new(file.documents.clone()));
            }
        }
        let texts = theirs
            .iter()
            .map(|(path, file)| ((*path).clone(), file.text.clone()));
        texts.collect()
    }

    fn namespaces(&mut self, catalog: &Catalog, plan: &Plan, added: &Added, diags: &mut Diagnostics) {
        let known = |namespace: &str| catalog.namespaces.contains_key(namespace);
        // A namespace of somebody else's that has a kustomization.yaml of its own keeps it.
        let wired = |namespace: &&str| known(namespace) || !added.namespaces.contains(*namespace);
        let mut wanted: BTreeSet<&str> = plan.namespaces();
        wanted.extend(added.apps.keys().map(String::as_str).filter(wired));
        for namespace in &wanted {
            let mut origin = repo_origin();
            origin.app = format!("{namespace}/namespace");
            let dir = generated::namespace_dir(namespace);
            let mut resources = Vec::new();
            for file in catalog.namespaces.get(*namespace).into_iter().flatten() {
                self.file(file, &origin, diags);
                if self.artifacts.contains_key(&file.output) {
                    resources.push(format!("./{}", file.output.file_name()));
                }
            }
            if !known(namespace) && added.apps.contains_key(*namespace) {
                let own: Vec<&RepoPath> = added.namespace_files(namespace).collect();
                resources.extend(own.iter().map(|path| format!("./{}", path.file_name())));
                if own.is_empty() {
                    let text = generated::namespace(namespace);
                    self.generated(&format!("{dir}/namespace.yaml"), text, &origin, diags);
                    resources.push("./namespace.yaml".to_owned());
                }
            }
            let ours = plan
                .enabled()
                .filter(|p| p.app.namespace == *namespace)
                .map(|p| p.app.name.as_str());
            let theirs = added
                .apps
                .get(*namespace)
                .into_iter()
                .flatten()
                .map(String::as_str);
            let apps: BTreeSet<&str> = ours.chain(theirs).collect();
            resources.extend(apps.into_iter().map(|app| format!("./{app}/ks.yaml")));
            let text = generated::namespace_kustomization(namespace, &resources);
            self.generated(&format!("{dir}/kustomization.yaml"), text, &origin, diags);
        }
        let all: BTreeSet<&str> = wanted
            .into_iter()
            .chain(added.namespaces.iter().map(String::as_str))
            .collect();
        let text = generated::kustomization(all.into_iter());
        self.generated(
            &format!("{APPS_ROOT}/kustomization.yaml"),
            text,
            &repo_origin(),
            diags,
        );
    }

    /// Renders or copies a file of the library. Nothing but white space means no file.
    fn file(&mut self, file: &TemplateFile, origin: &Origin, diags: &mut Diagnostics) {
        let text = match file.language {
            Language::Plain => file.text.clone(),
            Language::Tera => {
                let Some(text) = self.engine.render(file, &self.scope, diags) else {
                    return;
                };
                if self.engine.reads(file, |name| self.vault.is_secret_name(name)) {
                    let again = self.engine.render(file, &self.respelt, diags);
                    secrets::check_untouched(file, &text, again.as_deref(), self.vault, diags);
                }
                text
            }
            Language::Jinja => {
                let Some((text, again)) = self.jinja.render(file, diags) else {
                    return;
                };
                // One that fails with other tokens has looked at one.
                let again = again.unwrap_or_default();
                secrets::check_untouched(file, &text, Some(&again), self.vault, diags);
                text
            }
        };
        if text.trim().is_empty() {
            return;
        }
        if !file.output.is_sops() {
            secrets::check_absent(file, &text, self.vault, diags);
        }
        if !catalog::is_built_in(&file.source, &file.text) {
            self.own.insert(file.source.clone());
        }
        let origin = Origin {
            template: Some(file.source.clone()),
            fingerprint: Some(Sha256::of(self.engine.whole(file).as_bytes()).short()),
            ..origin.clone()
        };
        self.add(file.output.clone(), text, origin, diags);
    }

    /// Adds a generated file, unless the app brings its own.
    fn generated(&mut self, path: &str, text: String, origin: &Origin, diags: &mut Diagnostics) {
        match RepoPath::parse(path) {
            Ok(path) if self.artifacts.contains_key(&path) => {}
            Ok(path) => self.add(path, text, origin.clone(), diags),
            Err(error) => diags.push(
                Diagnostic::error(
                    "template/bad-path",
                    format!("the output path is not usable: {error}"),
                )
                .in_file(path),
            ),
        }
    }

    fn add(&mut self, path: RepoPath, text: String, origin: Origin, diags: &mut Diagnostics) {
        if path.is_yaml() {
            match yaml::parse(&text) {
                Ok(documents) => {
                    self.documents.insert(path.clone(), Arc::new(documents));
                }
                Err(error) => {
                    let id = diags.sources.add(path.as_str(), text.clone());
                    let mut diagnostic = Diagnostic::error(
                        "template/not-yaml",
                        format!("the output is not YAML: {}", error.message),
                    )
                    .at(id.span(error.span), "");
                    if let Some(first) = error.first {
                        diagnostic = diagnostic.also(id.span(first), "first given here");
                    }
                    if let Some(template) = &origin.template {
                        diagnostic = diagnostic.note(format!("rendered from `templates/{template}`"));
                    }
                    diags.push(diagnostic);
                    return;
                }
            }
        }
        if let Some(other) = self.artifacts.get(&path) {
            let message = format!(
                "`{path}` is rendered twice, by `{}` and `{}`",
                other.origin.app, origin.app
            );
            diags.push(Diagnostic::error("template/same-output", message).in_file(path.as_str()));
            return;
        }
        self.artifacts
            .insert(path.clone(), Artifact::new(path, text, origin));
    }
}
