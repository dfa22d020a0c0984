//! The way of a folder: resources, generators, components, and then what changes them, in the order of kustomize.

mod changes;

use std::collections::HashMap;
use std::sync::Arc;

use crate::build_file::decode::WrittenText;
use crate::build_file::generators::GeneratorArgs;
use crate::build_file::{Kustomization, NAMES};
use crate::config::TransformerConfig;
use crate::configurations;
use crate::files::{is_remote, is_within, join};
use crate::finding::{Halt, Refusal, RefusalKind, Unknown, UnknownKind, halt};
use crate::generate::{Generated, generate};
use crate::load::{Folder, Library};
use crate::manifests::resources;
use crate::node::{Datum, Spot};
use crate::set::ResourceSet;

/// How many objects one build may take from folder to folder in all, each level counted.
const MAX_RESOURCES: usize = 100_000;

/// How many refusals are told of one folder.
const MAX_REFUSALS: usize = 100;

/// How many objects a component counts for: each of them works on all objects.
const COMPONENT: usize = 10;

/// How deep folders may include each other.
const MAX_DEPTH: usize = 200;

/// What was gathered in a folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    pub(crate) set: ResourceSet,
    pub(crate) config: Arc<TransformerConfig>,
    pub(crate) unknown: Vec<Unknown>,
}

/// The result for a folder: every folder that includes it gets the same one.
type Kept = Arc<Result<Gathered, Vec<Refusal>>>;

/// A build that is going on.
pub(crate) struct Build<'f> {
    pub(crate) library: Library<'f>,
    kept: HashMap<String, Kept>,
    /// The folders that are being built, the innermost last.
    open: Vec<String>,
    copied: usize,
}

/// A build file with its folder.
struct Opened {
    path: String,
    file: Kustomization,
}

impl<'f> Build<'f> {
    pub(crate) fn new(library: Library<'f>) -> Self {
        Self {
            library,
            kept: HashMap::new(),
            open: Vec::new(),
            copied: 0,
        }
    }

    /// Builds a folder and what it includes, without what is done at the end alone.
    pub(crate) fn folder(&mut self, path: &str, document: Option<&Datum>) -> Result<Gathered, Vec<Refusal>> {
        self.copied = 0;
        self.open.clear();
        let opened = self
            .open_folder(path, None, document)
            .map_err(|halt| in_folder(vec![halt], path))?;
        if opened.file.is_component {
            // A component that is built on its own is a build like any other.
            return self.gather(&opened, Gathered::default());
        }
        self.gather(&opened, Gathered::default())
    }

    /// The order that a folder asks for.
    pub(crate) fn file_of(&mut self, path: &str, document: Option<&Datum>) -> Result<Kustomization, Halt> {
        self.open_folder(path, None, document).map(|opened| opened.file)
    }

    fn open_folder(
        &mut self,
        path: &str,
        entry: Option<Spot>,
        document: Option<&Datum>,
    ) -> Result<Opened, Halt> {
        if let Some(document) = document {
            return Ok(Opened {
                path: path.to_owned(),
                file: Kustomization::decode(document)?,
            });
        }
        let mut found = Vec::new();
        for name in NAMES {
            let file = join(path, name).and_then(|file| self.library.load(&file));
            found.extend(file);
        }
        let file = match found.as_slice() {
            [file] => file,
            [] => {
                let shown = if path.is_empty() { "." } else { path };
                let message = format!("there is no build file in `{shown}`");
                return Err(halt(RefusalKind::NoBuildFile, entry, message));
            }
            [first, second, ..] => {
                let message = format!("`{path}` has two build files");
                let mut refusal = Refusal::new(RefusalKind::TwoBuildFiles, Some(second.whole()), message);
                refusal.other = Some(first.whole());
                return Err(refusal);
            }
        };
        let parsed = self.library.documents(file);
        let documents = parsed.as_ref().as_ref().map_err(Clone::clone)?;
        let Some(document) = documents.first() else {
            let message = "nothing stands in this build file";
            return Err(halt(RefusalKind::EmptyBuildFile, Some(file.whole()), message));
        };
        Ok(Opened {
            path: path.to_owned(),
            file: Kustomization::decode(document)?,
        })
    }

