//! Raw mode: a repository's own tree of Jinja2 templates, as `makejinja.toml` describes it, in place of the catalogue.
//!
//! What it gives is a [`Rendered`] tree like any other. Templates see plain values here, because people's templates
//! work on them; right after rendering, [`secrets`] moves everything that SOPS will encrypt into the vault and refuses
//! secrets that stand elsewhere, so that the later stages see tokens as always.

mod data;
mod derived;
mod glob;
mod inputs;
mod place;
mod secrets;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use sops::{Config, Identities};

use crate::catalog;
use crate::config::schema::{KeyKind, Keys};
use crate::config::{Vault, Vocabulary};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::jinja::functions::{Answer, Ask};
use crate::jinja::{Empty, Engine, Host, Template, Value};
use crate::known::Known;
use crate::plan::closest;
use crate::render::{self, Rendered};
use crate::sys::root::{Bounds, FileKind, Refused, Root, TREE, limits};
use crate::sys::{SecretText, named};
use crate::tree::{Artifact, Origin, RAW_ORIGIN, RepoPath, Tree};
use crate::world::lock::Sha256;
use crate::world::side;

pub use settings::SETTINGS;

use data::Data;
use inputs::{Input, Use, joined};
use place::Place;
use secrets::RenderedFile;
use settings::{Python, Settings};

/// Where the rules for SOPS files are rendered to.
const SOPS_CONFIG: &str = ".sops.yaml";
/// How many files of a person are looked at.
const BOUNDS: Bounds = Bounds {
    depth: 64,
    names: 50_000,
};

/// What a run in raw mode is asked for.
#[derive(Debug, Default, Clone)]
pub struct RawRequest {
    /// Data files, read after those of `makejinja.toml`.
    pub data: Vec<PathBuf>,
    /// Paths outside of the root that `makejinja.toml` may name; relative ones start at the root.
    pub outside: Vec<PathBuf>,
    /// Variables of the environment that templates may read.
    pub env: BTreeMap<String, String>,
}

/// What can open and seal.
#[derive(Debug, Clone, Copy)]
pub struct RawKeys<'a> {
    /// Private keys.
    pub identities: &'a Identities,
    /// The repository's own keys as text.
    pub text: Option<&'a SecretText>,
}

/// Returns whether a repository is one of raw mode: it has its settings, and no templates for the catalogue.
pub fn is_raw(root: &Root) -> bool {
    root.is_file(SETTINGS) && !root.is_dir("templates/apps") && !root.is_dir("templates/repo")
}

/// Renders the tree of `root`. The vocabulary says which keys of the data are secret.
///
/// # Errors
/// When the settings, the data or a template are wrong, or a secret would stand in clear; all findings are reported.
pub fn render(
    root: &Root,
    request: &RawRequest,
    found: Option<RawKeys<'_>>,
    vocabulary: &Vocabulary,
    vault: &mut Vault,
    diags: &mut Diagnostics,
) -> Result<Tree<Rendered>, Aborted> {
    let settings = Settings::read(root, &request.outside, diags)?;
    let mut data = read_data(root, &settings, request, found, diags);
    diags.checkpoint()?;
    watch(&data, vocabulary.keys(), vault);
    derived::add(&mut data);
    let inputs = inputs::read(root, &settings, diags);
    let mut host = host(root, found, vault, diags);
    vault.forget_common(catalog::BUILT_IN.iter().map(|(_, text)| *text));
    host.patches = patches(&settings, &inputs);
    host.env.clone_from(&request.env);
    diags.checkpoint()?;
    let engine = engine(&settings, &inputs, data, host, diags)?;
    let pages = Pages {
        root,
        settings: &settings,
        found,
        known: vault.known(),
    };
    let mut files = pages.rendered(&inputs, &engine, diags)?;
    let config = sops_config(root, &files, diags)?;
    secrets::hide(&mut files, config.as_ref(), vault, diags);
    diags.checkpoint()?;
    let added = added(root, &files, diags);
    let tree = assemble(files, added, diags);
    diags.checkpoint()?;
    Ok(tree)
}

