//! Findings in files that nobody edited, which an edit of another file brings about: whoever took a file out of a
//! `kustomization.yaml` finds what waits for it in a `ks.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Texts;
use super::manifests::Manifests;
use super::rule::{Finding, Rule};
use crate::render::{Documents, Rendered};
use crate::tree::{RepoPath, Tree};

/// Rules whose findings keep Flux from applying what we render, whoever brings them about.
const STOPS: [&str; 5] = [
    "dependency-cycle",
    "duplicate-object",
    "missing-resource",
    "plain-secret",
    "two-owners",
];

/// Most edited files that are taken back one by one to find out which of them it is.
const MAX_ALONE: usize = 32;

/// What tells a finding from others of its rule.
type Mark<'f> = (&'f RepoPath, &'f str);

/// The tree as it is with edits, and which files have some.
pub(super) struct Edits<'t> {
    pub(super) tree: &'t Tree<Rendered>,
    pub(super) texts: &'t Texts<'t>,
    pub(super) edited: &'t BTreeSet<&'t RepoPath>,
}

impl Edits<'_> {
    /// Returns for each finding of a rule in a file that nobody edited the edited files that bring it about: taken back,
    /// it is gone. Nothing for one that is there without them, or that stops a run whoever wrote what.
    pub(super) fn behind(&self, rule: &Rule, findings: &[Finding]) -> BTreeMap<usize, Vec<RepoPath>> {
        let mut behind = BTreeMap::new();
        let is_other = |finding: &Finding| {
            !self.edited.contains(&finding.path) && self.tree.get(&finding.path).is_some()
        };
        let others: Vec<(usize, Mark<'_>)> = findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| is_other(finding))
            .map(|(number, finding)| (number, (&finding.path, finding.message.as_str())))
            .collect();
        if self.edited.is_empty() || others.is_empty() || STOPS.contains(&rule.name) {
            return behind;
        }
        let without_any = self.without(rule, self.edited);
        let is_in = |(path, message): Mark<'_>, found: &[Finding]| {
            found
                .iter()
                .any(|one| one.path == *path && one.message == message)
        };
        let of_edits: Vec<(usize, Mark<'_>)> = others
            .into_iter()
            .filter(|(_, mark)| !is_in(*mark, &without_any))
            .collect();
        if of_edits.is_empty() {
            return behind;
        }
        let alone: Vec<(&RepoPath, Vec<Finding>)> = self
            .edited
            .iter()
            .take(MAX_ALONE)
            .map(|path| (*path, self.without(rule, &BTreeSet::from([*path]))))
            .collect();
        for (number, mark) in of_edits {
            let found = alone.iter().filter(|(_, found)| !is_in(mark, found));
            let mut files: Vec<RepoPath> = found.map(|(path, _)| (*path).clone()).collect();
            if files.is_empty() {
                files = self.edited.iter().map(|path| (*path).clone()).collect();
            }
            behind.insert(number, files);
        }
        behind
    }

    /// Returns what a rule finds when some files stand as they were rendered.
    fn without(&self, rule: &Rule, files: &BTreeSet<&RepoPath>) -> Vec<Finding> {
        let mut documents: Documents = self.tree.stage().documents().clone();
        let mut texts = self.texts.clone();
        for path in files {
            let Some(artifact) = self.tree.get(path) else {
                continue;
            };
            let render = artifact.content.render();
            if let Some((text, _)) = texts.get_mut(path) {
                *text = render;
            }
            if let (true, Ok(nodes)) = (path.is_yaml(), yaml::parse(render)) {
                documents.insert((*path).clone(), Arc::new(nodes));
            }
        }
        rule.findings(&Manifests::new(&documents, &texts))
    }
}
