//! Reads what people have added.

use std::collections::BTreeSet;

use yaml::Node;

use super::{Added, AddedFile, KS, is_flux};
use crate::diag::{Diagnostic, Diagnostics};
use crate::sys::dotgit::is_git_dir;
use crate::sys::root::{FileKind, Refused, Root, limits};
use crate::tree::{APPS_ROOT, KUSTOMIZATIONS, RepoPath};
use crate::world::lock::Lock;
use crate::world::secrecy::display;

/// Most files that are read; a tree with more is not one of manifests.
const MAX_FILES: usize = 10_000;
/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 16;

/// Finds apps and namespaces in the tree that are not in the lock, and reads their files and what these refer to.
/// Findings are kept for [`Added::report`]; `diags` takes the texts they quote.
pub fn read(root: &Root, lock: &Lock, diags: &mut Diagnostics) -> Added {
    let mut reader = Reader {
        root,
        lock,
        added: Added::default(),
        open: Vec::new(),
    };
    reader.find();
    while let Some(path) = reader.open.pop() {
        reader.entry(&path, 0, diags);
    }
    let ks: Vec<RepoPath> = reader
        .added
        .files
        .keys()
        .filter(|path| is_ks(path))
        .cloned()
        .collect();
    ks.iter().for_each(|path| reader.check_app(path, diags));
    reader.check_resources(diags);
    reader.idle_folders();
    reader.added
}

/// Returns whether a path is `kubernetes/apps/<namespace>/<app>/ks.yaml`.
fn is_ks(path: &RepoPath) -> bool {
    let below = path.as_str().strip_prefix(APPS_ROOT);
    below.is_some_and(|below| below.split('/').count() == 4) && path.file_name() == KS
}

struct Reader<'a> {
    root: &'a Root,
    lock: &'a Lock,
    added: Added,
    /// Files and folders to read.
    open: Vec<String>,
}