    /// Gathers the objects of a folder. `start` is empty, but for a component, which works on what is there.
    fn gather(&mut self, opened: &Opened, start: Gathered) -> Result<Gathered, Vec<Refusal>> {
        self.open.push(opened.path.clone());
        let gathered = self.gather_open(opened, start);
        self.open.pop();
        gathered.map_err(|refusals| in_folder(refusals, &opened.path))
    }

    fn gather_open(&mut self, opened: &Opened, mut gathered: Gathered) -> Result<Gathered, Vec<Refusal>> {
        let file = &opened.file;
        let mut refusals: Vec<Refusal> = Vec::new();
        for entry in &file.resources {
            if refusals
                .iter()
                .any(|refusal| refusal.kind == RefusalKind::TooLarge)
            {
                break;
            }
            // What two entries have in common is said once.
            for refusal in self
                .resource(opened, entry, &mut gathered)
                .err()
                .into_iter()
                .flatten()
            {
                if refusals.len() < MAX_REFUSALS && !refusals.contains(&refusal) {
                    refusals.push(refusal);
                }
            }
        }
        if !refusals.is_empty() {
            return Err(refusals);
        }
        self.configure(opened, &mut gathered).map_err(one)?;
        self.generate(opened, &mut gathered).map_err(one)?;
        for entry in &file.components {
            gathered = self.component(opened, entry, gathered)?;
        }
        self.transform(opened, &mut gathered).map_err(one)?;
        self.run_plugins(opened, &mut gathered)?;
        for chart in &file.charts {
            leave_out(&mut gathered, UnknownKind::Helm, chart);
        }
        for plugin in file.generators.iter().chain(&file.validators) {
            leave_out(&mut gathered, UnknownKind::Plugin, plugin);
        }
        for variable in &file.vars {
            leave_out(&mut gathered, UnknownKind::Vars, variable);
        }
        if let Some(schema) = &file.schema {
            leave_out(&mut gathered, UnknownKind::Schema, schema);
        }
        Ok(gathered)
    }

    /// Adds a file or a folder.
    fn resource(
        &mut self,
        opened: &Opened,
        entry: &WrittenText,
        gathered: &mut Gathered,
    ) -> Result<(), Vec<Refusal>> {
        if is_remote(&entry.value) {
            leave_out(gathered, UnknownKind::Remote, entry);
            return Ok(());
        }
        let is_file = join(&opened.path, &entry.value).is_some_and(|path| self.library.has_file(&path));
        if is_file {
            let found = self.file(opened, entry).map_err(one)?;
            return gathered
                .set
                .append(found)
                .map_err(|halt| one(at_entry(halt, entry)));
        }
        self.check_size(entry).map_err(one)?;
        let path = self.enter(opened, entry).map_err(one)?;
        let kept = self.kept_folder(&path, entry);
        match kept.as_ref() {
            Ok(inner) => {
                self.copied += inner.set.list().len();
                self.check_size(entry).map_err(one)?;
                let list = inner.set.list().to_vec();
                gathered
                    .set
                    .append(list)
                    .map_err(|halt| one(at_entry(halt, entry)))?;
                merge_config(gathered, &inner.config, entry).map_err(one)?;
                gathered.unknown.extend(inner.unknown.iter().cloned());
                Ok(())
            }
            Err(refusals) => Err(refusals.clone()),
        }
    }

    /// Ends a build that has become too large.
    fn check_size(&self, entry: &WrittenText) -> Result<(), Halt> {
        if self.copied <= MAX_RESOURCES {
            return Ok(());
        }
        let message =
            format!("too many objects go through the folders of the build: more than {MAX_RESOURCES}");
        Err(halt(RefusalKind::TooLarge, entry.spot, message))
    }

