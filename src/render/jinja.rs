//! The `*.j2` files of a user's `templates/`: Jinja2 with the values that Tera templates see, secrets as tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::names::Shape;
use crate::catalog::{Language, TemplateFile};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::jinja::functions::{Answer, Ask};
use crate::jinja::{Engine, Host, Options, Template, Value, from_json};
use crate::plan::closest;

/// Where the folders of Talos patches lie below `templates/`.
const PATCHES: &str = "repo/talos/patches/";

/// All Jinja2 templates of a library; nothing where there is none.
pub(super) struct Jinja(Option<Box<Loaded>>);

struct Loaded {
    engine: Engine,
    /// The same with the second spelling of every token.
    respelt: Engine,
    app: BTreeMap<String, Value>,
}

impl Jinja {
    /// Parses all templates and checks the names that they read.
    ///
    /// # Errors
    /// For syntax errors and unknown names; those of all templates are reported.
    pub(super) fn load(
        files: &[&TemplateFile],
        values: &Map<String, Json>,
        respelt: &Map<String, Json>,
        shape: &BTreeMap<String, Shape>,
        diags: &mut Diagnostics,
    ) -> Result<Self, Aborted> {
        let of_jinja = || files.iter().filter(|file| file.language == Language::Jinja);
        if of_jinja().next().is_none() {
            return Ok(Self(None));
        }
        let templates = of_jinja().map(|file| Template {
            name: file.source.clone(),
            shown: format!("templates/{}", file.source),
            text: file.text.clone(),
        });
        let engine = Engine::new(&Options::of_the_library(), templates)
            .map_err(|message| diags.abort(Diagnostic::error("template/syntax", message)))?;
        let engine = with(&engine, values, files);
        for file in of_jinja() {
            match engine.parse(&file.source) {
                Ok(()) => unknown(&engine, file, shape, diags),
                Err(fault) => {
                    let finding = fault.into_diagnostic(diags);
                    diags.push(finding);
                }
            }
        }
        diags.checkpoint()?;
        let respelt = with(&engine, respelt, files);
        Ok(Self(Some(Box::new(Loaded {
            engine,
            respelt,
            app: BTreeMap::new(),
        }))))
    }

    /// Sets or removes what is known of the app whose files are rendered.
    pub(super) fn set_app(&mut self, app: Option<&Json>) {
        if let Some(loaded) = &mut self.0 {
            loaded.app = app
                .map(|app| ("app".to_owned(), from_json(app)))
                .into_iter()
                .collect();
        }
    }

    /// Renders a template with each spelling of the tokens; the second is `None` where that fails. Nothing after an
    /// error, which is reported.
    pub(super) fn render(
        &self,
        file: &TemplateFile,
        diags: &mut Diagnostics,
    ) -> Option<(String, Option<String>)> {
        let loaded = self.0.as_deref()?;
        match loaded.engine.render(&file.source, &loaded.app) {
            Ok(text) => Some((text, loaded.respelt.render(&file.source, &loaded.app).ok())),
            Err(fault) => {
                let finding = fault.into_diagnostic(diags);
                diags.push(finding);
                None
            }
        }
    }
}

fn with(engine: &Engine, values: &Map<String, Json>, files: &[&TemplateFile]) -> Engine {
    let host = Arc::new(host(values, files));
    engine.with(
        values.iter().map(|(key, value)| (key.clone(), from_json(value))),
        &host,
    )
}

/// What the functions return: tokens for secrets.
fn host(values: &Map<String, Json>, files: &[&TemplateFile]) -> Host {
    let mut host = Host::default();
    let value = |key: &str| values.get(key).unwrap_or(&Json::Null);
    let secrets = value("secrets");
    let mut add = |ask: Ask, value: &Json| {
        let text = value.as_str().filter(|text| !text.is_empty());
        let answer: Answer = text
            .map(str::to_owned)
            .ok_or_else(|| format!("`{}` is missing", ask.file()));
        host.answers.insert(ask, answer);
    };
    add(Ask::AgePublic, &value("age_recipients")[0]);
    add(Ask::AgePrivate, &secrets["age_key"]);
    add(Ask::TunnelId, value("tunnel_id"));
    add(Ask::TunnelSecret, &secrets["tunnel_token"]);
    for ask in [Ask::GithubDeployKey, Ask::DeployKey] {
        add(ask, &secrets["deploy_key"]);
    }
    for ask in [Ask::GithubPushToken, Ask::WebhookToken] {
        add(ask, &secrets["push_token"]);
    }
    for file in files {
        if let Some((folder, _)) = file
            .source
            .strip_prefix(PATCHES)
            .and_then(|path| path.rsplit_once('/'))
        {
            let folder = host.patches.entry(folder.to_owned()).or_default();
            folder.push(format!("templates/{}", file.source));
            folder.sort();
        }
    }
    host
}

/// A name that cannot exist would be taken for one without a value.
fn unknown(engine: &Engine, file: &TemplateFile, shape: &BTreeMap<String, Shape>, diags: &mut Diagnostics) {
    for name in engine.reads(&file.source) {
        let mut parts = name.split('.');
        let first = parts.next().unwrap_or_default();
        let (word, candidates) = match shape.get(first) {
            Some(Shape::Object(below)) => match parts.next() {
                Some(second) if !below.contains_key(second) => (second, below),
                _ => continue,
            },
            Some(_) => continue,
            None if engine.is_built_in(first) => continue,
            None => (first, shape),
        };
        // Python's methods of mappings.
        if ["get", "items", "keys", "values", "copy"].contains(&word) {
            continue;
        }
        let at = place(&file.text, word);
        // Rendering says more about a function that is not there.
        if at.is_some_and(|at| file.text[at + word.len()..].trim_start().starts_with('(')) {
            continue;
        }
        let message = format!("`{name}` does not exist");
        let mut finding = Diagnostic::error("template/unknown-name", message);
        finding = match at {
            Some(start) => {
                let id = super::engine::source(file, diags);
                finding.at(id.span(start..start + word.len()), "read here")
            }
            None => finding.in_file(format!("templates/{}", file.source)),
        };
        if name.starts_with("secrets.") && shape.contains_key(word) {
            finding = finding.help(format!(
                "write `{word}`: the keys of cluster.yaml, secret ones as well, are read by their names alone"
            ));
        } else if let Some(help) =
            super::names::help(&name, closest(word, candidates.keys().map(String::as_str)))
        {
            finding = finding.help(help);
        }
        diags.push(finding);
    }
}

/// Returns where a name stands as a word of its own.
fn place(text: &str, word: &str) -> Option<usize> {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        !inside(text[..*at].chars().next_back()) && !inside(text[*at + word.len()..].chars().next())
    })
}
