//! Stage 5, `check`: rules over the whole tree, before anything is sealed or written.
//!
//! A rule is one file in [`rules`]: its name, level, documentation and a function. To add one, write the file, add its
//! line to [`rules::ALL`] and give it fixtures in `tests/rules/<name>/{fail,pass}`. Findings about rendered files quote
//! the rendered text and name the app's template. Before: [`crate::render`]; after: [`crate::seal`].

pub mod addresses;
mod control_plane;
pub mod helm;
pub mod kinds;
pub mod manifests;
pub mod placed;
pub mod releases;
pub mod rule;
pub mod rules;
pub mod substitution;
pub mod walk;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::diag::{Aborted, Diagnostic, Diagnostics, Severity};
use crate::render::Rendered;
use crate::source::SourceId;
use crate::tree::{Edits, RepoPath, Tree};
use crate::yaml::Node;

use manifests::Manifests;
use rule::{Finding, Rule};

/// Marks a tree in which no rule found an error.
#[derive(Debug)]
pub struct Checked {
    /// The documents of each YAML file, secrets as tokens.
    pub documents: BTreeMap<RepoPath, Vec<Node>>,
    /// `apiVersion/kind` → how many objects of it no schema could judge.
    pub without_schema: BTreeMap<String, usize>,
}

/// Exceptions: rule → apps (`namespace/name`) for which it is silent.
pub type Exceptions = BTreeMap<String, BTreeSet<String>>;

/// Returns the exceptions that the manifests of a catalogue make, each with a reason there.
pub fn exceptions(catalog: &Catalog) -> Exceptions {
    let mut exceptions = Exceptions::new();
    for app in &catalog.apps {
        for allow in &app.manifest.allow {
            exceptions.entry(allow.rule.clone()).or_default().insert(app.id());
        }
    }
    exceptions
}

/// Runs all rules over a rendered tree.
///
/// # Errors
/// When a rule of level error finds something; all findings are reported.
pub fn check(
    tree: Tree<Rendered>,
    exceptions: &Exceptions,
    diags: &mut Diagnostics,
) -> Result<Tree<Checked>, Aborted> {
    let foreign = tree.stage().foreign.iter().map(|path| (path, ("", "foreign")));
    let ours = tree.iter().map(|artifact| {
        (
            &artifact.path,
            (artifact.text.as_str(), artifact.origin.app.as_str()),
        )
    });
    let texts: BTreeMap<&RepoPath, (&str, &str)> = foreign.chain(ours).collect();
    let manifests = Manifests::new(&tree.stage().documents, &texts);
    let mut sources: BTreeMap<RepoPath, SourceId> = BTreeMap::new();
    for rule in rules::ALL {
        let mut findings = Vec::new();
        (rule.run)(&manifests, &mut findings);
        findings.retain(|finding| {
            let app = texts.get(&finding.path).map(|(_, app)| *app).unwrap_or_default();
            !exceptions.get(rule.name).is_some_and(|apps| apps.contains(app))
        });
        for finding in findings {
            let artifact = tree.get(&finding.path);
            let edited = artifact.is_some_and(|artifact| matches!(artifact.edits, Edits::Merged { .. }));
            report((rule, edited), finding, &texts, &mut sources, diags);
        }
    }
    let without_schema = manifests.kinds().without_schema.clone();
    diags.checkpoint()?;
    Ok(tree.map_stage(|rendered| Checked {
        documents: rendered.documents,
        without_schema,
    }))
}

fn report(
    (rule, edited): (&Rule, bool),
    finding: Finding,
    texts: &BTreeMap<&RepoPath, (&str, &str)>,
    sources: &mut BTreeMap<RepoPath, SourceId>,
    diags: &mut Diagnostics,
) {
    // What a person wrote is theirs: the run tells them, and does not stop.
    let level = match rule.level {
        Severity::Error if edited => Severity::Warning,
        level => level,
    };
    let mut diagnostic = match level {
        Severity::Error => Diagnostic::error(rule.name, finding.message),
        Severity::Warning => Diagnostic::warning(rule.name, finding.message),
        Severity::Note => Diagnostic::note_level(rule.name, finding.message),
    };
    let mut source = |path: &RepoPath, diags: &mut Diagnostics| {
        *sources.entry(path.clone()).or_insert_with(|| {
            let text = texts.get(path).map(|(text, _)| *text).unwrap_or_default();
            diags.sources.add(path.as_str(), text)
        })
    };
    diagnostic = match finding.span {
        Some(span) => {
            let id = source(&finding.path, diags);
            diagnostic.at(id.span(span), finding.label)
        }
        None => diagnostic.in_file(finding.path.as_str()),
    };
    for (path, span, label) in finding.also {
        let id = source(&path, diags);
        diagnostic = diagnostic.also(id.span(span), label);
    }
    if edited {
        diagnostic = diagnostic.note("you edited this file");
    }
    if let Some((_, app)) = texts.get(&finding.path) {
        diagnostic = diagnostic.note(format!("the file belongs to `{app}`"));
    }
    diags.push(diagnostic.help(finding.help));
}
