//! Rules over the whole tree, before anything is sealed or written.
//!
//! A rule is one file in [`rules`]: its name, level, documentation and a function. To add one, write the file, add its
//! line to [`rules::ALL`] and give it fixtures in `tests/rules/<name>/{fail,pass}`. Findings about rendered files quote
//! the rendered text and name the template to edit.

pub mod addresses;
pub mod allow;
mod cause;
mod control_plane;
mod edits;
pub mod helm;
pub mod kinds;
pub mod manifests;
pub mod placed;
pub mod pool_change;
pub mod releases;
pub mod rule;
pub mod rules;
pub mod services;
pub mod substitution;
mod talos;
pub mod walk;

use std::collections::{BTreeMap, BTreeSet};

use yaml::Node;

use crate::diag::{Aborted, Diagnostic, Diagnostics, Severity};
use crate::render::{Documents, Rendered};
use crate::source::SourceId;
use crate::tree::{RepoPath, Tree};
use crate::world::secrecy::{display, redact};

use allow::Exceptions;
use edits::Edits;
use manifests::Manifests;
use rule::{Finding, Rule};

/// Marks a tree in which no rule found an error; only this stage makes one.
#[derive(Debug, Clone)]
pub struct Checked {
    documents: Documents,
    without_schema: BTreeMap<String, usize>,
}

impl Checked {
    /// Returns the documents of a YAML file, secrets as tokens; none of another file.
    pub fn documents(&self, path: &RepoPath) -> &[Node] {
        self.documents
            .get(path)
            .map(|nodes| nodes.as_slice())
            .unwrap_or_default()
    }

    /// Returns how many objects of a kind (`apiVersion/kind`) no schema could judge.
    pub fn without_schema(&self) -> &BTreeMap<String, usize> {
        &self.without_schema
    }
}

/// Whose a file is that people have added.
const ADDED: &str = "added";

/// Rules about how a file is written rather than about what it does, or about what has worked so far: in files that
/// people have added, their findings are warnings.
const STYLE: [&str; 7] = [
    "dead-service-address",
    "ingress",
    "persistence-without-storage-class",
    "taken-address-in-pool",
    "unpinned-version",
    "unreferenced-file",
    "yaml-1-1-trap",
];

/// Returns whether a comment in a file allows what a rule finds, with a reason:
/// `# clusterwright: allow unpinned-version: the vendor publishes no tags`.
fn is_allowed(text: &str, rule: &str) -> bool {
    let allows = |line: &str| {
        let comment = line.split_once("# clusterwright: allow ").map(|(_, rest)| rest)?;
        let (name, reason) = comment.split_once(':')?;
        Some(name.trim() == rule && !reason.trim().is_empty())
    };
    text.lines().any(|line| allows(line) == Some(true))
}

/// Returns the line, from 1, of a comment that names a rule as if to allow what it finds, and gives no reason.
fn without_reason(text: &str, rule: &str) -> Option<usize> {
    let names = |line: &str| {
        let (_, comment) = line.split_once("# clusterwright: allow ")?;
        let first = comment.split([' ', '\t', ':']).find(|word| !word.is_empty())?;
        Some(first.trim_end() == rule)
    };
    if is_allowed(text, rule) {
        return None;
    }
    text.lines()
        .position(|line| names(line) == Some(true))
        .map(|at| at + 1)
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
    run(tree, exceptions, |rule| rule.level, diags)
}

/// Rules whose errors are errors in every Flux repository. What the others find in a tree that is not from our
/// catalogue may be meant so, or be mended in a part of it that we do not see.
const ALWAYS_ERRORS: [&str; 4] = [
    "dependency-cycle",
    "double-chart",
    "missing-resource",
    "plain-secret",
];