    fn file(&mut self, opened: &Opened, entry: &WrittenText) -> Result<Vec<crate::Resource>, Halt> {
        let mut folder = Folder {
            path: opened.path.clone(),
            library: &mut self.library,
            unknown: Vec::new(),
        };
        let file = folder.read(entry)?;
        let parsed = self.library.documents(&file);
        resources(parsed.as_ref().as_ref().map_err(Clone::clone)?)
    }

    /// The folder that an entry means.
    fn enter(&mut self, opened: &Opened, entry: &WrittenText) -> Result<String, Halt> {
        let missing = || {
            let message = format!("there is no file or folder `{}`", entry.value);
            halt(RefusalKind::MissingFile, entry.spot, message)
        };
        if entry.is_empty() {
            return Err(halt(RefusalKind::BadBuildFile, entry.spot, "an entry is empty"));
        }
        let Some(path) = join(&opened.path, &entry.value) else {
            let message = format!("`{}` is outside of what can be read", entry.value);
            return Err(halt(RefusalKind::OutsideFile, entry.spot, message));
        };
        if !self.library.files.has_folder(&path) {
            return Err(missing());
        }
        if let Some(around) = self.open.iter().find(|open| is_within(open, &path)) {
            let shown = if around.is_empty() { "." } else { around };
            let message = format!(
                "`{}` includes the folder `{shown}`, which includes it",
                entry.value
            );
            return Err(halt(RefusalKind::Cycle, entry.spot, message));
        }
        if self.open.len() > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} folders include each other");
            return Err(halt(RefusalKind::TooLarge, entry.spot, message));
        }
        Ok(path)
    }

    fn kept_folder(&mut self, path: &str, entry: &WrittenText) -> Kept {
        if let Some(kept) = self.kept.get(path) {
            return Arc::clone(kept);
        }
        let result = match self.open_folder(path, entry.spot, None) {
            Err(halt) => Err(in_folder(vec![halt], path)),
            Ok(inner) if inner.file.is_component => Err(one(halt(
                RefusalKind::WrongKind,
                entry.spot,
                format!("`{path}` is a component: list it in `components`"),
            ))),
            Ok(inner) => self.gather(&inner, Gathered::default()),
        };
        // Whether folders include each other depends on where one comes from: nothing is kept of that.
        let depends = matches!(&result, Err(refusals) if refusals
            .iter()
            .any(|refusal| matches!(refusal.kind, RefusalKind::Cycle | RefusalKind::TooLarge)));
        let kept = Arc::new(result);
        if !depends {
            self.kept.insert(path.to_owned(), Arc::clone(&kept));
        }
        kept
    }

    fn component(
        &mut self,
        opened: &Opened,
        entry: &WrittenText,
        mut gathered: Gathered,
    ) -> Result<Gathered, Vec<Refusal>> {
        if is_remote(&entry.value) {
            leave_out(&mut gathered, UnknownKind::Remote, entry);
            return Ok(gathered);
        }
        let path = self.enter(opened, entry).map_err(one)?;
        let inner = self
            .open_folder(&path, entry.spot, None)
            .map_err(|halt| in_folder(vec![halt], &path))?;
        if !inner.file.is_component {
            let message = format!("`{path}` is no component: its kind is not `Component`");
            return Err(one(halt(RefusalKind::WrongKind, entry.spot, message)));
        }
        self.copied += COMPONENT;
        self.check_size(entry).map_err(one)?;
        self.gather(&inner, gathered)
    }

    fn configure(&mut self, opened: &Opened, gathered: &mut Gathered) -> Result<(), Halt> {
        let mut config = TransformerConfig::built_in();
        let mut folder = self.folder_of(opened);
        for entry in &opened.file.configurations {
            if !folder.is_elsewhere(entry) {
                let own = configurations::read(entry, &mut folder)?;
                Arc::make_mut(&mut config)
                    .merge(&own)
                    .map_err(|error| disagree(&error.path, entry.spot))?;
            }
        }
        for entry in &opened.file.crds {
            if !folder.is_elsewhere(entry) && configurations::names_references(entry, &mut folder)? {
                folder.leave_out(UnknownKind::Schema, entry);
            }
        }
        let mut unknown = std::mem::take(&mut folder.unknown);
        gathered.unknown.append(&mut unknown);
        TransformerConfig::merge_shared(&mut gathered.config, &config)
            .map_err(|error| disagree(&error.path, None))
    }

    fn folder_of(&mut self, opened: &Opened) -> Folder<'_, 'f> {
        Folder {
            path: opened.path.clone(),
            library: &mut self.library,
            unknown: Vec::new(),
        }
    }

    fn generate(&mut self, opened: &Opened, gathered: &mut Gathered) -> Result<(), Halt> {
        let file = &opened.file;
        let maps = file.config_maps.iter().map(|args| (Generated::ConfigMap, args));
        let secrets = file.secrets.iter().map(|args| (Generated::Secret, args));
        for (kind, args) in maps.chain(secrets) {
            let args: &GeneratorArgs = args;
            let mut folder = self.folder_of(opened);
            let remote = args.envs.iter().chain(&args.files).find(|source| {
                let path = source
                    .value
                    .split_once('=')
                    .map_or(source.value.as_str(), |(_, path)| path);
                is_remote(path)
            });
            if let Some(remote) = remote {
                folder.leave_out(UnknownKind::Remote, remote);
                gathered.unknown.append(&mut folder.unknown);
                continue;
            }
            let made = generate(kind, args, file.generator_options.as_ref(), &mut folder)?;
            let id = made.id();
            if !gathered.set.absorb(made)? {
                let message = format!("there is no {id} that this could change");
                no_match(gathered, &args.name, args.spot, message)?;
            }
        }
        Ok(())
    }
}

