//! What the configuration chooses about single apps, in what was rendered: values merged into the `HelmRelease`, and
//! proof that a chosen version has arrived.

use std::sync::Arc;

use yaml::{Node, edit};

use super::Renderer;
use crate::catalog::App;
use crate::diag::{Diagnostic, Diagnostics};
use crate::plan::PlacedChoice;
use crate::tree::{RepoPath, Text};

impl Renderer<'_> {
    /// Applies a choice to the files of its app.
    pub(super) fn choose(&mut self, app: &App, choice: &PlacedChoice, diags: &mut Diagnostics) {
        if let Some(version) = &choice.chosen.version {
            self.check_version(app, choice, version.as_str(), diags);
        }
        if !choice.chosen.values.is_empty() {
            self.merge_values(app, choice, diags);
        }
    }

    fn merge_values(&mut self, app: &App, choice: &PlacedChoice, diags: &mut Diagnostics) {
        let releases: Vec<(RepoPath, usize)> = self
            .documents_of(app)
            .filter(|(_, _, node)| node.str_at(&["kind"]) == Some("HelmRelease"))
            .map(|(path, index, _)| (path.clone(), index))
            .collect();
        let [(path, index)] = releases.as_slice() else {
            diags.push(no_single_release(app, choice, &releases));
            return;
        };
        let Some(artifact) = self.artifacts.get_mut(path) else {
            return;
        };
        let merged = edit::merge(
            artifact.text(),
            *index,
            &["spec", "values"],
            &choice.chosen.values,
        );
        let Ok((text, documents)) = merged.map_err(|_| ()).and_then(|text| {
            let documents = yaml::parse(&text).map_err(|_| ())?;
            Ok((text, documents))
        }) else {
            let message = format!(
                "`{}` cannot be merged: `spec.values` of the HelmRelease is no mapping",
                choice.key("values")
            );
            diags.push(
                Diagnostic::error("plan/values", message)
                    .at_opt(choice.place("values"), "")
                    .note(format!("the HelmRelease is `{path}`")),
            );
            return;
        };
        artifact.content = Text::Rendered(text);
        self.documents.insert(path.clone(), Arc::new(documents));
    }

    /// A file of the app's own may name its version itself, and so leave the choice without effect.
    fn check_version(&self, app: &App, choice: &PlacedChoice, version: &str, diags: &mut Diagnostics) {
        let places: [&[&str]; 2] = [&["spec", "ref", "tag"], &["spec", "chart", "spec", "version"]];
        let has = |node: &Node| places.iter().any(|place| node.str_at(place) == Some(version));
        if app.manifest.chart.is_none() || self.documents_of(app).any(|(_, _, node)| has(node)) {
            return;
        }
        let message = format!(
            "`{}` has no effect: a file of the app names its chart's version itself",
            choice.key("version")
        );
        diags.push(
            Diagnostic::error("plan/version", message)
                .at_opt(choice.place("version"), "arrives nowhere")
                .help(format!(
                    "write `#{{ app.version }}#` in the templates of `templates/apps/{}`, or remove this line",
                    app.id()
                )),
        );
    }

    /// The documents that an app has rendered so far, each with its file and its number there.
    fn documents_of<'r>(&'r self, app: &App) -> impl Iterator<Item = (&'r RepoPath, usize, &'r Node)> {
        let id = app.id();
        let own = move |path: &RepoPath| {
            let artifact = self.artifacts.get(path);
            artifact.is_some_and(|artifact| artifact.origin.app == id)
        };
        let files = self.documents.iter().filter(move |(path, _)| own(path));
        files.flat_map(|(path, nodes)| {
            let nodes = nodes.iter().enumerate();
            nodes.map(move |(index, node)| (path, index, node))
        })
    }
}

/// An app without a `HelmRelease`, or with several.
fn no_single_release(app: &App, choice: &PlacedChoice, releases: &[(RepoPath, usize)]) -> Diagnostic {
    let key = choice.key("values");
    if releases.is_empty() {
        let message = format!("`{key}` has no effect: `{}` renders no HelmRelease", app.id());
        return Diagnostic::error("plan/values", message)
            .at_opt(choice.place("values"), "no chart takes these values")
            .help(format!(
                "remove it; to change the app's files, copy them from its built-in folder into `templates/apps/{}`",
                app.id()
            ));
    }
    let message = format!(
        "`{key}` is ambiguous: `{}` renders {} HelmReleases",
        app.id(),
        releases.len()
    );
    let mut finding =
        Diagnostic::error("plan/values", message).at_opt(choice.place("values"), "for which one?");
    for (path, _) in releases {
        finding = finding.note(format!("one is in `{path}`"));
    }
    finding.help(format!(
        "change the templates in `templates/apps/{}` instead",
        app.id()
    ))
}