/// Runs all rules over a tree that is not from our catalogue: most of what they find is a warning.
///
/// # Errors
/// When a rule finds what is an error in every repository; all findings are reported.
pub fn check_raw(tree: Tree<Rendered>, diags: &mut Diagnostics) -> Result<Tree<Checked>, Aborted> {
    let level = |rule: &Rule| match rule.level {
        Severity::Error if !ALWAYS_ERRORS.contains(&rule.name) => Severity::Warning,
        level => level,
    };
    run(tree, &Exceptions::new(), level, diags)
}

/// The text and the app of every file.
type Texts<'t> = BTreeMap<&'t RepoPath, (&'t str, &'t str)>;

/// Returns those of the tree, and of the files that people have added.
fn texts(tree: &Tree<Rendered>) -> Texts<'_> {
    let added = tree.stage().added().iter();
    let added = added.map(|(path, text)| (path, (text.as_str(), ADDED)));
    let ours = tree
        .iter()
        .map(|artifact| (&artifact.path, (artifact.text(), artifact.origin.app.as_str())));
    added.chain(ours).collect()
}

fn run(
    tree: Tree<Rendered>,
    exceptions: &Exceptions,
    level: impl Fn(&Rule) -> Severity,
    diags: &mut Diagnostics,
) -> Result<Tree<Checked>, Aborted> {
    let texts = texts(&tree);
    let edited: BTreeSet<&RepoPath> = tree
        .iter()
        .filter(|artifact| artifact.is_edited())
        .map(|artifact| &artifact.path)
        .collect();
    let manifests = Manifests::new(tree.stage().documents(), &texts);
    let mut used = BTreeSet::new();
    let mut reporter = Reporter {
        texts: &texts,
        edited: &edited,
        tree: &tree,
        sources: BTreeMap::new(),
    };
    for rule in rules::ALL {
        let mut findings = rule.findings(&manifests);
        findings.retain(|finding| {
            let app = texts.get(&finding.path).map(|(_, app)| *app).unwrap_or_default();
            let text = texts.get(&finding.path).map(|(text, _)| *text);
            let excepted = exceptions
                .get(rule.name)
                .is_some_and(|apps| apps.contains_key(app));
            if excepted {
                used.insert((rule.name, app));
            }
            let allowed = app == ADDED && text.is_some_and(|text| is_allowed(text, rule.name));
            !(excepted || allowed)
        });
        let edits = Edits {
            tree: &tree,
            texts: &texts,
            edited: &edited,
        };
        let mut behind = match level(rule) {
            Severity::Error => edits.behind(rule, &findings),
            _ => BTreeMap::new(),
        };
        for (number, mut finding) in findings.into_iter().enumerate() {
            let is_added = texts.get(&finding.path).is_some_and(|(_, app)| *app == ADDED);
            if is_added || edited.contains(&finding.path) {
                let documents = manifests.documents(finding.path.as_str());
                for text in [&mut finding.message, &mut finding.label, &mut finding.help] {
                    *text = redact(text, documents);
                }
            }
            let behind = behind.remove(&number).unwrap_or_default();
            reporter.report(rule, level(rule), finding, &behind, diags);
        }
    }
    let on: BTreeSet<&str> = tree.iter().map(|artifact| artifact.origin.app.as_str()).collect();
    allow::report(exceptions, &used, &on, diags);
    let without_schema = manifests.kinds().without_schema.clone();
    diags.checkpoint()?;
    Ok(tree.map_stage(|rendered| Checked {
        documents: rendered.into_documents(),
        without_schema,
    }))
}

/// Says which edits of other files bring a finding about: one, or some of several.
fn because_of(behind: &[RepoPath]) -> Option<String> {
    /// How many files are named.
    const MAX_NAMED: usize = 5;
    let [first, others @ ..] = behind else { return None };
    if others.is_empty() {
        return Some(format!("you edited `{first}`, which brings this about"));
    }
    let named: Vec<String> = behind
        .iter()
        .take(MAX_NAMED)
        .map(|path| format!("`{path}`"))
        .collect();
    let more = match behind.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let named = named.join(", ");
    Some(format!(
        "what you edited brings this about, in one or more of {named}{more}"
    ))
}

