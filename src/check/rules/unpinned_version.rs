//! Charts, images and repositories are pinned to one version.

use std::ops::Range;

use yaml::Node;

use crate::check::manifests::{Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::check::walk;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unpinned-version",
    level: Severity::Error,
    summary: "a chart, image or repository can change without a commit",
    docs: include_str!("unpinned_version.md"),
    run,
};

/// Tags that are moved from version to version.
const MOVING: &[&str] = &[
    "canary", "dev", "develop", "edge", "head", "latest", "main", "master", "nightly", "rolling", "snapshot",
    "stable", "testing", "unstable",
];
/// Parts of a tag that say the same: `v0.0.0-latest`, `1.20.0-dev.3`.
const MOVING_PARTS: &[&str] = &["dev", "latest", "nightly", "snapshot"];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for object in &manifests.objects {
        let mut out = Out {
            manifests,
            object,
            findings,
        };
        match (object.group(), object.kind) {
            ("source.toolkit.fluxcd.io", "OCIRepository") => out.oci_repository(),
            ("source.toolkit.fluxcd.io", "GitRepository") => out.git_repository(),
            ("helm.toolkit.fluxcd.io", "HelmRelease") => {
                out.chart();
                if let Some(values) = object.node.path(&["spec", "values"]) {
                    out.images(values);
                }
            }
            _ => out.images(object.node),
        }
    }
    for (path, documents) in manifests
        .files()
        .filter(|(path, _)| path.as_str().starts_with("bootstrap/"))
    {
        for release in documents.iter().filter_map(|document| document.get("releases")) {
            for release in release.items() {
                helmfile(path, release, findings);
            }
        }
    }
}

fn helmfile(path: &crate::tree::RepoPath, release: &Node, findings: &mut Vec<Finding>) {
    let Some(name) = release.get("name") else { return };
    let text = name.as_str().unwrap_or_default();
    let (node, label) = match release.get("version") {
        Some(version) => match version.as_str().and_then(range) {
            Some(label) => (version, label),
            None => return,
        },
        None if release
            .str_at(&["chart"])
            .is_some_and(|chart| chart.starts_with('.')) =>
        {
            return;
        }
        None => (name, "no version: the newest"),
    };
    let message = format!("release `{text}` is not pinned");
    findings.push(Finding::new(path, message, VERSION_HELP).at(node.span.clone(), label));
}

const VERSION_HELP: &str = "write one whole version, such as `1.2.3`";
const TAG_HELP: &str = "write the tag of one release, such as `v1.2.3`, or add its digest";

/// Collects the findings of one object.
struct Out<'m, 'a> {
    manifests: &'m Manifests<'a>,
    object: &'m Object<'a>,
    findings: &'m mut Vec<Finding>,
}

impl Out<'_, '_> {
    fn push(&mut self, span: Range<usize>, label: &str, help: &str) {
        let text = self.manifests.text(self.object.path);
        let value = text
            .get(span.clone())
            .unwrap_or_default()
            .trim_matches(['"', '\'']);
        let message = format!(
            "`{value}` does not pin {} `{}`",
            self.object.kind, self.object.name
        );
        self.findings
            .push(Finding::new(self.object.path, message, help).at(span, label));
    }

    fn oci_repository(&mut self) {
        let node = self.object.node;
        let at = |key: &str| node.path(&["spec", "ref", key]);
        if at("digest").is_some() {
            return;
        }
        match (at("tag"), at("semver"), node.path(&["spec", "url"])) {
            (_, Some(semver), _) => {
                self.push(
                    semver.span.clone(),
                    "a range",
                    "replace `semver` by `tag` with one version",
                );
            }
            (Some(tag), ..) => {
                if let Some(label) = tag
                    .as_str()
                    .and_then(|tag| moving(tag).or_else(|| range_mark(tag)))
                {
                    self.push(tag.span.clone(), label, TAG_HELP);
                }
            }
            (None, None, Some(url)) => {
                self.push(
                    url.span.clone(),
                    "without `ref`: the tag `latest`",
                    "add `ref: {tag: …}`",
                );
            }
            _ => {}
        }
    }

    fn git_repository(&mut self) {
        let node = self.object.node;
        let at = |key: &str| node.path(&["spec", "ref", key]);
        if self.object.name == "flux-system" || at("commit").is_some() || at("name").is_some() {
            return;
        }
        let help = "replace it by `tag` or `commit`";
        match (at("semver"), at("tag"), at("branch"), node.path(&["spec", "url"])) {
            (Some(semver), ..) => {
                if let Some(label) = semver.as_str().and_then(range) {
                    self.push(semver.span.clone(), label, help);
                }
            }
            (_, Some(tag), ..) => {
                if let Some(label) = tag.as_str().and_then(moving) {
                    self.push(tag.span.clone(), label, TAG_HELP);
                }
            }
            (_, _, Some(branch), _) => self.push(branch.span.clone(), "a branch", help),
            (None, None, None, Some(url)) => {
                self.push(
                    url.span.clone(),
                    "without `ref`: the branch `master`",
                    "add `ref: {tag: …}`",
                );
            }
            _ => {}
        }
    }

