//! The template library: which apps there are, from which files.
//!
//! [`Catalog::load`] reads manifests and file names and resolves nothing; that is [`crate::plan`]'s work.

pub mod expr;
mod judge;
pub mod keys;
pub mod library;
pub mod manifest;
pub mod scaffold;

use crate::tree::APPS_ROOT;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use crate::diag::{Aborted, Diagnostic, Diagnostics, Severity};
use crate::model::{HostLabel, LabelValue, TextValue as _};
use crate::source::Span;
use crate::tree::RepoPath;
use crate::world::lock::Sha256;

use expr::Expr;
use keys::OwnKey;
use manifest::{KustomizationSpec, Manifest};

/// The embedded library: (path below `templates/`, text), sorted by path.
pub const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// What becomes of a file of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// It is copied.
    Plain,
    /// `*.tera`: the library's own language.
    Tera,
    /// `*.j2`: Jinja2, as people bring it.
    Jinja,
}

impl Language {
    /// Returns the language of a file by its name, and its path without the suffix.
    pub fn of(path: &str) -> (Self, &str) {
        let suffixes = [(".tera", Self::Tera), (".j2", Self::Jinja)];
        let found = suffixes
            .into_iter()
            .find_map(|(suffix, language)| Some((language, path.strip_suffix(suffix)?)));
        found.unwrap_or((Self::Plain, path))
    }
}

/// The folder of what templates of several apps include.
const SHARED: &str = "shared";
/// Notes on an app, for whoever changes it; never rendered.
const README: &str = "README.md";

/// A file of the library.
#[derive(Debug, Clone)]
pub struct TemplateFile {
    /// Path below `templates/`.
    pub source: String,
    /// Where the result goes.
    pub output: RepoPath,
    /// The text.
    pub text: String,
    /// How it is rendered, if it is.
    pub language: Language,
}

/// An app of the library.
#[derive(Debug, Clone)]
pub struct App {
    /// Name of its folder.
    pub name: String,
    /// Namespace of its objects.
    pub namespace: String,
    /// Path of its `app.yaml` below `templates/`.
    pub source: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// When it is on; `None` means always.
    pub when: Option<Expr>,
    /// Where that is written; nothing for an app of the library.
    pub when_place: Option<Span>,
    /// Its Kustomizations, never empty.
    pub kustomizations: Vec<KustomizationSpec>,
    /// The keys of `cluster.yaml` that it brings.
    pub keys: Vec<OwnKey>,
    /// Its files.
    pub files: Vec<TemplateFile>,
    /// Tells this version of the manifest from another.
    pub fingerprint: String,
    /// Where the rules stand that its manifest allows to be broken; nothing for an app of the library.
    pub allowed: Vec<Span>,
}

impl App {
    /// Returns `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Returns the name of the HelmRelease and of the chart source.
    pub fn release(&self) -> &str {
        self.manifest.release.as_deref().unwrap_or(&self.name)
    }

    /// Returns whether the app is the user's own, and not built in.
    pub fn is_own(&self) -> bool {
        static SOURCES: OnceLock<HashSet<&str>> = OnceLock::new();
        let sources = SOURCES.get_or_init(|| BUILT_IN.iter().map(|(path, _)| *path).collect());
        !sources.contains(self.source.as_str())
    }

    /// Returns the folder of the app in the output.
    pub fn output_dir(&self) -> String {
        format!("{APPS_ROOT}/{}/{}", self.namespace, self.name)
    }

    /// Returns the folder that the HelmRelease lies in: the path of the first Kustomization.
    pub fn chart_path(&self) -> &str {
        &self.kustomizations[0].path
    }
}

/// The whole library.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Apps, sorted by namespace and name.
    pub apps: Vec<Arc<App>>,
    /// Files of namespaces (`namespace.yaml`), by namespace.
    pub namespaces: BTreeMap<String, Vec<TemplateFile>>,
    /// Files that belong to no app.
    pub repo: Vec<TemplateFile>,
    /// Parts that other templates include, which give no file by themselves.
    pub partials: Vec<TemplateFile>,
}