/// Reads all data files, each over those before it.
fn read_data(
    root: &Root,
    settings: &Settings,
    request: &RawRequest,
    found: Option<RawKeys<'_>>,
    diags: &mut Diagnostics,
) -> Data {
    let identities = found.map(|found| found.identities);
    let mut all = Data::new();
    let mut add = |bytes: Result<Vec<u8>, Refused>, shown: &str, said: Said<'_>, diags: &mut Diagnostics| {
        let is_absent = matches!(bytes, Err(Refused::Absent));
        match data::read(bytes, shown, identities) {
            Ok(data) => all.extend(data),
            Err(finding) if is_absent => {
                let finding = absent(finding, root, settings, shown, said, diags);
                diags.push(finding);
            }
            Err(finding) => diags.push(finding),
        }
    };
    for name in &settings.data {
        let shown = name.trim_start_matches("./").trim_end_matches('/');
        let place = Place::of(root, name);
        match place.look() {
            Ok(Some(FileKind::Directory)) => {
                for (path, shown) in folder(&place, shown, diags) {
                    add(
                        place.root.read(&path, limits::RAW),
                        &shown,
                        Said::Data(name),
                        diags,
                    );
                }
            }
            Ok(_) => add(
                place.root.read(&place.below, limits::RAW),
                shown,
                Said::Data(name),
                diags,
            ),
            Err(refused) => diags.push(refused.finding("read", shown)),
        }
    }
    for path in &request.data {
        let shown = path.display().to_string();
        add(named::read(path, limits::RAW), &shown, Said::Option, diags);
    }
    for (key, value) in &settings.variables {
        set(&mut all, key, data::of_toml(value));
    }
    all
}

/// Who names a data file.
#[derive(Clone, Copy)]
enum Said<'a> {
    /// `data` or `file_data`, with these words.
    Data(&'a str),
    /// `--data`.
    Option,
}

/// Says of a data file that is not there who names it, and which one may be meant.
fn absent(
    finding: Diagnostic,
    root: &Root,
    settings: &Settings,
    shown: &str,
    said: Said<'_>,
    diags: &mut Diagnostics,
) -> Diagnostic {
    let folder = shown.rsplit_once('/').map_or("", |(folder, _)| folder);
    let place = match said {
        Said::Data(words) => Place::of(root, words),
        Said::Option => Place::of(root, shown),
    };
    let above = place.below.rsplit_once('/').map_or("", |(above, _)| above);
    let entries = place.root.list(above).unwrap_or_default();
    let names = entries
        .iter()
        .map(|entry| entry.name.as_str())
        .filter(|name| data::is_data(name));
    let wanted = shown.rsplit('/').next().unwrap_or(shown);
    let near = closest(wanted, names).map(|near| joined(folder, near));
    let finding = match near {
        Some(near) => finding.help(format!("did you mean `{near}`?")),
        None => finding,
    };
    match said {
        Said::Data(words) => {
            let span = settings.place(words, diags);
            let finding = finding.at_opt(span, "named here");
            finding.help("correct the path, which starts at the folder of `makejinja.toml`, or take it out")
        }
        Said::Option => finding.help("correct FILE of `--data`, which counts from the working directory"),
    }
}

/// Returns the data files of a folder: their paths below its root, and what findings call them. Hidden files are left
/// out; a link is a finding.
fn folder(place: &Place, shown: &str, diags: &mut Diagnostics) -> Vec<(String, String)> {
    let found = match place.root.walk(&place.below, TREE, |_| true) {
        Ok(found) => found,
        Err(refused) => {
            diags.push(refused.finding("read", shown));
            return Vec::new();
        }
    };
    let called = |path: &str| {
        let below = path.strip_prefix(place.below.as_str()).unwrap_or(path);
        format!("{shown}/{}", below.trim_start_matches('/'))
    };
    for link in &found.links {
        let at = called(link);
        diags.push(Refused::Link { at: at.clone() }.finding("read", &at));
    }
    if let Some(at) = &found.cut {
        let at = called(at);
        diags.push(Refused::TooDeep { at: at.clone() }.finding("read", &at));
    }
    let is_data = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or(path);
        !name.starts_with('.') && data::is_data(name)
    };
    let files = found.files.into_iter().filter(is_data);
    let mut files: Vec<_> = files.map(|path| (path.clone(), called(&path))).collect();
    files.sort_by(|(_, a), (_, b)| a.cmp(b));
    files
}