/// Tells what the rules found, of the tree as it stands.
struct Reporter<'t> {
    texts: &'t Texts<'t>,
    edited: &'t BTreeSet<&'t RepoPath>,
    tree: &'t Tree<Rendered>,
    /// The files that were quoted.
    sources: BTreeMap<RepoPath, SourceId>,
}

impl Reporter<'_> {
    fn report(
        &mut self,
        rule: &Rule,
        level: Severity,
        finding: Finding,
        behind: &[RepoPath],
        diags: &mut Diagnostics,
    ) {
        let Self {
            texts,
            edited,
            tree,
            sources,
        } = self;
        let app = texts.get(&finding.path).map(|(_, app)| *app);
        let is_edited = edited.contains(&finding.path);
        let level = match level {
            // What a person wrote is theirs: the run tells them, and does not stop; but it carries no secret on in clear.
            Severity::Error if is_edited && rule.name != "plain-secret" => Severity::Warning,
            Severity::Error if !behind.is_empty() => Severity::Warning,
            Severity::Error if app == Some(ADDED) && STYLE.contains(&rule.name) => Severity::Warning,
            level => level,
        };
        let mut diagnostic = match level {
            Severity::Error => Diagnostic::error(rule.name, finding.message),
            Severity::Warning => Diagnostic::warning(rule.name, finding.message),
            Severity::Note => Diagnostic::note_level(rule.name, finding.message),
        };
        let mut source = |path: &RepoPath, diags: &mut Diagnostics| {
            *sources
                .entry(path.clone())
                .or_insert_with(|| match texts.get(path) {
                    Some((text, app)) if *app == ADDED || edited.contains(path) => {
                        diags.sources.add(path.as_str(), display(path.as_str(), text))
                    }
                    Some((text, _)) => diags.sources.add(path.as_str(), *text),
                    None => diags.sources.add(path.as_str(), ""),
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
        if is_edited {
            diagnostic = diagnostic.note("you edited this file");
        }
        if let Some(note) = because_of(behind) {
            diagnostic = diagnostic.note(note);
        }
        diagnostic = match app {
            Some(ADDED) => {
                let text = texts
                    .get(&finding.path)
                    .map(|(text, _)| *text)
                    .unwrap_or_default();
                let comment = format!("# clusterwright: allow {}: why", rule.name);
                diagnostic.note(match without_reason(text, rule.name) {
                Some(line) => format!(
                    "the comment in line {line} silences nothing, for the reason is missing: write `{comment}`"
                ),
                None => format!("the file is yours; a comment `{comment}` in it silences this"),
            })
            }
            _ => match tree.get(&finding.path) {
                Some(artifact) => cause::notes(&artifact.origin, tree.stage().own())
                    .into_iter()
                    .fold(diagnostic, Diagnostic::note),
                None => diagnostic,
            },
        };
        diags.push(diagnostic.help(finding.help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_allows_with_a_reason_and_is_told_without_one() {
        for (comment, allowed, line) in [
            ("allow ingress: the router knows nothing else", true, None),
            ("allow ingress", false, Some(2)),
            ("allow ingress:", false, Some(2)),
            ("allow ingress : ", false, Some(2)),
            ("allow ingress because it is fine", false, Some(2)),
            ("allow ingress-nginx: because", false, None),
            ("allow unpinned-version", false, None),
        ] {
            let text = format!("a: 1\n# clusterwright: {comment}\n");
            assert_eq!(is_allowed(&text, "ingress"), allowed, "{comment}");
            assert_eq!(without_reason(&text, "ingress"), line, "{comment}");
        }
        let both = "# clusterwright: allow ingress\n# clusterwright: allow ingress: the router knows it\n";
        assert_eq!(without_reason(both, "ingress"), None);
    }
}