impl Catalog {
    /// Sorts the files of a library into apps and reads the manifests.
    ///
    /// # Errors
    /// When a manifest is wrong or a file has no place; all findings are reported.
    pub fn load<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f str)>,
        diags: &mut Diagnostics,
    ) -> Result<Self, Aborted> {
        let files: Vec<(&str, &str)> = files.into_iter().collect();
        let mut catalog = Self::default();
        for (path, text) in &files {
            if let ["apps", namespace, app, "app.yaml"] = *path.split('/').collect::<Vec<_>>() {
                let app = named(path, namespace, app, diags).then(|| read_app(path, text, diags));
                catalog.apps.extend(app.flatten().map(Arc::new));
            }
        }
        for (path, text) in &files {
            catalog.place(path, text, diags);
        }
        catalog
            .apps
            .sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        keys::check_unique(&catalog.apps, diags);
        diags.checkpoint()?;
        Ok(catalog)
    }

    /// Returns all files: those of apps, namespaces and the repository, and what they include.
    pub fn files(&self) -> impl Iterator<Item = &TemplateFile> {
        let files = self.apps.iter().flat_map(|app| &app.files);
        files
            .chain(self.namespaces.values().flatten())
            .chain(&self.repo)
            .chain(&self.partials)
    }

    fn place(&mut self, path: &str, text: &str, diags: &mut Diagnostics) {
        let parts: Vec<&str> = path.split('/').collect();
        if matches!(parts.first(), Some(&"apps" | &SHARED)) && parts.last() == Some(&README) {
            return;
        }
        let (language, output) = Language::of(path);
        let output = match parts.first() {
            Some(&"apps") => output.replacen("apps", APPS_ROOT, 1),
            _ => output.strip_prefix("repo/").unwrap_or(output).to_owned(),
        };
        let output = match RepoPath::parse(&output) {
            Ok(output) => output,
            Err(error) => {
                diags.push(
                    Diagnostic::error(
                        "template/bad-path",
                        format!("the output path is not usable: {error}"),
                    )
                    .in_file(format!("templates/{path}")),
                );
                return;
            }
        };
        let file = TemplateFile {
            source: path.to_owned(),
            output,
            text: text.to_owned(),
            language,
        };
        let is_partial =
            language != Language::Plain && parts.last().is_some_and(|name| name.starts_with('_'));
        match parts.as_slice() {
            ["apps" | "repo" | SHARED, _, ..] if is_partial => self.partials.push(file),
            [SHARED, .., name] => diags.push(
                Diagnostic::error(
                    "template/no-place",
                    "what lies in `shared/` is included by templates, and gives no file",
                )
                .in_file(format!("templates/{path}"))
                .help(format!(
                    "call it `_{name}`, with `.tera` or `.j2` at its end, or put it into an app's folder or `repo/`"
                )),
            ),
            ["repo", _, ..] => self.repo.push(file),
            ["apps", _, _, "app.yaml"] => {}
            ["apps", _, "app.yaml"] => diags.push(
                Diagnostic::error("template/no-place", "an app has a folder of its own in that of its namespace")
                    .in_file(format!("templates/{path}"))
                    .help("move it to `templates/apps/NAMESPACE/NAME/app.yaml`"),
            ),
            ["apps", namespace, _] => {
                self.namespaces
                    .entry((*namespace).to_owned())
                    .or_default()
                    .push(file);
            }
            ["apps", namespace, app, ..] => {
                match self
                    .apps
                    .iter_mut()
                    .find(|a| a.namespace == *namespace && a.name == *app)
                    .and_then(Arc::get_mut)
                {
                    Some(app) => app.files.push(file),
                    None if diags.has_errors() => {}
                    None => diags.push(
                        Diagnostic::error("template/no-manifest", "this folder has no `app.yaml`")
                            .in_file(format!("templates/{path}"))
                            .help(format!("add `templates/apps/{namespace}/{app}/app.yaml`")),
                    ),
                }
            }
            _ => diags.push(
                Diagnostic::error("template/no-place", "files lie in `apps/<namespace>/` or `repo/`")
                    .in_file(format!("templates/{path}")),
            ),
        }
    }
}