impl Reader<'_> {
    fn is_ours(&self, path: &str) -> bool {
        RepoPath::parse(path).is_ok_and(|path| self.lock.entries.contains_key(&path))
    }

    fn find(&mut self) {
        for namespace in self.folders(APPS_ROOT) {
            let dir = format!("{APPS_ROOT}/{namespace}");
            let file = self.kustomization(&dir).filter(|file| !self.is_ours(file));
            if let Some(file) = file {
                self.added.namespaces.insert(namespace.clone());
                self.open.push(file);
            }
            for app in self.folders(&dir) {
                let ks = format!("{dir}/{app}/{KS}");
                if self.root.is_file(&ks) && !self.is_ours(&ks) {
                    let apps = self.added.apps.entry(namespace.clone()).or_default();
                    apps.insert(app.clone());
                    self.open.push(format!("{dir}/{app}"));
                }
            }
            if self.added.apps.contains_key(&namespace) || self.added.namespaces.contains(&namespace) {
                let files = self.files(&dir);
                self.open
                    .extend(files.into_iter().map(|file| format!("{dir}/{file}")));
            }
        }
    }

    /// Reads a file, or every file below a folder.
    fn entry(&mut self, path: &str, depth: usize, diags: &mut Diagnostics) {
        if depth > MAX_DEPTH || self.added.files.len() > MAX_FILES {
            return;
        }
        match self.root.look(path).ok().flatten().map(|meta| meta.kind) {
            Some(FileKind::Directory) => {
                let below = self.files(path).into_iter().chain(self.folders(path));
                for name in below {
                    self.entry(&format!("{path}/{name}"), depth + 1, diags);
                }
            }
            Some(FileKind::File) if !self.is_ours(path) => self.file(path, diags),
            _ => {}
        }
    }

    fn file(&mut self, name: &str, diags: &mut Diagnostics) {
        let Ok(path) = RepoPath::parse(name) else { return };
        if self.added.files.contains_key(&path) {
            return;
        }
        let mut file = AddedFile {
            text: String::new(),
            documents: Vec::new(),
        };
        if path.is_yaml() {
            match text(self.root, name) {
                Ok(text) => file.text = text,
                Err(finding) => self.added.findings.push(finding),
            }
            match yaml::parse(&file.text) {
                Ok(documents) => file.documents = documents,
                Err(error) => {
                    let id = diags.sources.add(name, display(name, &file.text));
                    let message = format!("`{name}` is not YAML: {}", error.message);
                    let mut finding =
                        Diagnostic::error("foreign/not-yaml", message).at(id.span(error.span), "here");
                    if let Some(first) = error.first {
                        finding = finding.also(id.span(first), "first given here");
                    }
                    let help = "correct the file: Flux cannot apply anything beside it either";
                    self.added.findings.push(finding.help(help));
                }
            }
        }
        let outside = references(&path, &file.documents);
        let outside: Vec<String> = outside
            .into_iter()
            .filter(|target| {
                let known = RepoPath::parse(target).is_ok_and(|path| self.added.files.contains_key(&path));
                !known && !self.is_ours(target)
            })
            .collect();
        self.open.extend(outside);
        self.added.files.insert(path, file);
    }

    /// Looks at the Kustomizations of an app, and the folders they apply.
    fn check_app(&mut self, ks: &RepoPath, diags: &mut Diagnostics) {
        let file = &self.added.files[ks];
        let flux: Vec<&Node> = file.documents.iter().filter(|node| is_flux(node)).collect();
        let mut findings = Vec::new();
        let broken = file.documents.is_empty() && !file.text.trim().is_empty();
        if flux.is_empty() && !broken {
            let message = format!("`{ks}` holds no Flux Kustomization");
            let first = file.text.lines().next().map_or(0, str::len);
            let id = diags.sources.add(ks.as_str(), display(ks.as_str(), &file.text));
            findings.push(
                Diagnostic::error("foreign/no-kustomization", message)
                    .at(id.span(0..first), "")
                    .help("write one with `spec.path` set to the folder of the app's files, or remove the folder"),
            );
        }
        let mut source = None;
        for node in flux {
            let own = node
                .str_at(&["spec", "sourceRef", "name"])
                .is_none_or(|name| name == "flux-system");
            let Some(path) = node.path(&["spec", "path"]).filter(|_| own) else {
                continue;
            };
            let Some(folder) = path.as_str().and_then(|text| RepoPath::parse(text).ok()) else {
                continue;
            };
            let is_dir = self.root.is_dir(folder.as_str());
            let alone = !self
                .added
                .files
                .keys()
                .any(|file| file != ks && below(file, ks.parent()));
            let problem = if !is_dir && alone {
                Diagnostic::error("foreign/missing-folder", format!("`{folder}` does not exist")).help(
                    format!("create it with the app's files, or correct `path` in `{ks}`"),
                )
            } else if is_dir && self.kustomization(folder.as_str()).is_none() {
                let file = KUSTOMIZATIONS[0];
                let message = format!("`{folder}` has no {file}");
                Diagnostic::warning("foreign/no-kustomization-file", message)
                    .note("Flux then applies every YAML file below the folder, finished or not")
                    .help(format!(
                        "add `{folder}/{file}` with the files to apply as `resources`"
                    ))
            } else {
                continue;
            };
            let text = || display(ks.as_str(), &file.text);
            let id = *source.get_or_insert_with(|| diags.sources.add(ks.as_str(), text()));
            findings.push(problem.at(id.span(path.span.clone()), "applied from here"));
        }
        self.added.findings.extend(findings);
    }

    /// What a `kustomization.yaml` lists as resources must be objects: kustomize stops at anything else.
    fn check_resources(&mut self, diags: &mut Diagnostics) {
        let listed: BTreeSet<RepoPath> = self
            .added
            .files
            .iter()
            .filter(|(path, _)| path.is_kustomization())
            .flat_map(|(path, file)| references(path, &file.documents))
            .filter_map(|target| RepoPath::parse(&target).ok())
            .collect();
        let files = self.added.files.iter();
        let mut findings = Vec::new();
        for (path, file) in files.filter(|(path, _)| listed.contains(path) || path.is_kustomization()) {
            let is_object = |node: &Node| {
                let has = |key| node.get(key).is_some();
                has("kind") && has("apiVersion") || path.is_kustomization() && has("resources")
            };
            for node in file.documents.iter().filter(|node| !is_object(node)) {
                let id = diags
                    .sources
                    .add(path.as_str(), display(path.as_str(), &file.text));
                findings.push(
                    Diagnostic::error(
                        "foreign/not-an-object",
                        format!("`{path}` holds what is no Kubernetes object"),
                    )
                    .at(id.span(node.first_line(&file.text)), "no `apiVersion` and `kind`")
                    .help("write a whole object, or take the file out of `resources`"),
                );
            }
        }
        self.added.findings.extend(findings);
    }

    /// Notes folders that hold files and are no app.
    fn idle_folders(&mut self) {
        let applied: Vec<String> = self.applied().into_iter().collect();
        let mut notes = Vec::new();
        for namespace in self.folders(APPS_ROOT) {
            if self.added.namespaces.contains(&namespace) {
                continue;
            }
            let dir = format!("{APPS_ROOT}/{namespace}");
            let mut apps = 0;
            let mut idle = Vec::new();
            for app in self.folders(&dir) {
                let folder = format!("{dir}/{app}");
                let used = applied
                    .iter()
                    .any(|path| path == &folder || path.starts_with(&format!("{folder}/")));
                if used || self.root.is_file(&format!("{folder}/{KS}")) {
                    apps += 1;
                } else if self.holds_theirs(&folder, 0) {
                    idle.push(folder);
                }
            }
            for folder in &idle {
                notes.push(
                    Diagnostic::note_level(
                        "foreign/no-ks",
                        format!("nothing applies `{folder}`: it has no {KS}"),
                    )
                    .in_file(folder.as_str())
                    .help(format!(
                        "add `{folder}/{KS}` with a Flux Kustomization, or remove the folder"
                    )),
                );
            }
            if apps == 0 && idle.is_empty() && self.holds_theirs(&dir, 0) {
                notes.push(
                    Diagnostic::note_level("foreign/no-app", format!("`{dir}` holds no app"))
                        .in_file(dir.as_str())
                        .help(format!(
                            "apps lie in `{dir}/<app>/{KS}`; move the files there, or remove the folder"
                        )),
                );
            }
        }
        self.added.findings.extend(notes);
    }

    /// The folders that Kustomizations added by hand apply.
    fn applied(&self) -> BTreeSet<String> {
        let nodes = self.added.files.values().flat_map(|file| &file.documents);
        let paths = nodes
            .filter(|node| is_flux(node))
            .filter_map(|node| node.str_at(&["spec", "path"]));
        let paths = paths.filter_map(|path| RepoPath::parse(path).ok());
        let read = self.added.files.keys().map(|path| path.parent().to_owned());
        paths.map(|path| path.as_str().to_owned()).chain(read).collect()
    }

    /// Returns whether a file below a folder is not ours.
    fn holds_theirs(&self, folder: &str, depth: usize) -> bool {
        depth <= MAX_DEPTH
            && (self
                .files(folder)
                .iter()
                .any(|file| !self.is_ours(&format!("{folder}/{file}")))
                || self
                    .folders(folder)
                    .iter()
                    .any(|inner| self.holds_theirs(&format!("{folder}/{inner}"), depth + 1)))
    }

    /// The file that kustomize reads in a folder.
    fn kustomization(&self, folder: &str) -> Option<String> {
        let mut files = KUSTOMIZATIONS.iter().map(|name| format!("{folder}/{name}"));
        files.find(|file| self.root.is_file(file))
    }

    /// The names of the folders in a folder, but for those of git.
    fn folders(&self, path: &str) -> Vec<String> {
        let mut names = self.names(path, FileKind::Directory);
        names.retain(|name| !is_git_dir(name));
        names
    }

    /// The names of the files in a folder.
    fn files(&self, path: &str) -> Vec<String> {
        self.names(path, FileKind::File)
    }

    fn names(&self, path: &str, kind: FileKind) -> Vec<String> {
        let entries = self.root.list(path).unwrap_or_default().into_iter();
        entries
            .filter(|entry| entry.kind == kind)
            .map(|entry| entry.name)
            .collect()
    }
}

