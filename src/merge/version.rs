//! Versions in the tree: Renovate raises them there, and what is newer stays.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::world::Side;
use yaml::layout::block_text::is_block_text;
use yaml::{Edit, Kind, Node, apply};

use super::identity::Identity;
use crate::tree::RepoPath;

/// Keys whose value is a version, an image with one, or a digest that belongs to one.
const KEYS: [&str; 7] = [
    "tag",
    "version",
    "image",
    "targetRevision",
    "kubernetesVersion",
    "talosVersion",
    "ref",
];

/// Returns whether the value of this key is a version.
pub(super) fn is_place(key: &str) -> bool {
    KEYS.contains(&key)
}

/// A version as tags spell it: `v1.2.3`, `1.2`, `2024.10.1-rc.1`, each also behind `image:` or before `@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagVersion<'a> {
    name: &'a str,
    numbers: Vec<u64>,
    pre: Option<&'a str>,
}

impl<'a> TagVersion<'a> {
    /// Reads a version; `None` for other texts.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.split_once('@').map_or(text, |(tag, _)| tag);
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => ("", text),
        };
        let tag = tag.strip_prefix('v').unwrap_or(tag);
        let tag = tag.split_once('+').map_or(tag, |(version, _)| version);
        let (numbers, pre) = match tag.split_once('-') {
            Some((numbers, pre)) => (numbers, Some(pre)),
            None => (tag, None),
        };
        let numbers: Vec<u64> = numbers
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        Some(Self { name, numbers, pre })
    }

    /// Compares two versions of the same thing; `None` for different images or different flavours.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.name != other.name {
            return None;
        }
        let numbers = self.numbers.cmp(&other.numbers);
        match (self.pre, other.pre) {
            (a, b) if a == b => Some(numbers),
            _ if numbers != Ordering::Equal => Some(numbers),
            (None, Some(_)) => Some(Ordering::Greater),
            (Some(_), None) => Some(Ordering::Less),
            (Some(a), Some(b)) => {
                let [a, b] = [a, b].map(semver::Prerelease::new);
                Some(a.ok()?.cmp(&b.ok()?))
            }
            (None, None) => Some(Ordering::Equal),
        }
    }
}

/// Returns whether `a` is newer than `b`; `false` when they cannot be compared.
pub fn is_newer(a: &str, b: &str) -> bool {
    match (TagVersion::parse(a), TagVersion::parse(b)) {
        (Some(a), Some(b)) => a.compare(&b) == Some(Ordering::Greater),
        _ => false,
    }
}

/// Returns which side's version stands when both moved on from the base: the newer one. `None` when they cannot be
/// compared, or when a person went back on purpose, in the tree or in `cluster.yaml`.
pub(super) fn newer(base: &str, yours: &str, render: &str) -> Option<Side> {
    let [base, yours, render] = [base, yours, render].map(TagVersion::parse);
    let (base, yours, render) = (base?, yours?, render?);
    if yours.compare(&base)? == Ordering::Less || render.compare(&base)? == Ordering::Less {
        return None;
    }
    match yours.compare(&render)? {
        Ordering::Greater => Some(Side::Yours),
        // The same tag with another digest as well: the render's is the tested one.
        Ordering::Equal | Ordering::Less => Some(Side::Render),
    }
}

/// A version that stands in the tree and is newer than the one rendered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeptVersion {
    /// The file.
    pub file: RepoPath,
    /// The way to it.
    pub place: String,
    /// What the library has.
    pub rendered: String,
    /// What stays.
    pub kept: String,
}

/// Returns the versions that are newer in `merged` than in `render`.
pub(super) fn kept(file: &RepoPath, render: &[Node], merged: &[Node]) -> Vec<KeptVersion> {
    let mut found = Vec::new();
    for_each_newer(render, merged, &mut |place, rendered, kept| {
        found.push(KeptVersion {
            file: file.clone(),
            place: super::place(place),
            rendered: rendered.as_str().unwrap_or_default().to_owned(),
            kept: kept.as_str().unwrap_or_default().to_owned(),
        });
    });
    found
}

/// A version that a person or Renovate raised, and that the render has overtaken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Overtaken {
    /// The way to it.
    pub place: String,
    /// What stood in the tree.
    pub yours: String,
    /// What stands now.
    pub now: String,
}

/// Returns the versions that `yours` had raised since the base and that are newer still in `merged`.
pub(super) fn overtaken([base, yours, merged]: [&str; 3]) -> Vec<Overtaken> {
    let documents = |text: &str| yaml::parse(text).unwrap_or_default();
    let [base, yours, merged] = [base, yours, merged].map(documents);
    let mut raised = BTreeSet::new();
    for_each_newer(&base, &yours, &mut |place, _, _| {
        raised.insert(super::place(place));
    });
    let mut found = Vec::new();
    for_each_newer(&yours, &merged, &mut |place, yours, now| {
        let place = super::place(place);
        if raised.contains(&place) {
            found.push(Overtaken {
                place,
                yours: yours.as_str().unwrap_or_default().to_owned(),
                now: now.as_str().unwrap_or_default().to_owned(),
            });
        }
    });
    found
}