/// Returns the names of the apps of the built-in library, sorted.
pub fn built_in_apps() -> Vec<&'static str> {
    let mut names: Vec<_> = BUILT_IN
        .iter()
        .filter_map(|(path, _)| path.strip_suffix("/app.yaml")?.rsplit('/').next())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns whether a template is the built-in one, by its path below `templates/` and its text.
pub fn is_built_in(path: &str, text: &str) -> bool {
    let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == path);
    built_in.is_some_and(|(_, built_in)| text == *built_in)
}

/// Reports folders of an app that name neither a namespace nor an object. Names of letters, digits, `-`, `_` and `.` may
/// stand for others: a manifest names its Kustomizations.
fn named(path: &str, namespace: &str, app: &str, diags: &mut Diagnostics) -> bool {
    let wrong = [
        ("a namespace", namespace, HostLabel::parse(namespace).err()),
        ("an app", app, LabelValue::parse(app).err()),
    ];
    let mut is_fine = true;
    for (what, folder, invalid) in wrong {
        let Some(invalid) = invalid else { continue };
        is_fine = false;
        let message = format!("`{folder}` cannot be the name of {what}: it {}", invalid.reason);
        diags.push(
            Diagnostic::error("template/bad-path", message)
                .in_file(format!("templates/{path}"))
                .help("rename the folder"),
        );
    }
    is_fine
}