    fn chart(&mut self) {
        let node = self.object.node;
        let Some(spec) = node.path(&["spec", "chart", "spec"]) else {
            return;
        };
        if spec
            .str_at(&["sourceRef", "kind"])
            .is_some_and(|kind| kind != "HelmRepository")
        {
            return;
        }
        match (spec.get("version"), spec.get("chart")) {
            (Some(version), _) => {
                if let Some(label) = version.as_str().and_then(range) {
                    self.push(version.span.clone(), label, VERSION_HELP);
                }
            }
            (None, Some(chart)) => self.push(
                chart.span.clone(),
                "without `version`: the newest",
                "add `version` with one whole version",
            ),
            _ => {}
        }
    }

    /// Images anywhere below a node: `image: name:tag`, `{repository, tag}`, and the Flux distribution.
    fn images(&mut self, node: &Node) {
        let mut found = Vec::new();
        walk::entries(node, &mut |mapping, key, value| {
            let (Some(key), Some(text)) = (key.as_str(), value.as_str()) else {
                return;
            };
            let image = mapping.get("repository").is_some() || mapping.get("registry").is_some();
            let label = match key {
                "tag" if image && !has_digest(mapping) => moving(text).or_else(|| range_mark(text)),
                "image" | "artifact" => reference(text, key == "image" && mapping.get("name").is_some()),
                "version" if mapping.get("artifact").is_some() => range(text),
                _ => None,
            };
            if let Some(label) = label {
                let help = if key == "version" { VERSION_HELP } else { TAG_HELP };
                found.push((value, label, help));
            }
        });
        for (value, label, help) in found {
            let span = self.tag_span(value);
            self.push(span, label, help);
        }
    }

    /// The tag inside an image reference, or all of another scalar.
    fn tag_span(&self, value: &Node) -> Range<usize> {
        let text = self.manifests.text(self.object.path);
        let raw = text.get(value.span.clone()).unwrap_or_default();
        let name = raw.rfind('/').map_or(0, |slash| slash + 1);
        match raw[name..].find(':') {
            Some(colon) if raw.contains('/') => {
                let quote = usize::from(raw.ends_with(['"', '\'']));
                value.part(name + colon + 1..raw.len() - quote)
            }
            _ => value.span.clone(),
        }
    }
}

fn has_digest(image: &Node) -> bool {
    ["digest", "sha"].iter().any(|key| {
        image
            .get(key)
            .and_then(Node::as_str)
            .is_some_and(|digest| !digest.is_empty())
    })
}

/// Says how an image reference moves; one without a tag only where `untagged` says that it is whole.
fn reference(text: &str, untagged: bool) -> Option<&'static str> {
    if text.contains('@') || text.contains("${") || text.is_empty() {
        return None;
    }
    let name = text.rsplit('/').next().unwrap_or_default();
    match name.split_once(':') {
        Some((_, tag)) => moving(tag),
        None if untagged && !text.contains(' ') => Some("without a tag: `latest`"),
        None => None,
    }
}

/// Says why a tag is a moving one.
fn moving(tag: &str) -> Option<&'static str> {
    let tag = tag.to_ascii_lowercase();
    if tag.contains('@') || tag.contains("${") {
        return None;
    }
    let moves = MOVING.contains(&tag.as_str())
        || tag
            .split(['.', '-', '_', '+'])
            .any(|part| MOVING_PARTS.contains(&part));
    moves.then_some("a tag that moves")
}

/// Says why a chart version is a range: Helm reads `2` and `2.7` as ranges as well.
fn range(version: &str) -> Option<&'static str> {
    if version.contains("${") || version.contains("{{") {
        return None;
    }
    let whole = version.split(['-', '+']).next().unwrap_or_default();
    let short = whole.split('.').count() < 3;
    range_mark(version)
        .or_else(|| moving(version))
        .or_else(|| short.then_some("a range: not a whole version"))
}

/// Says why a version is a range by the characters in it: `*`, `>=1`, `^1.2`, `4.3.x`.
fn range_mark(version: &str) -> Option<&'static str> {
    let marked = version.contains(['*', '<', '>', '=', '^', '~', '|', ' ', ','])
        || version.split('.').any(|part| matches!(part, "x" | "X"));
    (marked && !version.contains("${")).then_some("a range")
}