/// Sets a value by its dotted key.
fn set(data: &mut Data, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            data.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = data.get(first).and_then(Value::as_object);
            let mut below: Data = inner
                .and_then(minijinja::value::DynObject::try_iter_pairs)
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value)))
                .collect();
            set(&mut below, rest, value);
            data.insert(first.to_owned(), Value::from_pairs(below));
        }
    }
}

/// The secrets of the data: the keys that the schema marks, with those of the repository's own apps.
fn watch(data: &Data, keys: &Keys, vault: &mut Vault) {
    for (key, value) in data {
        if keys.top_kind(key) == Some(KeyKind::Secret) && !value.is_undefined() && !value.is_none() {
            vault.watch(key, Some(&SecretText::new(value.to_string())));
        }
    }
}

/// What the functions of plugins return here: the contents of the private files.
fn host(root: &Root, found: Option<RawKeys<'_>>, vault: &mut Vault, diags: &mut Diagnostics) -> Host {
    let mut host = Host::default();
    let mut secret = |ask: Ask, name: &str, answer: Answer| {
        if let Ok(text) = &answer {
            vault.watch(name, Some(&SecretText::new(text.clone())));
        }
        host.answers.insert(ask, answer);
    };
    let missing = |name: &str| format!("`{name}` is missing");
    let key = found.and_then(|found| found.text).map(|text| {
        let mut words = text.expose().split_whitespace();
        words
            .find(|word| word.starts_with("AGE-SECRET-KEY-"))
            .map(str::to_owned)
    });
    let private = key.flatten().ok_or_else(|| missing(side::AGE_KEY));
    secret(Ask::AgePrivate, "age_key('private')", private);
    let public = found.and_then(|found| Some(found.identities.recipients().first()?.as_str().to_owned()));
    let mut read = |name: &str| match side::read(root, name) {
        Ok(text) => text,
        Err(finding) => {
            diags.push(finding);
            None
        }
    };
    let whole = [
        (Ask::GithubDeployKey, "github_deploy_key()"),
        (Ask::GithubPushToken, "github_push_token()"),
        (Ask::DeployKey, "deploy_key()"),
        (Ask::WebhookToken, "webhook_token()"),
    ];
    for (ask, name) in whole {
        let text = read(ask.file()).map(|text| text.expose().trim().to_owned());
        secret(
            ask,
            name,
            text.filter(|text| !text.is_empty())
                .ok_or_else(|| missing(ask.file())),
        );
    }
    let tunnel = read(side::TUNNEL).map(|text| side::Tunnel::parse(&text));
    let (id, token) = match tunnel {
        None => (Err(missing(side::TUNNEL)), Err(missing(side::TUNNEL))),
        Some(Ok(tunnel)) => (Ok(tunnel.id), Ok(tunnel.token.expose().to_owned())),
        Some(Err(finding)) => (Err(finding.message.clone()), Err(finding.message)),
    };
    secret(Ask::TunnelSecret, "cloudflare_tunnel_secret()", token);
    host.answers.insert(Ask::TunnelId, id);
    host.answers
        .insert(Ask::AgePublic, public.ok_or_else(|| missing(side::AGE_KEY)));
    host
}

/// The templates of Talos patches by folder, of the last input that has the folder.
fn patches(settings: &Settings, inputs: &[Input]) -> BTreeMap<String, Vec<String>> {
    let mut patches: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    let suffix = format!(".yaml{}", settings.suffix);
    for input in inputs {
        let path = input
            .name
            .strip_prefix("talos/patches/")
            .and_then(|path| path.rsplit_once('/'));
        let Some((folder, file)) = path else { continue };
        if !file.ends_with(&suffix) {
            continue;
        }
        let base = input
            .shown
            .strip_suffix(&input.name)
            .unwrap_or_default()
            .to_owned();
        let found = patches.entry(folder.to_owned()).or_default();
        if found.0 != base {
            *found = (base, Vec::new());
        }
        found.1.push(input.shown.clone());
    }
    patches
        .into_iter()
        .map(|(folder, (_, files))| (folder, files))
        .collect()
}