/// Returns the render with the versions of `yours` where those are newer; `None` where none is.
pub fn keep_newer(render: &str, yours: &str) -> Option<String> {
    let documents = yaml::parse(render).ok()?;
    let theirs = yaml::parse(yours).ok()?;
    let mut edits = Vec::new();
    for_each_newer(&documents, &theirs, &mut |_, rendered, kept| {
        edits.push(Edit::new(rendered.span.clone(), &yours[kept.span.clone()]));
    });
    if edits.is_empty() {
        return None;
    }
    apply(render, &edits)
}

/// Visits the versions that are newer in `other`: way, node, newer node.
fn for_each_newer(render: &[Node], other: &[Node], visit: &mut impl FnMut(&[String], &Node, &Node)) {
    let several = render.len() > 1;
    for (i, document) in render.iter().enumerate() {
        let id = |node: &Node| Identity::Object.id(&node.to_json());
        let found = match id(document) {
            Some(own) => other.iter().find(|node| id(node).as_ref() == Some(&own)),
            None => other.get(i),
        };
        let mut place = if several {
            id(document).into_iter().collect()
        } else {
            Vec::new()
        };
        if let Some(found) = found {
            walk(document, found, &mut place, visit);
        }
    }
}

fn walk(node: &Node, other: &Node, place: &mut Vec<String>, visit: &mut impl FnMut(&[String], &Node, &Node)) {
    match (&node.kind, &other.kind) {
        (Kind::Map(entries), Kind::Map(_)) => {
            for (key, value) in entries {
                if let Some(key) = key.as_str()
                    && let Some(found) = other.get(key)
                {
                    place.push(key.to_owned());
                    walk(value, found, place, visit);
                    place.pop();
                }
            }
        }
        (Kind::Seq(items), Kind::Seq(others)) => {
            let json = |nodes: &[Node]| nodes.iter().map(Node::to_json).collect::<Vec<_>>();
            let (a, b) = (json(items), json(others));
            let Some(identity) = Identity::of(&[&a, &b]) else {
                return;
            };
            for (item, value) in items.iter().zip(&a) {
                let id = identity.id(value);
                if let Some(at) = b.iter().position(|other| identity.id(other) == id) {
                    place.push(format!("[{}]", id.unwrap_or_default()));
                    walk(item, &others[at], place, visit);
                    place.pop();
                }
            }
        }
        (Kind::Scalar { value, .. }, Kind::Scalar { value: newer, .. }) => {
            // A lone number is a tag of an image, but below `version` the format of a file.
            let is_version = |key: &String| is_place(key) && (key != "version" || newer.contains('.'));
            if place.last().is_some_and(is_version)
                && !is_block_text(node)
                && !is_block_text(other)
                && is_newer(newer, value)
            {
                visit(place, node, other);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_images_and_digests_are_compared() {
        for (newer, older) in [
            ("1.10.0", "1.9.9"),
            ("v1.2.1", "1.2.0"),
            ("1.2.0", "1.2.0-rc.1"),
            ("1.2.0-rc.10", "1.2.0-rc.9"),
            ("ghcr.io/a/b:1.2.0@sha256:00", "ghcr.io/a/b:1.1.0@sha256:ff"),
            ("reg:5000/a:2.0", "reg:5000/a:1.9"),
            ("2026.1.0", "2025.12.3"),
            ("38", "37"),
        ] {
            assert!(
                is_newer(newer, older) && !is_newer(older, newer),
                "{newer} {older}"
            );
        }
        for (a, b) in [
            ("latest", "1.2.0"),
            ("a:1.2.0", "b:1.1.0"),
            ("3", "x"),
            ("1.2.0", "1.2.0"),
            ("reg:5000/a", "x"),
        ] {
            assert!(!is_newer(a, b) && !is_newer(b, a), "{a} {b}");
        }
    }

    #[test]
    fn newer_versions_go_into_the_render_as_they_are_written() {
        let render = "kind: OCIRepository\nmetadata:\n  name: loki\nspec:\n  ref:\n    tag: 1.0.0 # chart\n  image: a:1.0.0\n";
        let yours = "kind: OCIRepository\nmetadata:\n  name: loki\nspec:\n  ref:\n    tag: \"1.1.0\"\n  image: b:2.0.0\n";
        let kept = keep_newer(render, yours).expect("newer");
        assert_eq!(kept, render.replace("tag: 1.0.0", "tag: \"1.1.0\""));
        assert_eq!(keep_newer(render, render), None);
        assert_eq!(keep_newer(yours, render), None);
    }

    #[test]
    fn the_newer_side_stands_unless_a_person_went_back() {
        assert_eq!(newer("1.0.0", "1.2.0", "1.1.0"), Some(Side::Yours));
        assert_eq!(newer("1.0.0", "1.1.0", "1.2.0"), Some(Side::Render));
        assert_eq!(newer("1.0.0", "0.9.0", "1.1.0"), None);
        assert_eq!(newer("1.0.0", "1.1.0", "0.9.0"), None);
        assert_eq!(newer("1.0.0", "latest", "1.1.0"), None);
    }
}