/// What a file refers to inside the repository: the entries of a `kustomization.yaml`, the path of a Kustomization.
fn references(path: &RepoPath, documents: &[Node]) -> Vec<String> {
    let mut found = Vec::new();
    for node in documents {
        if path.is_kustomization() {
            for key in ["resources", "components", "bases"] {
                let items = node.get(key).map(Node::items).unwrap_or_default();
                let texts = items.iter().filter_map(Node::as_str);
                found.extend(texts.filter(|text| !text.contains("://")).filter_map(|text| {
                    let target = RepoPath::parse(&format!("{}/{text}", path.parent())).ok()?;
                    Some(target.as_str().to_owned())
                }));
            }
        }
        let own = node
            .str_at(&["spec", "sourceRef", "name"])
            .is_none_or(|name| name == "flux-system");
        if is_flux(node) && own {
            let target = node
                .str_at(&["spec", "path"])
                .and_then(|path| RepoPath::parse(path).ok());
            found.extend(target.map(|target| target.as_str().to_owned()));
        }
    }
    found
}

fn below(path: &RepoPath, folder: &str) -> bool {
    let rest = path.as_str().strip_prefix(folder);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

fn text(root: &Root, name: &str) -> Result<String, Diagnostic> {
    root.read_text(name, limits::MANIFEST)
        .map_err(|refused| match refused {
            Refused::TooLarge { .. } => {
                let message = format!("`{name}` is larger than 4 MiB");
                Diagnostic::error("foreign/too-large", message)
                    .in_file(name)
                    .help("Kubernetes takes no object of that size: split it, or move it out of the apps")
            }
            Refused::NotText => Diagnostic::error("foreign/not-text", format!("`{name}` is not UTF-8 text"))
                .in_file(name)
                .help("save it as UTF-8"),
            refused => refused.finding("read", name),
        })
}