/// Returns what renders the templates, with the data for all of them.
fn engine(
    settings: &Settings,
    inputs: &[Input],
    data: Data,
    host: Host,
    diags: &mut Diagnostics,
) -> Result<Engine, Aborted> {
    let mut names = BTreeSet::new();
    let templates = inputs.iter().filter(|input| names.insert(input.name.as_str()));
    let templates = templates.map(|input| Template {
        name: input.name.clone(),
        shown: input.shown.clone(),
        text: input.text.clone(),
    });
    let engine = Engine::new(&settings.options, templates).map_err(|message| {
        diags.abort(
            Diagnostic::error("raw/settings", message)
                .in_file(SETTINGS)
                .help("correct `[makejinja.delimiter]`"),
        )
    })?;
    Ok(engine.with(data, &Arc::new(host)))
}

/// What the files of a tree are made with.
struct Pages<'a> {
    root: &'a Root,
    settings: &'a Settings,
    found: Option<RawKeys<'a>>,
    known: &'a Known,
}

impl Pages<'_> {
    /// Renders and copies.
    fn rendered(
        &self,
        inputs: &[Input],
        engine: &Engine,
        diags: &mut Diagnostics,
    ) -> Result<BTreeMap<RepoPath, RenderedFile>, Aborted> {
        let Self {
            root,
            settings,
            found,
            known,
        } = *self;
        let mut files = BTreeMap::new();
        for input in inputs {
            let Some(output) = &input.output else { continue };
            let text = match input.purpose {
                Use::Copy => input.text.clone(),
                Use::Include => continue,
                Use::Render => {
                    let mut values = BTreeMap::new();
                    for name in settings.file_data.get(&input.name).into_iter().flatten() {
                        let shown = name.trim_start_matches("./");
                        let place = Place::of(root, name);
                        let bytes = place.root.read(&place.below, limits::RAW);
                        let is_absent = matches!(bytes, Err(Refused::Absent));
                        match data::read(bytes, shown, found.map(|found| found.identities)) {
                            Ok(data) => values.extend(data),
                            Err(finding) if is_absent => {
                                let finding = absent(finding, root, settings, shown, Said::Data(name), diags);
                                diags.push(finding);
                            }
                            Err(finding) => diags.push(finding),
                        }
                    }
                    match engine.render(&input.name, &values) {
                        Ok(text) if text.trim().is_empty() && !settings.keep_empty => continue,
                        Ok(text) => text,
                        Err(fault) => {
                            let finding = fault.map_words(|words| known.mask(words)).into_diagnostic(diags);
                            diags.push(finding);
                            continue;
                        }
                    }
                }
            };
            let template = (input.shown.clone(), input.text.clone());
            files.insert(output.clone(), RenderedFile { text, template });
        }
        for empty in engine.empties() {
            let finding = nothing(empty, settings, diags);
            diags.push(finding);
        }
        diags.checkpoint()?;
        Ok(files)
    }
}

/// A value that is written as nothing, because nothing gives it.
fn nothing(empty: Empty, settings: &Settings, diags: &mut Diagnostics) -> Diagnostic {
    let Empty {
        name,
        template,
        range,
        places,
        is_input,
    } = empty;
    let message = if is_input {
        format!("`{name}` has no value, and what is written here is made without it")
    } else {
        format!("`{name}` has no value, and is written as nothing")
    };
    let id = diags.sources.add(template.0, template.1);
    let mut finding = Diagnostic::warning("raw/empty-value", message).at(id.span(range), "");
    if places > 1 {
        finding = finding.note(format!("it is written in {places} places"));
    }
    if let Some(Python { key, span }) = &settings.python {
        finding = match span {
            Some(span) => finding.also(*span, "this is Python, which cannot run here"),
            None => finding.note(format!("`{key}` names Python, which cannot run here")),
        };
        finding = finding.help(format!(
            "if `{key}` gives it, put it into a data file and add `--data FILE`"
        ));
    } else {
        finding = finding.help("put it into a file of `data`, or into another and add `--data FILE`");
    }
    finding.help(format!("where nothing is meant, write `{name}|default('')`"))
}