/// Reads one manifest, reporting what is wrong with it.
fn read_app(path: &str, text: &str, diags: &mut Diagnostics) -> Option<App> {
    let name = format!("templates/{path}");
    let bad = |message: &str| Diagnostic::error("template/bad-manifest", message).in_file(&name);
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => {
            let source = diags.sources.add(name, text);
            diags.push(judge::not_yaml(&error, source));
            return None;
        }
    };
    let Some(root) = documents.first() else {
        diags.push(bad("the manifest is empty").help("write `summary: ` with what the app does"));
        return None;
    };
    // Those of the library are judged by a test.
    let is_ours = BUILT_IN.contains(&(path, text));
    let source = (!is_ours).then(|| diags.sources.add(name.clone(), text));
    if let Some(source) = source {
        let findings = judge::judge(root, source);
        let is_wrong = findings.iter().any(|finding| finding.severity == Severity::Error);
        findings.into_iter().for_each(|finding| diags.push(finding));
        if is_wrong {
            return None;
        }
    }
    let manifest: Manifest = match serde_json::from_value(root.to_json()) {
        Ok(manifest) => manifest,
        Err(error) => {
            diags.push(bad(&error.to_string()));
            return None;
        }
    };
    let when = match manifest.when.as_deref().map(Expr::parse).transpose() {
        Ok(when) => when,
        Err(error) => {
            diags.push(bad(&format!("`when`: {}", error.message)));
            return None;
        }
    };
    let keys = if manifest.schema.is_empty() {
        Vec::new()
    } else {
        let source = source.unwrap_or_else(|| diags.sources.add(name, text));
        let place = |key: &str| {
            let entry = root.get("schema").and_then(|schema| schema.entry(key));
            source.span(entry.map_or(0..0, |(key, _)| key.span.clone()))
        };
        keys::own_keys(&manifest.schema, place, diags)
    };
    let when_place = source
        .zip(root.get("when"))
        .map(|(source, node)| source.span(node.span.clone()));
    let allows = root.get("allow").into_iter().flat_map(yaml::Node::items);
    let allowed = source.map(|source| {
        let rules = allows.filter_map(|allow| allow.get("rule"));
        rules.map(|rule| source.span(rule.span.clone())).collect()
    });
    let mut parts = path.split('/').skip(1);
    let (namespace, app) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut kustomizations = manifest.kustomizations.clone();
    if kustomizations.is_empty() {
        kustomizations
            .extend(serde_json::from_value::<KustomizationSpec>(serde_json::json!({"name": app})).ok());
    }
    Some(App {
        name: app,
        namespace,
        source: path.to_owned(),
        manifest,
        when,
        when_place,
        kustomizations,
        keys,
        files: Vec::new(),
        fingerprint: Sha256::of(text.as_bytes()).short(),
        allowed: allowed.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_library_loads() {
        let mut diags = Diagnostics::default();
        let loaded = Catalog::load(BUILT_IN.iter().copied(), &mut diags);
        assert!(loaded.is_ok(), "{}", crate::diag::concise::render(&diags));
    }

    #[test]
    fn parts_are_no_files_of_an_app() {
        let app = ("apps/ns/a/app.yaml", "summary: x\n");
        let mut diags = Diagnostics::default();
        let files = [
            app,
            ("apps/ns/a/app/x.yaml.tera", "a: 1"),
            ("apps/ns/a/app/_part.yaml.tera", "b: 1"),
            ("apps/ns/a/_part.yaml.j2", "b: 1"),
            ("apps/ns/a/app/_plain", "copied as it is"),
            ("repo/docs/_part.md.tera", "c"),
            ("shared/_part.yaml.tera", "d: 1"),
            ("shared/README.md", "notes"),
        ];
        let catalog = Catalog::load(files, &mut diags).expect("fine");
        let sources = |files: &[TemplateFile]| -> Vec<String> {
            files.iter().map(|file| file.source.clone()).collect()
        };
        assert_eq!(
            sources(&catalog.apps[0].files),
            ["apps/ns/a/app/x.yaml.tera", "apps/ns/a/app/_plain"]
        );
        assert_eq!(catalog.repo.len(), 0);
        assert_eq!(
            sources(&catalog.partials),
            [
                "apps/ns/a/app/_part.yaml.tera",
                "apps/ns/a/_part.yaml.j2",
                "repo/docs/_part.md.tera",
                "shared/_part.yaml.tera"
            ]
        );
        assert_eq!(catalog.files().count(), 6);
        assert!(Catalog::load([app, ("shared/part.yaml.tera", "x")], &mut diags).is_err());
        let said = crate::diag::concise::render(&diags);
        assert!(
            said.contains("templates/shared/part.yaml.tera: error[template/no-place]"),
            "{said}"
        );
        assert!(said.contains("`_part.yaml.tera`"), "{said}");
    }

    #[test]
    fn the_app_schema_is_current() {
        crate::testing::assert_current(
            "schema/app.schema.json",
            &crate::testing::pretty(&manifest::schema()),
        );
    }

    #[test]
    fn a_manifest_lies_in_the_folder_of_its_app() {
        let mut diags = Diagnostics::default();
        let files = [
            ("apps/ns/Own.app_1/app.yaml", "summary: x\n"),
            ("apps/ns/Own.app_1/app/app.yaml", "kind: Application\n"),
        ];
        let catalog = Catalog::load(files, &mut diags).expect("fine");
        let [app] = catalog.apps.as_slice() else {
            panic!("one app, not {}", catalog.apps.len());
        };
        assert_eq!((app.id().as_str(), app.files.len()), ("ns/Own.app_1", 1));
    }

    #[test]
    fn wrong_manifests_are_all_reported() {
        let mut diags = Diagnostics::default();
        let files = [
            ("apps/ns/a/app.yaml", "summary: x\nwhen: a and\n"),
            ("apps/ns/b/app.yaml", "summary: x\nbogus: 1\n"),
            ("apps/ns/c/app.yaml", "summary: x\nchart: {version: 1.0.0}\n"),
            ("apps/ns/(d/app.yaml", "summary: x\n"),
            ("apps/Media/e/app.yaml", "summary: x\n"),
            ("apps/ns/app.yaml", "summary: x\n"),
        ];
        assert!(Catalog::load(files, &mut diags).is_err());
        insta::assert_snapshot!(crate::diag::concise::render(&diags));
    }
}