/// An entry that met nothing: it is refused, unless what it is for may be in a part that is not known.
fn no_match(
    gathered: &mut Gathered,
    name: &WrittenText,
    spot: Option<Spot>,
    message: String,
) -> Result<(), Halt> {
    if gathered.unknown.is_empty() {
        return Err(halt(RefusalKind::NoMatch, spot, message));
    }
    let short = name.value.lines().next().unwrap_or_default().to_owned();
    gathered.unknown.push(Unknown {
        kind: UnknownKind::Follows,
        name: short,
        spot,
    });
    Ok(())
}

fn leave_out(gathered: &mut Gathered, kind: UnknownKind, text: &WrittenText) {
    let name = text.value.trim().lines().next().unwrap_or_default().to_owned();
    gathered.unknown.push(Unknown {
        kind,
        name,
        spot: text.spot,
    });
}

fn merge_config(
    gathered: &mut Gathered,
    config: &Arc<TransformerConfig>,
    entry: &WrittenText,
) -> Result<(), Halt> {
    TransformerConfig::merge_shared(&mut gathered.config, config)
        .map_err(|error| disagree(&error.path, entry.spot))
}

fn disagree(path: &str, spot: Option<Spot>) -> Halt {
    let message = format!("the configurations disagree on whether `{path}` is made where it is missing");
    halt(RefusalKind::BadBuildFile, spot, message)
}

/// An id that is there twice, with the entry that brought the second one.
fn at_entry(mut halt: Halt, entry: &WrittenText) -> Halt {
    halt.spot = halt.spot.or(entry.spot);
    halt
}

fn one(halt: Halt) -> Vec<Refusal> {
    vec![halt]
}

fn in_folder(mut refusals: Vec<Refusal>, path: &str) -> Vec<Refusal> {
    for refusal in &mut refusals {
        if refusal.folder.is_none() {
            refusal.folder = Some(path.to_owned());
        }
    }
    refusals
}