/// Reads the rules for SOPS files: rendered, or as they are in the repository.
fn sops_config(
    root: &Root,
    files: &BTreeMap<RepoPath, RenderedFile>,
    diags: &mut Diagnostics,
) -> Result<Option<Config>, Aborted> {
    let rendered = files
        .iter()
        .find(|(path, _)| path.as_str() == SOPS_CONFIG)
        .map(|(_, file)| file.text.clone());
    let text = match rendered {
        Some(text) => Some(text),
        None => root
            .read_text_if_there(SOPS_CONFIG, limits::CONFIG)
            .map_err(|refused| diags.abort(refused.finding("read", SOPS_CONFIG)))?,
    };
    let Some(text) = text else {
        return Ok(None);
    };
    Config::parse(&text).map(Some).map_err(|error| {
        let line = error.span().map(|span| yaml::line::number(&text, span.start));
        let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
        let finding = Diagnostic::error("seal/sops", format!("`{SOPS_CONFIG}`{line}: {error}"));
        diags.abort(finding.in_file(SOPS_CONFIG).help(error.help()))
    })
}

/// The files that people have beside the rendered ones, in the folders that hold such: what refers to them is right.
fn added(
    root: &Root,
    files: &BTreeMap<RepoPath, RenderedFile>,
    diags: &mut Diagnostics,
) -> BTreeMap<RepoPath, String> {
    let folders: BTreeSet<&str> = files
        .keys()
        .filter_map(|path| path.as_str().split_once('/'))
        .map(|(first, _)| first)
        .collect();
    let mut found = BTreeSet::new();
    for folder in folders {
        let walked = match root.walk(folder, BOUNDS, |_| true) {
            Ok(walked) => walked,
            // Nothing is written yet.
            Err(Refused::Absent) => continue,
            Err(refused) => {
                diags.push(refused.finding("read", folder));
                continue;
            }
        };
        if let Some(at) = &walked.cut {
            let message = format!(
                "`{folder}` holds more files, or folders nested deeper, than are looked at: `{at}` counts as missing"
            );
            diags.push(
                Diagnostic::warning("template/too-many", message)
                    .in_file(at)
                    .help("move what belongs to no cluster elsewhere; until then, findings about missing files may be wrong"),
            );
        }
        found.extend(walked.files.iter().filter_map(|path| RepoPath::parse(path).ok()));
    }
    found.retain(|path| !files.contains_key(path));
    // Their text is not for the rules to judge.
    found.into_iter().map(|path| (path, String::new())).collect()
}

/// Makes the tree; YAML that is none is left unjudged, for it may be a template of somebody else.
fn assemble(
    files: BTreeMap<RepoPath, RenderedFile>,
    added: BTreeMap<RepoPath, String>,
    diags: &mut Diagnostics,
) -> Tree<Rendered> {
    let artifacts = files.into_iter().map(|(path, file)| {
        let fingerprint = Sha256::of(file.template.1.as_bytes()).short();
        let origin = Origin {
            app: RAW_ORIGIN.to_owned(),
            template: Some(file.template.0),
            reason: Vec::new(),
            fingerprint: Some(fingerprint),
        };
        Artifact::new(path, file.text, origin)
    });
    // What is sealed already, whatever its name, stays with its keys: others refer to it.
    render::of_files(artifacts, added, |artifact, error| {
        let message = format!("the output is not YAML: {}", error.message);
        let id = diags
            .sources
            .add(artifact.path.as_str(), artifact.text().to_owned());
        let finding = Diagnostic::warning("template/not-yaml", message).at(id.span(error.span), "");
        let template = artifact.origin.template.as_deref().unwrap_or_default();
        diags.push(finding.note(format!("rendered from `{template}`")));
    })
}
